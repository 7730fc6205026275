"""Parts of a written document: front matter, problem, solution, final answer.

Owns which part of a text is what. Refuses to cut steps (`steps`), and to choose where two parts claim the same place:
that is an error with its line.

A part is named by a heading of any level (`## Solution`), a bold line (`**Solution:**`, also with text behind it), by
【解答】 or by a line `Solution:` (`naming.py`). The final answer after a solution is a part of its own only under a
heading, in 【…】, in `<answer>` or under a line that holds no more, and as GSM8K writes it (`#### 72`); `Answer: 72` is
the last step.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stepcheck.document.frontmatter import FrontMatter
from stepcheck.document.given import is_unseen
from stepcheck.document.naming import LINES, Named, named
from stepcheck.errors import InputError
from stepcheck.patterns import regex
from stepcheck.steps import Clutter, Layout, Span, lay_out
from stepcheck.steps.blocks import Block, trim
from stepcheck.steps.clutter import value
from stepcheck.steps.marks import is_title
from stepcheck.steps.maths import DISPLAY, INLINE
from stepcheck.steps.names import names_parts

_VALUE = (
    rf"(?:[-+−–$€£¥]?[ ]?\d[\d.,/:\s%°]*(?:[ ]?[^\W\d]{{1,20}}){{0,2}}\.?"
    rf"|[^\n.]{{0,20}}[{INLINE}{DISPLAY}]+[^\n]{{0,20}}"
    r"|\\(?:boxed|fbox)\{[^\n]{1,60}\}[.。]?|\(?[A-E]\)?|(?i:yes|no|true|false))"
)
_HASHED = regex(rf"(?:^|(?<=\s))####[ \t]*(?P<value>{_VALUE})[ \t]*\Z", re.MULTILINE)
_HASHED_HEADING = regex(_VALUE)
_LONGEST_ANSWER = 240
"""What is longer under `Final answer` gives reasons: it is a step."""
_HASHES = 4
"""Of the heading that GSM8K's last line looks like."""
_QUOTE_MARK = regex(r"^[ ]{0,3}>[ ]?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a text says; `solution` and `blocks` index the text that was read."""

    problem: str | None
    layout: Layout
    solution: Span
    blocks: tuple[Block, ...]
    answer: str | None
    notes: tuple[str, ...] = ()
    guessed: bool = False
    """Nothing is named: the first paragraph was taken as the problem."""
    left_out: tuple[Clutter, ...] = ()
    """Parts of the solution that are none of its steps: an answer, thinking that a chat's template began."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """The blocks of a solution, less its final answer."""

    blocks: tuple[Block, ...]
    answer: str | None = None
    left_out: tuple[Clutter, ...] = ()


class _Reader:
    """One text on its way to its parts; `name` begins each error, `lines` says that it is a file with lines."""

    def __init__(self, text: str, name: str, start: int, *, lines: bool, thinking: bool, answers: bool) -> None:
        self.text, self.name, self.lines = text, name, lines
        lines_of_parts = LINES if names_parts(text[start:]) else ()
        try:
            self.layout = lay_out(text, lines_of_parts, start=start, thinking=thinking, answers=answers)
        except InputError as error:
            raise self.error(str(error)) from error
        self.masked, self.blocks = self.layout.masked, self.layout.blocks
        self.marks = tuple(named(self.masked, self.blocks)) if lines_of_parts else ()
        self.notes: list[str] = []

    def error(self, message: str, offset: int | None = None) -> InputError:
        """An error with its place: file and line, or the row."""
        line = f":{self.line(offset)}" if offset is not None and self.lines else ""
        return InputError(f"{self.name}{line}: {message}")

    def line(self, offset: int) -> int:
        """The line of an offset, from 1."""
        return len(re.findall(r"\r\n|[\r\n\u0085\u2028\u2029]", self.text[:offset])) + 1

    def slice(self, blocks: Sequence[Block]) -> str | None:
        """The text of blocks; the signs of a quote are taken off where all of it is one."""
        if not blocks:
            return None
        start, end = trim(self.masked, blocks[0].start, blocks[-1].end)
        found = self.text[start:end]
        line = self.text.rfind("\n", 0, start) + 1
        quoted = self.text[line : start + 1].lstrip(" ").startswith(">")
        return _QUOTE_MARK.sub("", found) if quoted else found

    def refuse_second(self, marks: Sequence[Named], found: Sequence[Named]) -> None:
        """One solution a text: a second one is an error, never more steps of the first."""
        again = [mark for mark in found if mark.another or (mark.strong and mark.alone)]
        if again:
            before = f" (the first is on line {self.line(marks[0].start)})" if self.lines and marks else ""
            many = "one solution a file; many go into a JSONL file" if self.lines else "list them in `responses`"
            raise self.error(f"a second `{again[0].name}`{before}: {many}", again[0].start)

    def final(self, blocks: tuple[Block, ...], answer: Named | None) -> _Steps:
        """The steps' blocks without the final answer, which ends at the next title."""
        left: list[Clutter] = []
        found: str | None = None
        if answer:
            places = [i for i, block in enumerate(blocks) if block.start == answer.start]
            if places and any(block.kind != "rule" for block in blocks[: places[0]]):
                first = places[0]
                last = self.section(blocks, first, answer.level)
                said = self.under(answer, blocks[first:last])
                if said and said[-1].end - said[0].start <= _LONGEST_ANSWER:
                    found = self.slice(said)
                    left.append(Clutter("answer", blocks[first].start, said[-1].end))
                    blocks = blocks[:first] + blocks[last:]
        if found is None:
            blocks, found = self.hashed(blocks, left)
        if found is None:
            found = self.tagged(blocks, left)
        return _Steps(blocks, found, tuple(left))

    def section(self, blocks: Sequence[Block], first: int, level: int) -> int:
        """Where the section ends that a title begins: at the next title of its rank."""
        for i, block in enumerate(blocks[first + 1 :], first + 1):
            if is_title(self.masked, block) and (block.level or 7) <= level and i > first + 1:
                return i
        return len(blocks)

    def hashed(self, blocks: tuple[Block, ...], left: list[Clutter]) -> tuple[tuple[Block, ...], str | None]:
        """The final answer as GSM8K writes it, on the last line: `#### 72`."""
        content = [i for i, block in enumerate(blocks) if block.kind != "rule"]
        if len(content) > 1:
            last = content[-1]
            block = blocks[last]
            if (
                block.kind == "heading"
                and block.level == _HASHES
                and _HASHED_HEADING.fullmatch(self.masked, block.start, block.end)
            ):
                left.append(Clutter("answer", block.start, block.end))
                return blocks[:last] + blocks[last + 1 :], self.slice([block])
        if content and blocks[content[-1]].kind in ("text", "list"):
            block = blocks[content[-1]]
            match = _HASHED.search(self.masked[: block.end], block.start)
            if match and self.masked[block.start : match.start()].strip():
                left.append(Clutter("answer", match.start(), match.end()))
                kept = _shortened(block, *trim(self.masked, block.start, match.start()))
                return (*blocks[: content[-1]], kept), self.text[slice(*match.span("value"))].strip()
        return blocks, None

    def tagged(self, blocks: Sequence[Block], left: list[Clutter]) -> str | None:
        """The last `<answer>` of the solution."""
        if not blocks:
            return None
        found = [one for one in self.layout.clutter if one.kind == "answer" and one.start >= blocks[0].start]
        left += found
        return self.text[slice(*value(self.layout.flat, found[-1]))].strip() if found else None

    def thought(self, blocks: tuple[Block, ...], left: list[Clutter]) -> tuple[Block, ...]:
        """The blocks behind a `</think>` that nothing opens; all of them where none stands there."""
        end = self.layout.thought
        if end is None or not blocks or not blocks[0].start < end:
            return blocks
        after = tuple(block for block in blocks if block.start >= end)
        if not after:
            return blocks
        left.append(Clutter("thinking", blocks[0].start, end))
        return after

    def under(self, mark: Named, blocks: Sequence[Block]) -> tuple[Block, ...]:
        """The blocks from a mark on; a paragraph that begins with its name begins behind it."""
        first = blocks[0]
        start, stop = trim(self.masked, mark.content, first.end)
        head = (replace(first, kind="text", start=start, level=0),) if start < stop else ()
        return head + tuple(blocks[1:])

    def parts(self, problem: str | None, blocks: tuple[Block, ...], answer: Named | None, *, guessed: bool) -> Parts:
        """What was found, for the splitter: answers are blanked, for some ways of cutting go by offsets."""
        left: list[Clutter] = []
        found = self.final(self.thought(blocks, left), answer)
        layout = self.layout.without(sorted(found.left_out, key=lambda one: one.start))
        left_out = (*left, *found.left_out)
        region = self.region(found.blocks)
        return Parts(problem, layout, region, found.blocks, found.answer, tuple(self.notes), guessed, left_out)

    def region(self, blocks: Sequence[Block]) -> Span:
        """The solution with the white space around it, which may hold clutter."""
        if not blocks:
            return len(self.text), len(self.text)
        start, end = blocks[0].start, blocks[-1].end
        before = max((block.end for block in self.blocks if block.start < start), default=0)
        after = min((block.start for block in self.blocks if block.start >= end), default=len(self.text))
        return min(before, start), max(after, end)


def _shortened(block: Block, start: int, end: int) -> Block:
    items = tuple(replace(item, end=min(item.end, end)) for item in block.items)
    return replace(block, start=start, end=end, items=items)


class _Row(_Reader):
    """A response: all of it is the solution, but for what is named otherwise."""

    def read(self) -> Parts:
        """Leave out a problem that is told again, the solution's name, and the answer."""
        content = [i for i, block in enumerate(self.blocks) if block.kind != "rule"]
        solutions = [mark for mark in self.marks if mark.kind == "solution"]
        again = [mark for mark in solutions[1:] if mark.another or mark.root == solutions[0].root]
        late = [mark for mark in solutions[:1] if mark.another and mark.place > content[0]]
        self.refuse_second(solutions, late + again)
        blocks = self.blocks
        first = next((mark for mark in self.marks if content and mark.place == content[0]), None)
        begins = next((mark for mark in solutions if mark.strong or mark is first), None)
        if first and first.kind == "problem" and begins:
            self.notes.append(f"the text under `{first.name}` was not read")
        elif first is not begins:
            begins = None
        if first and first.kind == "answer" and first.alone:
            begins = first
        if begins:
            under = self.under(begins, blocks[begins.place :])
            blocks = under if any(block.kind != "rule" for block in under) else blocks
        answers = [mark for mark in self.marks if mark.kind == "answer" and mark.alone and mark.strong]
        return self.parts(
            None, blocks, next((mark for mark in reversed(answers) if mark is not begins), None), guessed=False
        )


class _File(_Reader):
    """A file: problem and solution, named or not."""

    def __init__(
        self, text: str, name: str, front: FrontMatter, given: str | None, *, thinking: bool, answers: bool
    ) -> None:
        super().__init__(text, name, front.end, lines=True, thinking=thinking, answers=answers)
        self.front, self.given = front, given

    def read(self) -> Parts:
        """Find the marks that count, then what stands under each."""
        solution = self.solution_mark()
        problem = self.problem_mark(solution)
        answer = self.answer_mark(solution)
        if solution:
            end = problem.place if problem and problem.place > solution.place else len(self.blocks)
            steps = self.under(solution, self.blocks[solution.place : end])
            text = self.problem_before(problem, solution, answer)
        else:
            text, steps = self.unnamed(problem)
        if self.given is not None and (problem or self.front.problem is not None):
            self.notes.append("--problem was taken instead of the problem in the file")
        guessed = not solution and not problem and text is not None
        found = self.parts(self.problem(text), steps, answer, guessed=guessed)
        if answer and found.answer is None and (not solution or answer.place < solution.place):
            found = replace(found, answer=self.slice(self.between(answer, problem, solution)))
        return replace(found, answer=found.answer if self.front.answer is None else self.front.answer)

    def problem(self, text: str | None) -> str:
        """The problem that counts: from the command line, else from the front matter, else from the text."""
        for chosen in (self.given, self.front.problem, text):
            if chosen is not None and not is_unseen(chosen):
                return chosen
        raise self.error("no problem: put it under a heading `# Problem`, or give it with --problem")

    def solution_mark(self) -> Named | None:
        """The name under which the solution stands; of an answer to a question the answer's."""
        marks = [mark for mark in self.marks if mark.kind == "solution"]
        self.refuse_second(marks, [mark for mark in marks[1:] if mark.root == marks[0].root or mark.another])
        if marks:
            return marks[0]
        problem = next((mark for mark in self.marks if mark.kind == "problem"), None)
        answer = next((mark for mark in self.marks if mark.kind == "answer"), None)
        if problem and answer and answer.place > problem.place and (answer.alone or answer.place - problem.place <= 2):  # noqa: PLR2004 - the name and one block
            return answer
        return None

    def problem_mark(self, solution: Named | None) -> Named | None:
        """The name under which the problem stands."""
        marks = [mark for mark in self.marks if mark.kind == "problem"]
        strong = [mark for mark in marks if mark.strong]
        if len(strong) > 1:
            raise self.error(
                f"a second `{strong[1].name}` (the first is on line {self.line(strong[0].start)}): one problem a file;"
                " many go into a JSONL file",
                strong[1].start,
            )
        before = [mark for mark in marks if mark.strong or not solution or mark.place < solution.place]
        if before and self.front.problem is not None and self.given is None:
            raise self.error("the problem stands here and in the front matter: keep one of the two", before[0].start)
        return before[0] if before else None

    def answer_mark(self, solution: Named | None) -> Named | None:
        """The final answer under its own heading."""
        found = [m for m in self.marks if m.kind == "answer" and m.alone and m.strong and m is not solution]
        return found[-1] if found else None

    def between(self, mark: Named, *others: Named | None) -> tuple[Block, ...]:
        """The blocks from a mark to the next of some others."""
        end = min((other.place for other in others if other and other.place > mark.place), default=len(self.blocks))
        return self.under(mark, self.blocks[mark.place : end])

    def problem_before(self, mark: Named | None, solution: Named, answer: Named | None) -> str | None:
        """The problem under its name, or the text that stands before the solution."""
        if mark:
            self.say_skipped(self.blocks[: min(mark.place, solution.place)])
            found = self.slice(self.between(mark, solution, answer))
            if found is None and self.given is None:
                raise self.error(f"nothing stands under `{mark.name}`", mark.start)
            return found
        before = [block for block in self.blocks[: solution.place] if block.kind != "rule"]
        while before and before[0].kind == "heading":
            before = before[1:]
        if self.given is not None or self.front.problem is not None:
            self.say_skipped(before)
        elif before:
            self.notes.append(f"the text before `{solution.name}` was taken as the problem")
        return self.slice(before)

    def unnamed(self, mark: Named | None) -> tuple[str | None, tuple[Block, ...]]:
        """Problem and solution where no name begins the solution."""
        blocks = self.under(mark, self.blocks[mark.place :]) if mark else self.blocks
        if mark:
            self.say_skipped(self.blocks[: mark.place])
        elif blocks and blocks[0].kind == "heading" and blocks[0].level == 1 and not self.layout.mark(blocks[0]):
            blocks = blocks[1:]  # the document's title
        if not mark and (self.given is not None or self.front.problem is not None):
            return None, blocks
        return self.first_paragraph(blocks, mark)

    def first_paragraph(self, blocks: tuple[Block, ...], mark: Named | None) -> tuple[str | None, tuple[Block, ...]]:
        """The problem ends where a step or a heading begins, if it has a name; else it is the first paragraph."""
        if mark:
            for i, block in enumerate(blocks[1:], 1):
                if block.kind == "heading" or self.layout.mark(block):
                    return self.slice(blocks[:i]), blocks[i:]
        first = next((i for i, block in enumerate(blocks) if block.kind not in ("rule", "heading")), None)
        if first is None or blocks[first].kind != "text" or self.layout.mark(blocks[first]):
            return None, blocks
        self.notes.append("the first paragraph was taken as the problem")
        return self.slice(blocks[first : first + 1]), blocks[first + 1 :]

    def say_skipped(self, blocks: Sequence[Block]) -> None:
        """Note that text stands where none is read."""
        if any(block.kind in ("text", "list") for block in blocks):
            self.notes.append("the text before the first named part was not read")


def find(
    text: str, name: str, front: FrontMatter, given: str | None, *, thinking: bool = False, answers: bool = False
) -> Parts:
    """Problem, solution and final answer of a text; `given` is the problem from the command line and wins.

    `thinking` and `answers` as for `stepcheck.steps.lay_out`. Raises InputError with `name` and line: no problem, a
    part that is empty or named twice.
    """
    return _File(text, name, front, given, thinking=thinking, answers=answers).read()


def find_solution(text: str, place: str, *, thinking: bool = False, answers: bool = False) -> Parts:
    """Solution and final answer of a response, which has no problem; `place` begins each message.

    Raises InputError: a second solution.
    """
    return _Row(text, place, 0, lines=False, thinking=thinking, answers=answers).read()
