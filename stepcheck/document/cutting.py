"""From a text to its steps: parts, cut, and what is said of them.

Owns what happens where nothing would be left to judge: then thinking is judged after all, and that is said. Refuses to
find parts (`parts.py`) or steps (`steps`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from stepcheck.document import notes, parts
from stepcheck.document.frontmatter import FrontMatter
from stepcheck.document.given import is_blank, is_unseen
from stepcheck.document.parts import Parts
from stepcheck.document.sources import MOST_CHARACTERS
from stepcheck.document.values import Step
from stepcheck.errors import InputError
from stepcheck.steps import Cut, SplitMode, split_region
from stepcheck.steps.clutter import edge_marks

_LONE = "the one paragraph in it was taken as the problem; name the parts `# Problem` and `# Solution`"
_MISSING = {
    "numbered": "no numbered list is in it; try another --split",
    "headings": "no headings are in it; try another --split",
}


@dataclass(frozen=True, slots=True)
class Solution:
    """A text's steps, and what else it says."""

    steps: tuple[Step, ...]
    problem: str | None
    answer: str | None
    notes: tuple[str, ...]


def cut_file(
    text: str, name: str, front: FrontMatter, given: str | None, split: SplitMode, *, keep_thinking: bool
) -> Solution:
    """The steps of a file, whose problem stands in it or is `given`. Raises InputError: no problem, no steps."""

    def find(*, thinking: bool, answers: bool) -> Parts:
        return parts.find(text, name, front, given, thinking=thinking, answers=answers)

    return _cut(text, name, find, split, keep_thinking=keep_thinking)


def cut_response(text: str, place: str, split: SplitMode, *, keep_thinking: bool) -> Solution:
    """The steps of a response. `place` begins each message. Raises InputError: too long, no steps, two solutions."""
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{place}: more than {MOST_CHARACTERS:,} characters; is it one solution?")

    def find(*, thinking: bool, answers: bool) -> Parts:
        return parts.find_solution(text, place, thinking=thinking, answers=answers)

    return _cut(text, place, find, split, keep_thinking=keep_thinking)


def _cut(text: str, place: str, find: Callable[..., Parts], split: SplitMode, *, keep_thinking: bool) -> Solution:
    found, cut = _tried(find, split, thinking=keep_thinking, answers=False)
    said: tuple[str, ...] = ()
    left = {one.kind for one in (*found.layout.clutter, *found.left_out)}
    if not cut.spans and "thinking" in left:
        found, cut = _tried(find, split, thinking=True, answers=False)
        said = ("there is nothing but thinking to judge, so it was judged",) if cut.spans else ()
    if not cut.spans and "answer" in left:
        found, cut = _tried(find, split, thinking=True, answers=True)
    found_steps = (Step(text[start:end], start, end) for start, end in cut.spans)
    steps = tuple(step for step in found_steps if not is_unseen(step.text))
    if not steps or is_blank(text):
        missing = _MISSING.get(split, _LONE if found.guessed else "the solution is empty")
        raise InputError(f"{place}: no steps: {missing}")
    left_out = notes.of_left_out(text, (*found.left_out, *cut.left_out), found.answer)
    said = (*found.notes, *notes.of_cut(cut, split), *said, *left_out)
    return Solution(steps, found.problem, found.answer, said)


def _tried(find: Callable[..., Parts], split: SplitMode, *, thinking: bool, answers: bool) -> tuple[Parts, Cut]:
    found = find(thinking=thinking, answers=answers)
    return found, split_region(found.layout, found.blocks, found.solution, split)


def ready(steps: tuple[str, ...], place: str) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Ready-made steps as they are, but for the marks of reward models and chats at their ends, which a note names.

    Raises InputError: a step is nothing but a mark.
    """
    found: list[Step] = []
    marks: list[str] = []
    for index, step in enumerate(steps):
        start, end, cut = edge_marks(step)
        if not step[start:end].strip():
            raise InputError(f"{place}: `steps[{index}]` is nothing but a mark")
        found.append(Step(step[start:end]))
        marks += cut
    return tuple(found), (notes.of_marks(marks),) if marks else ()
