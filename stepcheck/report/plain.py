"""Results → plain lines for grep, cut, diff and screen readers: one line per step, five fields parted by tabs.

    place <tab> step (from 1) <tab> judgement <tab> reward <tab> text [<tab> evidence]…

The judgement is `ok`, `doubtful`, `wrong`, or `first-error` at the verdict. A document that was not scored is one line
with the judgement `error`, its step and reward empty. A critic gives no rewards; what it did not judge is `unjudged`.
What is found to be false in a step stands in further fields, a sentence each.
"""

from collections.abc import Iterator

from stepcheck.judge import Judged, Unscored
from stepcheck.report import evidence
from stepcheck.report.band import band
from stepcheck.report.clean import clean_line
from stepcheck.report.judgements import words_for_steps
from stepcheck.report.place import place


def lines(result: Judged | Unscored) -> Iterator[str]:
    """Yield a result's lines, without their newlines; no field holds a tab, a newline or a control character."""
    if isinstance(result, Unscored):
        yield _line(place(result), "", "error", "", str(result.error))
        return
    if not result.rewards:
        for index, (step, word) in enumerate(zip(result.document.steps, words_for_steps(result), strict=True)):
            yield _line(place(result.document), str(index + 1), word, "", step.text, *_found(result, index))
        return
    threshold = result.threshold
    for index, (step, reward) in enumerate(zip(result.document.steps, result.rewards, strict=True)):
        word = "first-error" if index == result.verdict.first_error else band(reward, threshold).word
        yield _line(place(result.document), str(index + 1), word, f"{reward:.4f}", step.text, *_found(result, index))


def _found(judged: Judged, index: int) -> Iterator[str]:
    return (said for _, said in evidence.sentences(judged, index))


def _line(*fields: str) -> str:
    return "\t".join(clean_line(field) for field in fields)
