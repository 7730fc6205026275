"""The keys: one table from which bindings, help and remapping are made.

Owns which key does what on which screen. In `stepcheck.toml`, `[keys]` names other keys for an id: `next-error = "f8"`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

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
    Key("search", "slash", "search", "search", label="search"),
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
    Key("again", "R", "again", "judge again", "sdc"),
    Key("export", "x", "export", "export as Markdown, HTML, SVG or JSON", "sc", "export"),
    Key("models", "m", "models", "models", "sdc", "models"),
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


def keymap(chosen: Mapping[str, str]) -> dict[str, str]:
    """The user's keys, checked. Raises UsageError: no such id; the message names the nearest."""
    known = {key.id for key in KEYS}
    for name in chosen:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(known))}"
            raise UsageError(f"[keys]: nothing is called '{name}'; {hint}")
    return dict(chosen)


def shown(keys: str) -> str:
    """Keys as a person reads them: `j ↓`."""
    names = {
        "slash": "/",
        "question_mark": "?",
        "right_square_bracket": "]",
        "left_square_bracket": "[",
        "backslash": "\\",
        "colon": ":",
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
