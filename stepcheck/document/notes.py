"""What is said of a text: how it was cut, and what of it is not judged.

Owns the words. Refuses to leave anything out: `steps` and `parts.py` do.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from stepcheck.steps import Clutter, Cut, SplitMode

_LONGEST = 40
_SAID = {
    "tag": "tags were left out",
    "footnote": "footnotes were left out",
    "title": "titles with nothing under them were left out",
    "answer": "the final answer is no step",
}


def of_cut(cut: Cut, split: SplitMode) -> tuple[str, ...]:
    """What was decided for the user."""
    guessed = split == "auto" and cut.by == "lines"
    return ("each line of the one paragraph was taken as a step",) if guessed else ()


def of_left_out(text: str, left_out: Iterable[Clutter], answer: str | None) -> tuple[str, ...]:
    """What of the text is in no step; an `answer` that is told beside the steps needs no note."""
    kinds: dict[str, list[Clutter]] = {}
    for one in left_out:
        if text[one.start : one.end].strip():
            kinds.setdefault(one.kind, []).append(one)
    return tuple(
        note
        for kind, found in kinds.items()
        if (note := _note(kind, [text[one.start : one.end] for one in found], answer)) is not None
    )


def of_marks(marks: Sequence[str]) -> str:
    """Marks that were cut off ready-made steps."""
    return f"marks that are no text were left out: {_list(marks)}"


def _note(kind: str, texts: Sequence[str], answer: str | None) -> str | None:
    if kind == "thinking":
        return f"the thinking ({sum(map(len, texts)):,} characters) was left out; --keep-thinking judges it"
    if kind == "mark":
        return of_marks(texts)
    if kind == "answer" and answer is not None and any(answer in text for text in texts):
        return None
    return f"{_SAID[kind]}: {_list(texts)}"


def _list(texts: Sequence[str]) -> str:
    counts = Counter(_short(text) for text in texts)
    return ", ".join(f"`{text}`" + (f" ({count} times)" if count > 1 else "") for text, count in counts.items())


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
