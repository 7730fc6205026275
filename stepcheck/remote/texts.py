"""Prompts → what may be sent to a server that tokenizes: one text, or pieces to be tokenized one by one.

Here, problem and steps are tokenized as plain text; a server sees one text and takes `<|im_end|>` in a step for the end
of a turn. Owns which texts could forge such a token, and where pieces can be joined without becoming other tokens.
Refuses the first, for neither leaving it out nor writing it otherwise would judge what was written.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from stepcheck.errors import InputError
from stepcheck.patterns import regex
from stepcheck.prm.prompt import Prompt, Segment

_TOKEN: Final = regex(r"<[^<>\s]{1,60}>|\[[A-Z_]{2,20}\]|\[/[A-Z_]{2,20}\]")
"""How a special token of a template looks."""
_ANYWHERE: Final = regex(
    r"<[|\uff5c][^<>\n]{0,60}[|\uff5c]>"  # Qwen's, Llama 3's and DeepSeek's
    r"|<extra_\d+>|</?s>|<(?:unk|pad|mask|bos|eos|cls|sep)>"
    r"|<(?:start|end)_of_(?:turn|image)>|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]"
)
"""Special tokens of the tokenizers in use: a server's cannot be asked for all of its own."""


def check_plain(prompt: Prompt) -> None:
    """Refuse a prompt whose problem or steps hold what a server would take for a token of the template.

    Raises:
        InputError: names the part, and what stands in it.
    """
    own = {found for text in _special(prompt.segments) for found in _TOKEN.findall(text)}
    step = 1
    for number, segment in enumerate(prompt.segments):
        if not segment.special:
            part = "the problem" if number < prompt.begins else f"step {step}"
            _check(segment.text, own, part)
        step += segment.mark


def as_text(prompt: Prompt) -> str | None:
    """Join a prompt, if the whole has the same tokens as its pieces; None where it may have others.

    That is so if every mark is a token that the tokenizer takes out first, and if pieces meet at such a token, or at a
    single newline before a character that is no white space.
    """
    pieces = [segment for segment in prompt.segments if segment.text]
    marks = all(_TOKEN.fullmatch(segment.text) for segment in pieces if segment.mark)
    ends = prompt.marks == sum(segment.mark for segment in prompt.segments)
    if not (marks and ends and all(map(_meets, pieces, pieces[1:]))):
        return None
    return "".join(segment.text for segment in pieces)


def _meets(left: Segment, right: Segment) -> bool:
    """Whether no token can lie across two pieces."""
    before, after = left.text, right.text
    ends = left.special and any(found.end() == len(before) for found in _TOKEN.finditer(before))
    begins = right.special and _TOKEN.match(after) is not None
    newline = before.endswith("\n") and not before[-2:-1].isspace() and not after[0].isspace()
    return ends or begins or newline


def _special(segments: Iterable[Segment]) -> Iterator[str]:
    return (segment.text for segment in segments if segment.special)


def _check(text: str, own: Iterable[str], part: str) -> None:
    found = _ANYWHERE.search(text)
    forged = found[0] if found else next((token for token in own if token in text), None)
    if forged is not None:
        raise InputError(
            f"{part} holds {forged!r}, which the server would read as a token of its model: it cannot be sent as text; "
            "judge it on this machine, or with a server of stepcheck"
        )
