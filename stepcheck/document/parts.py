"""Parts of a written document: front matter, problem, solution, final answer.

Owns which part of a Markdown or plain text is what. Refuses to cut steps (`steps`), and to choose where two parts claim
the same place: that is an error with its line.

A part is named by a heading of any level (`## Solution`), a bold line (`**Solution:**`, also with text behind it), or a
line `Solution:`. The final answer after a solution is a part of its own only under a heading or a line that holds no
more; `Answer: 72` is the last step.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stepcheck.document.frontmatter import FrontMatter
from stepcheck.errors import InputError
from stepcheck.steps import STEP_LINE, Span, begins_step
from stepcheck.steps.blocks import Block, parse, trim
from stepcheck.steps.maths import mask

_Kind = Literal["problem", "solution", "answer"]
_NAMES: dict[_Kind, str] = {
    "problem": r"(?i:problem(?:[ ]statement)?|question|exercise)|问题|题目|原题|例题|题",
    "solution": r"(?i:(?:worked[ ]|my[ ])?solution|proof|response)|解答过程|解题过程|解答|解题|解析|解|证明|证",
    "answer": r"(?i:(?:final[ ])?answer)|最终答案|答案|答",
}
_NAME = "(?:" + "|".join(f"(?P<{kind}>{names})" for kind, names in _NAMES.items()) + r")[ \t]*#?[ \t]?\d{0,4}"
_EMPHASIS = r"(?P<em>\*{1,3}|_{1,3})"
_BOLD = rf"{_EMPHASIS}{_NAME}[ \t]*[:：.。]?[ \t]*(?P=em)[ \t]*[:：.。]?"
_HEADING = re.compile(rf"(?:{_EMPHASIS})?{_NAME}[ \t]*(?:[:：]|(?:[.。](?=[ \t*_]*\Z))?(?=[ \t*_]*\Z))[ \t*_]*")
_BOLD_LINE = re.compile(rf"^{_BOLD}[ \t]*", re.MULTILINE)
_PLAIN_LINE = re.compile(rf"^{_NAME}[ \t]*(?:[:：][ \t]*|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a document says; `solution` and `blocks` index the text that was read."""

    problem: str
    masked: str
    solution: Span
    blocks: tuple[Block, ...]
    answer: str | None
    notes: tuple[str, ...]
    guessed: bool
    """Nothing is named: the first paragraph was taken as the problem."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a part is named: the block's place, the offset of the name and of what follows it."""

    kind: _Kind
    place: int
    start: int
    content: int
    name: str
    alone: bool
    """A heading, or a line with nothing behind the name."""
    strong: bool
    """A heading, bold, or alone; `Solution: we add …` is not."""


class _Reader:
    """One document on its way to its parts."""

    def __init__(self, text: str, name: str, front: FrontMatter, given: str | None) -> None:
        self.text, self.name, self.front, self.given = text, name, front, given
        self.masked = " " * front.end + mask(text[front.end :])
        lines = (STEP_LINE, _BOLD_LINE, _PLAIN_LINE)
        cuts = {match.start() for line in lines for match in line.finditer(self.masked, front.end)}
        try:
            self.blocks = parse(self.masked, sorted(cuts | {front.end}))
        except InputError as error:
            raise self.error(str(error)) from error
        self.marks = tuple(mark for i, block in enumerate(self.blocks) if (mark := _mark(self.masked, i, block)))
        self.notes: list[str] = []

    def read(self) -> Parts:
        """Find the marks that count, then what stands under each."""
        solution = self._solution_mark()
        problem = self._problem_mark(solution)
        answer = self._answer_mark(solution)
        if solution:
            steps = self._under(solution, problem, answer)
            text = self._problem_before(problem, solution, answer)
        else:
            text, steps = self._unnamed(problem, answer)
        if self.given is not None and (problem or self.front.problem is not None):
            self.notes.append("--problem was taken instead of the problem in the file")
        final = self.front.answer
        if answer and final is None:
            final = self._slice(self._under(answer, problem, solution))
        region = (steps[0].start, steps[-1].end) if steps else (len(self.text), len(self.text))
        guessed = not solution and not problem and text is not None
        return Parts(self._problem(text), self.masked, region, steps, final, tuple(self.notes), guessed)

    def error(self, message: str, offset: int | None = None) -> InputError:
        """An error with file and line."""
        return InputError(f"{self.name}{'' if offset is None else f':{self._line(offset)}'}: {message}")

    def _line(self, offset: int) -> int:
        return len(re.findall(r"\r\n|[\r\n\u0085\u2028\u2029]", self.text[:offset])) + 1

    def _slice(self, blocks: Sequence[Block]) -> str | None:
        if not blocks:
            return None
        start, end = trim(self.masked, blocks[0].start, blocks[-1].end)
        return self.text[start:end]

    def _problem(self, text: str | None) -> str:
        """The problem that counts: from the command line, else from the front matter, else from the text."""
        for chosen in (self.given, self.front.problem, text):
            if chosen is not None:
                return chosen
        raise self.error("no problem: put it under a heading `# Problem`, or give it with --problem")

    def _solution_mark(self) -> _Mark | None:
        marks = [mark for mark in self.marks if mark.kind == "solution"]
        again = [mark for mark in marks[1:] if mark.strong and mark.alone and mark.name == marks[0].name]
        if again:
            raise self.error(
                f"a second `{again[0].name}` (the first is on line {self._line(marks[0].start)}): one solution a file;"
                " many go into a JSONL file",
                again[0].start,
            )
        if marks:
            return marks[0]
        problem = next((mark for mark in self.marks if mark.kind == "problem"), None)
        answer = next((mark for mark in self.marks if mark.kind == "answer"), None)
        if problem and answer and answer.place > problem.place and (answer.alone or answer.place - problem.place <= 2):  # noqa: PLR2004 - the name and one block
            return answer
        return None

    def _problem_mark(self, solution: _Mark | None) -> _Mark | None:
        marks = [mark for mark in self.marks if mark.kind == "problem"]
        strong = [mark for mark in marks if mark.strong]
        if len(strong) > 1:
            raise self.error(
                f"a second `{strong[1].name}` (the first is on line {self._line(strong[0].start)}): one problem a file;"
                " many go into a JSONL file",
                strong[1].start,
            )
        before = [mark for mark in marks if mark.strong or not solution or mark.place < solution.place]
        if before and self.front.problem is not None and self.given is None:
            raise self.error("the problem stands here and in the front matter: keep one of the two", before[0].start)
        return before[0] if before else None

    def _answer_mark(self, solution: _Mark | None) -> _Mark | None:
        """The final answer under its own heading."""
        return next((m for m in self.marks if m.kind == "answer" and m.alone and m.strong and m is not solution), None)

    def _under(self, mark: _Mark, *others: _Mark | None) -> tuple[Block, ...]:
        """The blocks from a mark to the next; a paragraph that begins with its name begins behind it."""
        end = min((other.place for other in others if other and other.place > mark.place), default=len(self.blocks))
        first = self.blocks[mark.place]
        start, stop = trim(self.masked, mark.content, first.end)
        head = (replace(first, kind="text", start=start, level=0),) if start < stop else ()
        return head + self.blocks[mark.place + 1 : end]

    def _problem_before(self, mark: _Mark | None, solution: _Mark, answer: _Mark | None) -> str | None:
        """The problem under its name, or the text that stands before the solution."""
        if mark:
            self._say_skipped(self.blocks[: min(mark.place, solution.place)])
            found = self._slice(self._under(mark, solution, answer))
            if found is None and self.given is None:
                raise self.error(f"nothing stands under `{mark.name}`", mark.start)
            return found
        before = [block for block in self.blocks[: solution.place] if block.kind != "rule"]
        while before and before[0].kind == "heading":
            before = before[1:]
        if self.given is not None or self.front.problem is not None:
            self._say_skipped(before)
        elif before:
            self.notes.append(f"the text before `{solution.name}` was taken as the problem")
        return self._slice(before)

    def _unnamed(self, mark: _Mark | None, answer: _Mark | None) -> tuple[str | None, tuple[Block, ...]]:
        """Problem and solution where no name begins the solution."""
        blocks = self._under(mark, answer) if mark else self.blocks[: answer.place if answer else None]
        if mark:
            self._say_skipped(self.blocks[: mark.place])
        elif (
            blocks and blocks[0].kind == "heading" and blocks[0].level == 1 and not begins_step(self.masked, blocks[0])
        ):
            blocks = blocks[1:]  # the document's title
        if not mark and (self.given is not None or self.front.problem is not None):
            return None, blocks
        return self._first_paragraph(blocks, mark)

    def _first_paragraph(self, blocks: tuple[Block, ...], mark: _Mark | None) -> tuple[str | None, tuple[Block, ...]]:
        """The problem ends where a step or a heading begins, if it has a name; else it is the first paragraph."""
        if mark:
            for i, block in enumerate(blocks[1:], 1):
                if block.kind == "heading" or begins_step(self.masked, block):
                    return self._slice(blocks[:i]), blocks[i:]
        first = next((i for i, block in enumerate(blocks) if block.kind not in ("rule", "heading")), None)
        if first is None or blocks[first].kind != "text" or begins_step(self.masked, blocks[first]):
            return None, blocks
        self.notes.append("the first paragraph was taken as the problem")
        return self._slice(blocks[first : first + 1]), blocks[first + 1 :]

    def _say_skipped(self, blocks: Sequence[Block]) -> None:
        if any(block.kind in ("text", "list") for block in blocks):
            self.notes.append("the text before the first named part was not read")


def find(text: str, name: str, front: FrontMatter, given: str | None) -> Parts:
    """Problem, solution and final answer of a text; `given` is the problem from the command line and wins.

    Raises InputError with `name` and line: no problem, a part that is empty or named twice.
    """
    return _Reader(text, name, front, given).read()


def _mark(masked: str, place: int, block: Block) -> _Mark | None:
    if block.kind not in ("heading", "text"):
        return None
    heading = block.kind == "heading"
    bold = None if heading else _BOLD_LINE.match(masked, block.start, block.end)
    match = _HEADING.match(masked, block.start, block.end) if heading else bold
    match = match or (None if heading else _PLAIN_LINE.match(masked, block.start, block.end))
    if match is None:
        return None
    kind: _Kind = next(kind for kind in _NAMES if match[kind])
    line_end = masked.find("\n", match.end(), block.end)
    alone = heading or not masked[match.end() : block.end if line_end < 0 else line_end].strip()
    name = match[0].strip(" \t*_:：.。")
    return _Mark(kind, place, block.start, match.end(), name, alone, strong=alone or bold is not None)
