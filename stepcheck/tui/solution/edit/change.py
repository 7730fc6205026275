"""Changes of steps → a new document whose text, cut by the usual rules, has exactly these steps.

Owns how a step is written into its layout (a list's item, a `Step n` heading, a paragraph). Refuses a change that the
layout cannot carry: every new text is read again by the splitter, and counts only if it says what was meant.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from stepcheck.document import Document, Step
from stepcheck.errors import InputError
from stepcheck.patterns import regex

Reread = Callable[[Document, str], Document]
"""A document and another text for it → the document cut anew. Raises InputError."""

_NUMBER = regex(r"(\d+)(?=\D*\Z)|([①-⑳])(?=[^①-⑳]*\Z)|([一二三四五六七八九])(?=步[^一-十步]*\Z)")
_CHINESE = "一二三四五六七八九"


def change(document: Document, steps: slice, texts: Sequence[str], reread: Reread) -> Document:
    """The document with the steps of a slice replaced by other texts; an empty slice inserts, no texts delete.

    Raises InputError: the layout of the text cannot carry it, or nothing would be left.
    """
    texts = [text for text in texts if text.strip()]
    first, last, _ = steps.indices(len(document.steps))
    wanted = [step.text for step in document.steps]
    wanted[first:last] = texts
    if not wanted:
        raise InputError("a solution needs at least one step")
    if document.text is None:
        return replace(document, steps=tuple(map(Step, wanted)))
    reason = ""
    for text in _spellings(document, first, last, texts):
        try:
            found = reread(document, text)
        except InputError as error:
            reason = reason or str(error)
            continue
        if _says(found, document, wanted, slice(first, first + len(texts))):
            return found
    reason = f" ({reason})" if reason else ""
    raise InputError(f"the file's layout cannot carry this change{reason}; E opens the file itself")


def _says(found: Document, document: Document, wanted: Sequence[str], changed: slice) -> bool:
    """Whether the steps are those that were wanted; a changed one may fall into several by its own paragraphs."""
    steps = [_flat(step.text) for step in found.steps]
    meant = [_flat(text) for text in wanted]
    if found.problem != document.problem:
        return False
    if steps == meant:
        return True
    rest = len(meant) - changed.stop
    middle = steps[changed.start : len(steps) - rest]
    same = steps[: changed.start] == meant[: changed.start] and steps[len(steps) - rest :] == meant[changed.stop :]
    return (
        same
        and len(middle) > changed.stop - changed.start > 0
        and _flat(" ".join(middle)) == _flat(" ".join(meant[changed]))
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


def _spellings(document: Document, first: int, last: int, texts: Sequence[str]) -> Iterator[str]:
    """Ways to write the new steps: with the marks of their neighbours, then with plain paragraphs and lines."""
    layout = _Layout(document)
    seen = set()
    for renumbered in (True, False):
        for between in (None, *layout.alone(), "\n\n", "\n"):
            text = layout.write(first, last, texts, between, renumbered=renumbered)
            if text not in seen:
                seen.add(text)
                yield text


class _Layout:
    """A text taken apart into steps and what stands between them."""

    def __init__(self, document: Document) -> None:
        text = document.text or ""
        spans = [(step.start or 0, step.end or 0) for step in document.steps]
        self.head, self.tail = text[: spans[0][0]], text[spans[-1][1] :]
        self.steps = [step.text for step in document.steps]
        self.gaps = [text[a[1] : b[0]] for a, b in itertools.pairwise(spans)]

    def alone(self) -> tuple[str, ...]:
        """What could part the only step from another: the mark in front of it, counted on."""
        mark = self.head[self.head.rfind("\n") + 1 :]
        return (f"\n{shifted(mark, 1)}", f"\n\n{shifted(mark, 1)}") if not self.gaps and mark.strip() else ()

    def write(self, first: int, last: int, texts: Sequence[str], between: str | None, *, renumbered: bool) -> str:
        """The text with new steps; `between` parts them, by default what parts their neighbours."""
        shift = len(texts) - (last - first) if renumbered else 0
        pieces = [(self.gaps[i - 1] if i else "", self.steps[i]) for i in range(first)]
        for place, text in enumerate(texts, first):
            own = place == first and first <= len(self.gaps) and between is None
            pieces.append((self.gaps[first - 1] if own and first else self._new(place, between), text))
        for i in range(last, len(self.steps)):
            gap = shifted(self.gaps[i - 1], shift) if i else self._new(len(texts), between)
            pieces.append((gap, self.steps[i]))
        return self.head + pieces[0][1] + "".join(gap + text for gap, text in pieces[1:]) + self.tail

    def _new(self, place: int, between: str | None) -> str:
        if between is not None or not self.gaps:
            return between if between is not None else "\n\n"
        model = min(max(place - 1, 0), len(self.gaps) - 1)
        return shifted(self.gaps[model], place - 1 - model)


def shifted(gap: str, by: int) -> str:
    """A gap whose mark is counted on: `3. ` → `4. `, `第三步：` → `第四步：`."""
    found = _NUMBER.search(gap)
    if not by or found is None:
        return gap
    old = found[0]
    if found[1]:
        new = str(max(int(old) + by, 0))
    elif found[2]:
        new = chr(min(max(ord(old) + by, ord("①")), ord("⑳")))
    else:
        at = _CHINESE.index(old) + by
        new = _CHINESE[at] if 0 <= at < len(_CHINESE) else "十" if at == len(_CHINESE) else old
    return gap[: found.start()] + new + gap[found.end() :]
