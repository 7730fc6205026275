r"""The seam for final answers of candidates: one function, so that a better reader can take its place.

For now the content of the last `\boxed{…}`, or what stands behind the last `answer is`; no judgement of equality beyond
white space, dollar signs and a full stop.
"""

import re

from stepcheck.document import Document

_SAID = re.compile(
    r"(?:final\s+)?answer(?:\s+is)?\s*[:：]?\s*(?P<answer>[^\n]{1,80}?)\s*[.。]?\s*(?:\n|$)", re.IGNORECASE
)


def answer_of(document: Document) -> str | None:
    """The final answer that a solution gives, or None."""
    text = document.text if document.text is not None else "\n".join(step.text for step in document.steps)
    boxed = _boxed(text)
    if boxed is None:
        found = list(_SAID.finditer(text))
        boxed = found[-1]["answer"] if found else None
    return " ".join(boxed.replace("$", "").split()).strip(" .*") or None if boxed is not None else None


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, at = 0, start + len("\\boxed")
    for end in range(at, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return text[at + 1 : end]
    return None
