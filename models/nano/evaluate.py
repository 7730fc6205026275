"""How well the model judges, by kind of slip, on problems it never saw. It trains nothing.

`python -m models.nano.evaluate --model DIR --gsm8k train.jsonl` prints the figures of the model card.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.nano import checkpoint, documents, problems, slips, stream, writing
from models.nano.problems import carry, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.nano.documents import Encoder
    from models.nano.model import RewardModel
    from models.nano.problems import Problem
    from models.nano.writing import Written

PASSED = 0.936
"""Share of the right choosing solutions that must pass: 92 %, and a standard error of that share over 300 solutions."""

KINDS = ("right", "result", "copy", "operation", "carried")


def held_out(chosen: Sequence[Problem], seed: int) -> list[tuple[str, Written]]:
    """Whole documents of each kind (right ones and four of slips) from each problem that has a place for it."""
    rng = random.Random(f"held out/{seed}")
    found = []
    for problem in chosen:
        worth = draw(problem, rng) or carry(problem, {})
        if worth is None:
            continue
        for kind in KINDS:
            planted = rng.choice(slips.KINDS) if kind == "carried" else kind
            draft = slips.right(problem, worth) if kind == "right" else None
            for _ in range(6 if draft is None else 0):
                draft = slips.plant(problem, worth, planted, rng, carried=kind == "carried")
                if draft is not None and (kind != "carried" or draft.carried):
                    break
                draft = None
            if draft is not None:
                found.append((kind, writing.write(draft, rng)))
    return found


@torch.no_grad()
def rewards(model: RewardModel, rows: Sequence[documents.Encoded]) -> list[NDArray[np.float32]]:
    """The rewards at the marks of each row, in float32."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].tokens))
    found: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(rows)
    device = next(model.parameters()).device
    for start in range(0, len(order), 32):
        chosen = order[start : start + 32]
        batch = documents.collate([rows[i] for i in chosen])
        hidden = model(*batch.inputs(device))
        for k, i in enumerate(chosen):
            places = [place for place, _ in rows[i].marks]
            found[i] = torch.softmax(model.score(hidden[k, places]), -1)[:, 1].cpu().numpy()
    return found


def auc(right: NDArray[np.float32], wrong: NDArray[np.float32]) -> float:
    """Area under the ROC curve: the share of (right, wrong) pairs whose right one has the higher reward; ties half."""
    if not len(right) or not len(wrong):
        return float("nan")
    both = np.concatenate([right, wrong])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = len(right), len(wrong)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def quick_report(model: RewardModel, encoder: Encoder, choosing: Sequence[Problem]) -> str:
    """One line on fresh equations and a few documents, for the training log."""
    rng = random.Random("quick")
    rows = [stream.make_equation(encoder, rng, choosing) for _ in range(300)]
    scores = np.concatenate(rewards(model, rows))
    labels = np.array([label for row in rows for _, label in row.marks])
    parts = [f"equations {auc(scores[labels == 1], scores[labels == 0]):.3f}"]
    cases = score(model, encoder, held_out(choosing[:80], 0))
    parts += [f"{kind} {step_auc(cases, [kind]):.3f}" for kind in KINDS[1:]]
    bar = choose_threshold(cases, 0.92)
    caught = [predicted(case, bar) == case.first_error for case in cases if case.kind == "result"]
    return "== " + " ".join(parts) + f" | at 92 % right passed ({bar:.3f}): result errors found {np.mean(caught):.3f}"


@dataclass(frozen=True, slots=True)
class Scored:
    """One held-out document: its kind, the 0-based first wrong step (None: all right), the rewards of its steps."""

    kind: str
    first_error: int | None
    rewards: NDArray[np.float32]

    @property
    def judged_right(self) -> NDArray[np.float32]:
        """The rewards of the right steps: all before the first wrong one. What comes after it is neither."""
        return self.rewards[: self.first_error]


def score(model: RewardModel, encoder: Encoder, cases: Sequence[tuple[str, Written]]) -> list[Scored]:
    """Judge every document."""
    found = rewards(model, [encoder.document(written, whole=True) for _, written in cases])
    return [Scored(kind, written.first_error, r) for (kind, written), r in zip(cases, found, strict=True)]


def predicted(case: Scored, threshold: float) -> int | None:
    """The first step under the threshold."""
    low = np.flatnonzero(case.rewards < threshold)
    return int(low[0]) if len(low) else None


def choose_threshold(cases: Sequence[Scored], passed: float) -> float:
    """The largest threshold, in thousandths, at which this share of the wholly right solutions passes."""
    worst = np.array([case.rewards.min() for case in cases if case.kind == "right"], dtype=np.float64)
    return math.floor(float(np.quantile(worst, 1 - passed)) * 1000) / 1000


def step_auc(cases: Sequence[Scored], kinds: Sequence[str]) -> float:
    """Step-level ROC AUC: the right steps of these kinds and of the right solutions against the first wrong steps."""
    right = [case.judged_right for case in cases if case.kind in ("right", *kinds)]
    wrong = [case.rewards[case.first_error] for case in cases if case.kind in kinds and case.first_error is not None]
    return auc(np.concatenate(right), np.array(wrong))


def judged_steps(cases: Sequence[Scored]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(rewards, labels) of all right steps and first wrong ones."""
    pairs = [(r, 1) for case in cases for r in case.judged_right]
    pairs += [(case.rewards[case.first_error], 0) for case in cases if case.first_error is not None]
    rewards, labels = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    return rewards, labels


def calibration(cases: Sequence[Scored], bins: int = 10) -> tuple[float, list[tuple[float, float, int]]]:
    """(expected calibration error, [(mean reward, share right, steps)] by bins) over right and first wrong steps."""
    values, labels = judged_steps(cases)
    bin_of = np.minimum((values * bins).astype(int), bins - 1)
    rows = [
        (float(values[bin_of == b].mean()), float(labels[bin_of == b].mean()), int((bin_of == b).sum()))
        for b in range(bins)
        if (bin_of == b).any()
    ]
    return sum(abs(mean - share) * n for mean, share, n in rows) / len(values), rows


def measure(cases: Sequence[Scored], threshold: float) -> dict[str, Any]:
    """Every figure of the model card, as shares of one."""
    hits = {kind: [predicted(c, threshold) == c.first_error for c in cases if c.kind == kind] for kind in KINDS}
    slipped = [hit for kind in KINDS[1:] for hit in hits[kind]]
    passed, found = float(np.mean(hits["right"])), float(np.mean(slipped))
    error, table = calibration(cases)
    return {
        "threshold": threshold,
        "right_solutions_passed": passed,
        "first_error_found": {kind: float(np.mean(hits[kind])) for kind in KINDS[1:]} | {"all": found},
        "auc": {kind: step_auc(cases, [kind]) for kind in KINDS[1:]} | {"all": step_auc(cases, KINDS[1:])},
        "f1": 2 * passed * found / (passed + found) if passed + found else 0.0,
        "calibration_error": error,
        "calibration": table,
        "documents": {kind: len(hits[kind]) for kind in KINDS},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Choose the threshold on the choosing problems, measure on the test problems, print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure the built-in model on problems it never saw.")
    parser.add_argument("--model", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--gsm8k", type=Path, required=True, help="GSM8K's train.jsonl")
    parser.add_argument("--passed", type=float, default=PASSED, help="share of right choosing solutions that must pass")
    parser.add_argument("--threshold", type=float, help="a threshold instead of the chosen one")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    model, words = checkpoint.read(options.model)
    encoder = documents.Encoder(words)
    _, choosing, testing = problems.split(problems.load(options.gsm8k))
    threshold = options.threshold
    if threshold is None:
        threshold = choose_threshold(score(model, encoder, held_out(choosing, 1)), options.passed)
    print(json.dumps(measure(score(model, encoder, held_out(testing, 2)), threshold), indent=2))


if __name__ == "__main__":
    main()
