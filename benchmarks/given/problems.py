"""Problems in GSM8K's form, made of our own templates: what is read where GSM8K's file is not there."""

import json
import random
import re
from pathlib import Path

from models.nano import slips, templates, writing

PLAIN = writing.Style(
    wrap=("", ""),
    latex=False,
    operators={"+": "+", "-": "-", "*": "*", "/": "/"},
    fraction=False,
    group="",
    percent=False,
    dollars="none",
    equals="=",
    bold=False,
    place="inline",
)
SUM = re.compile(r"[\d.()][\d.()+*/-]*=[\d.]+(?<![.])")


def said(step: slips.DraftStep) -> str:
    """A step as plain text."""
    return "".join(fragment.text for fragment in writing.write_step(step, PLAIN))


def write_rows(path: Path, count: int, seed: int = 1) -> Path:
    """Write so many rows `{question, answer}`, with `<<24+48=72>>` behind each sum as GSM8K has it."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            problem = templates.compose(rng)
            draft = slips.right(problem, {})
            steps = [SUM.sub(_noted, said(step)) for step in draft.steps]
            answer = "\n".join(steps) + f"\n#### {writing.number(problem.answer)}"
            question = "".join(f.text for f in writing.write_step(draft.question, PLAIN))
            file.write(json.dumps({"question": question, "answer": answer}) + "\n")
    return path


def _noted(found: re.Match[str]) -> str:
    """A sum with the note of a calculator behind it."""
    left, result = found[0].split("=")
    return f"{left}=<<{found[0]}>>{result}"
