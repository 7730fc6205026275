"""Let a policy write: solutions of problems, and completions of their beginnings. The one part that may need a GPU.

    python -m models.training.sample draw  --backbone FILE.gguf --problems train.jsonl --out samples.jsonl
    python -m models.training.sample count --backbone FILE.gguf --problems train.jsonl --samples samples.jsonl \
        --out counted.jsonl

draw: eight solutions of every problem, in three ways of asking. count: for every wrong one of a problem that the policy
can solve, eight completions after each of its steps but the last, and how many of them are right. Both go on where
they were stopped: a problem, or a solution, that is in the output is not written anew.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models.training.backbone import Backbone, prepare, read_backbone
from models.training.judge import CHATML
from models.training.lines import read_lines
from models.training.problems import CODE, Problem, final_number, held_out, read_problems, same
from stepcheck.errors import StepcheckError
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.steps import split

STYLES = (
    "",
    "\n\nWrite each step as a short paragraph of plain text, with a blank line between the steps.",
    "\n\nSolve this in a few numbered steps.",
)
COPIES = (5, 2, 1)
"""Solutions of a problem in each style."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the policy writes."""

    temperature: float = 0.8
    min_p: float = 0.05
    longest: int = 320
    """New tokens of a text."""
    together: int = 64
    """Texts that are written at a time."""


def main() -> None:
    """Write by the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("draw", "count"))
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--samples", type=Path, help="of count: what draw wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held", type=int, default=300, help="problems kept out of training")
    parser.add_argument("--first", type=int, help="only so many problems")
    parser.add_argument("--completions", type=int, default=8)
    parser.add_argument("--solved", type=int, default=2, help="of count: right solutions that a problem must have")
    parser.add_argument("--together", type=int, default=Sampling().together)
    parser.add_argument("--longest", type=int, default=Sampling().longest)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    try:
        run(given)
    except StepcheckError as error:
        sys.exit(f"error: {error}")


def run(given: argparse.Namespace) -> None:
    """Draw or count; append to the output."""
    problems = read_problems(given.problems)[: given.first]
    path = prepare(given.backbone, CHATML, given.out.with_suffix(".gguf"), WeightType.F16)
    backbone = read_backbone(path, given.device)
    torch.manual_seed(given.seed)
    how = Sampling(together=given.together, longest=given.longest)
    with given.out.open("a", encoding="utf-8") as file:
        if given.what == "draw":
            rows = draw(backbone, problems, held_out(len(problems), given.held), how, _there(given.out, "problem"))
        else:
            if given.samples is None:
                sys.exit("error: count needs --samples, what draw wrote")
            chosen = countable([data for _, data in read_lines(given.samples)], given.solved)
            rows = count(backbone, problems, chosen, how, given.completions, _there(given.out, "sample"))
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()


def _there(path: Path, key: str) -> frozenset[int]:
    """What an earlier run finished."""
    return frozenset(data[key] for _, data in read_lines(path)) if path.is_file() else frozenset()


def draw(
    backbone: Backbone, problems: Sequence[Problem], held: frozenset[int], how: Sampling, done: frozenset[int]
) -> Iterator[dict[str, Any]]:
    """Yield solutions: `problem` counts the file's rows, `whole` tells that it came to an end and holds no code."""
    for number, problem in enumerate(problems):
        if number in done:
            continue
        prompts = [_prompt(backbone, problem.text + style) for style in STYLES]
        texts = [text for prompt, copies in zip(prompts, COPIES, strict=True) for text in [prompt] * copies]
        styles = [style for style, copies in enumerate(COPIES) for _ in range(copies)]
        for style, (text, ended) in zip(styles, write(backbone, texts, how), strict=True):
            steps = [text[start:end].strip() for start, end in split(text).spans]
            answer = final_number(text)
            whole = ended and bool(steps) and not CODE.search(text)
            right = whole and same(answer, problem.answer)
            row = {"problem": number, "style": style, "held": number in held, "solution": text, "steps": steps}
            yield row | {"answer": answer, "right": right, "whole": whole, "ended": ended}


def countable(samples: Sequence[dict[str, Any]], solved: int) -> list[tuple[int, dict[str, Any]]]:
    """Choose the wrong solutions, with their places, of problems that the policy can solve: others say nothing."""
    right = Counter(row["problem"] for row in samples if row["right"])
    return [
        (place, row)
        for place, row in enumerate(samples)
        if row["whole"] and not row["right"] and 2 <= len(row["steps"]) <= 12 and right[row["problem"]] >= solved
    ]


def count(
    backbone: Backbone,
    problems: Sequence[Problem],
    chosen: Sequence[tuple[int, dict[str, Any]]],
    how: Sampling,
    completions: int,
    done: frozenset[int],
) -> Iterator[dict[str, Any]]:
    """Yield wrong solutions with how many completions after each step but the last come to the right answer."""
    for place, row in chosen:
        if place in done:
            continue
        problem, steps = problems[row["problem"]], row["steps"]
        prompt = _prompt(backbone, problem.text + STYLES[row["style"]])
        begun = [prompt + backbone.encode("\n\n".join(steps[:end]) + "\n\n", False) for end in range(1, len(steps))]
        found = write(backbone, [ids for ids in begun for _ in range(completions)], how)
        right = [ended and same(final_number(text), problem.answer) for text, ended in found]
        counts = [sum(right[i : i + completions]) for i in range(0, len(right), completions)]
        yield row | {"sample": place, "counts": counts, "completions": completions}


def _prompt(backbone: Backbone, problem: str) -> list[int]:
    before = backbone.encode(CHATML.before_problem, True)
    return before + backbone.encode(problem, False) + backbone.encode(CHATML.after_problem, True)


@torch.no_grad()
def write(backbone: Backbone, prompts: Sequence[list[int]], how: Sampling) -> list[tuple[str, bool]]:
    """Write after prompts; return each text and whether it came to its end."""
    model: Any = backbone.model
    device, written = next(model.parameters()).device, []
    end = backbone.ends[0] if backbone.ends else 0
    for start in range(0, len(prompts), how.together):
        part = prompts[start : start + how.together]
        width = max(map(len, part))
        ids = torch.tensor([[end] * (width - len(each)) + each for each in part], device=device)
        mask = torch.tensor([[0] * (width - len(each)) + [1] * len(each) for each in part], device=device)
        out = model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            temperature=how.temperature,
            min_p=how.min_p,
            top_k=0,
            max_new_tokens=how.longest,
            eos_token_id=list(backbone.ends) or None,
            pad_token_id=end,
        )
        for row in out[:, width:].tolist():
            stop = next((i for i, token in enumerate(row) if token in backbone.ends), None)
            written.append((backbone.decode(row[:stop]), stop is not None))
    return written


if __name__ == "__main__":
    main()
