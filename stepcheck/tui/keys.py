"""The keys: one table from which bindings, help and remapping are made.

Owns which key does what on which screen. In `stepcheck.toml`, `[keys]` names other keys for an id: `next-error = "f8"`.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from stepcheck.errors import UsageError

SCREENS: Final = {
    "s": "a solution",
    "d": "a list of solutions",
    "c": "Best-of-N",
    "r": "the cases of a run",
    "v": "one case",
}
APP: Final = "sdc"
RUN: Final = "rv"
"""The screens of `stepcheck runs view`."""


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that a key does. `where` are letters of screens, which `SCREENS` names."""

    id: str
    keys: str
    action: str
    does: str
    where: str = APP + RUN
    label: str = ""
    """In the foot line; empty keeps it off."""


KEYS: Final = (
    Key("help", "question_mark,f1", "help", "help", label="help"),
    Key("quit", "q", "leave", "quit", label="quit"),
    Key("down", "j,down", "move(1)", "next step or row"),
    Key("up", "k,up", "move(-1)", "step or row before"),
    Key("page-down", "pagedown,ctrl+f", "page(1)", "a page down"),
    Key("page-up", "pageup,ctrl+b", "page(-1)", "a page up"),
    Key("first", "g,home", "edge(-1)", "first"),
    Key("last", "G,end", "edge(1)", "last"),
    Key("next-error", "n", "error(1)", "next error", "sdcr", "error"),
    Key("previous-error", "N", "error(-1)", "error before", "sdcr"),
    Key("finding", "v", "evidence(1)", "next step in which something is shown to be false", "s"),
    Key("finding-back", "V", "evidence(-1)", "the one before", "s"),
    Key("search", "slash", "search", "search", label="find"),
    Key("open", "enter", "open", "open", "dcr", "open"),
    Key("filter", "f", "filter(1)", "next outcome", "r", "filter"),
    Key("filter-back", "F", "filter(-1)", "outcome before", "r"),
    Key("next-case", "n,right", "step(1)", "next case", "v", "next"),
    Key("previous-case", "p,left", "step(-1)", "case before", "v", "previous"),
    Key("sort", "s", "sort", "sort by the next column", "dc", "sort"),
    Key("reverse", "S", "reverse", "reverse the order", "dc"),
    Key("threshold-up", "right_square_bracket", "threshold(1)", "raise the threshold", "sdc"),
    Key("threshold-down", "left_square_bracket", "threshold(-1)", "lower the threshold", "sdc"),
    Key("threshold-model", "backslash", "threshold(0)", "the model's threshold again", "sdc"),
    Key("edit", "e", "edit", "edit the step, judged while you type", "s", "edit"),
    Key("edit-file", "E", "edit_file", "edit the file in your editor", "s"),
    Key("insert", "i", "insert(1)", "insert a step below", "s", "insert"),
    Key("insert-above", "I", "insert(0)", "insert a step above", "s"),
    Key("delete", "d", "change('delete')", "delete the step", "s"),
    Key("join", "J", "change('join')", "join with the step below", "s"),
    Key("split", "K", "change('split')", "split at the end of its first sentence or line; again for the next", "s"),
    Key("undo", "u,ctrl+z", "change('undo')", "undo", "s"),
    Key("redo", "U,ctrl+y", "change('redo')", "redo", "s"),
    Key("save", "ctrl+s", "save", "save to the file, every other byte as it was", "s"),
    Key("watch", "w", "watch", "watch the file: save it anywhere, see it here", "s", "watch"),
    Key("source", "r", "source", "LaTeX as Unicode or as it was written", "sv"),
    Key("problem", "p", "problem", "show or fold the problem", "s"),
    Key("critic", "c", "critic", "ask a critic why the step is wrong; Esc stops it, then closes its words", "s"),
    Key("side-down", "ctrl+d", "side(1)", "scroll the step's text, or the critic's words, down", "s"),
    Key("side-up", "ctrl+u", "side(-1)", "scroll them up", "s"),
    Key("again", "R", "again", "judge again", "sdc"),
    Key("export", "x", "export", "export as Markdown, HTML, SVG or JSON", "sc", "export"),
    Key("models", "m", "models", "models", "sdc", "models"),
    Key("hide-note", "minus", "hide_note", "put the note at the foot away", "sdc"),
    Key("palette", "ctrl+p,colon", "palette", "command palette: steps, files, models, themes", "sdc"),
    Key("back", "escape", "back", "stop judging; leave a search; back to the list"),
)


def bindings(where: str) -> list[Binding]:
    """The bindings of a screen."""
    return [
        Binding(key.keys, key.action, key.label or key.does, show=bool(key.label), id=key.id)
        for key in KEYS
        if where in key.where
    ]


def keymap(chosen: Mapping[str, str], origin: str = "[keys]") -> dict[str, str]:
    """Check the user's keys, and spell them as Textual does.

    Raises:
        UsageError: no such id, no such key, or one key for two things on a screen; `origin` begins the message.
    """
    known = {key.id: key for key in KEYS}
    spelled: dict[str, str] = {}
    for name, keys in chosen.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(known))}"
            raise UsageError(f"{origin}: nothing is called '{name}'; {hint}")
        names = [_spell(key) for key in keys.split(",")]
        if not all(map(_is_key, names)):
            raise UsageError(
                f"{origin}: {name} = {keys!r}: there is no such key; keys are called a, F, f8, ctrl+s, space"
            )
        spelled[name] = ",".join(names)
    _check_clashes(spelled, origin)
    return spelled


def _check_clashes(chosen: Mapping[str, str], origin: str) -> None:
    """Refuse one key for two things on a screen, where the user's choice made it so."""
    for screen in sorted({letter for key in KEYS for letter in key.where}):
        taken: dict[str, str] = {}
        for each in sorted((key for key in KEYS if screen in key.where), key=lambda key: key.id in chosen):
            for name in chosen.get(each.id, each.keys).split(","):
                if name in taken and (each.id in chosen or taken[name] in chosen):
                    raise UsageError(
                        f"{origin}: {each.id} = {chosen.get(each.id, each.keys)!r}: {shown(name)} is {taken[name]}"
                        f" already; give {taken[name]} another key too, or {each.id} one that is free"
                    )
                taken[name] = each.id


def _spell(key: str) -> str:
    """Name a key as Textual does: a sign by its name in Unicode, or a shorter one of its own (`slash`)."""
    if len(key) != 1 or key.isalnum():
        return key
    name = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _is_key(name: str) -> bool:
    """Tell whether Textual knows a key: a letter or digit, a key or sign by its name, also with ctrl, shift or alt."""
    *modifiers, last = name.split("+")
    known = len(last) == 1 or last in {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())
    return set(modifiers) <= {"ctrl", "shift", "alt"} and (known or _is_sign(last.replace("_", " ")))


def _is_sign(name: str) -> bool:
    try:
        unicodedata.lookup(name)
    except KeyError:
        return False
    return True


def shown(keys: str) -> str:
    """Keys as a person reads them: `j ↓`."""
    names = {
        "slash": "/",
        "question_mark": "?",
        "right_square_bracket": "]",
        "left_square_bracket": "[",
        "backslash": "\\",
        "colon": ":",
        "minus": "-",
        "down": "↓",
        "up": "↑",
        "pagedown": "PgDn",
        "pageup": "PgUp",
        "escape": "Esc",
        "enter": "Enter",
        "home": "Home",
        "end": "End",
    }
    return " ".join(names.get(key, key.replace("ctrl+", "Ctrl-")) for key in keys.split(","))
