"""Train a judge: `python -m models.training.train --backbone FILE.gguf --rows rows.jsonl --out FOLDER --name NAME`.

Rows of labelled steps in (`rows.py`); a LoRA, a head and a card out. Runs on a CPU, on a GPU where PyTorch has one. The
loss is cross-entropy at every labelled mark, weighted as the rows say. Rows that are `held` are never trained on: after
the training they are judged, and the step AUC is told. Rows longer than --longest tokens are left out, and counted.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.training.backbone import Backbone, prepare, read_backbone
from models.training.judge import CHATML, Laid, TrainedJudge, lay_out, new_card
from models.training.recipes import add_recipe, recipe_in
from models.training.rows import Row, read_rows, step_auc, told_auc
from stepcheck.errors import StepcheckError
from stepcheck.hub.disk.store import find_card
from stepcheck.hub.gguf.header import read_gguf
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.library import import_model
from stepcheck.prm.card import Template

MULTIPLE = 16
"""Batches are padded to a multiple of it."""
SHUFFLED = 4096
"""Rows that are sorted by length together: batches of like length, and yet in no order."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a training goes; the defaults are those of stepcheck-0.5B. `batch` counts tokens, padding and all."""

    rank: int = 16
    alpha: float = 32.0
    epochs: float = 2.5
    batch: int = 24_576
    rate: float = 2e-4
    head_rate: float = 5e-4
    warm_up: int = 30
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Lesson:
    """A row as the judge reads it."""

    laid: Laid
    row: Row


def main() -> None:
    """Train by the command line and say where the judge is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", type=Path, required=True, help="a GGUF, or a Hugging Face folder")
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--title", default="a judge of one's own")
    parser.add_argument("--licence", default="that of its backbone and of its rows")
    parser.add_argument("--notice", default="", help="a sentence that is shown with every result")
    parser.add_argument("--card", help="a card whose template is taken; default: ChatML, read at blank lines")
    parser.add_argument("--longest", type=int, default=700, help="tokens of the longest row that is learnt from")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add_recipe(parser, Recipe)
    given = parser.parse_args()
    try:
        run(given, recipe_in(given, Recipe))
    except StepcheckError as error:
        sys.exit(f"error: {error}")


def run(given: argparse.Namespace, recipe: Recipe) -> Path:
    """Read, train, judge what was held out, write; return the card of the judge, ready to be used from its folder."""
    template = CHATML
    if given.card:
        listed = find_card(given.card, None)
        if listed.card is None:
            sys.exit(f"error: {listed.error}")
        template = listed.card.template
    rows = read_rows(given.rows)
    given.out.mkdir(parents=True, exist_ok=True)
    path = prepare(given.backbone, template, given.out / f"{given.name}.backbone.gguf", WeightType.F16)
    backbone = read_backbone(path, given.device)
    lessons, longer = encode(backbone, template, rows, given.longest)
    learnt, held = [x for x in lessons if not x.row.held], [x for x in lessons if x.row.held]
    print(f"{len(learnt)} rows to learn from, {len(held)} held out, {longer} longer than {given.longest} tokens")
    torch.manual_seed(recipe.seed)
    judge = TrainedJudge(backbone, recipe.rank, recipe.alpha)
    train(judge, learnt, recipe)
    if held:
        print(f"held out: {told_auc(held_auc(judge, held, recipe.batch))}")
    card = new_card(backbone, given.name, given.title, template, given.licence, given.notice)
    adapter, head = (given.out / f"{given.name}.trained.{ending}" for ending in ("lora.gguf", "head.safetensors"))
    judge.save(adapter, head, WeightType(read_gguf(path).weight_type or "q4_k_m"), name=given.name)
    made = import_model(path, head, card, given.out, adapter=adapter, name=given.name, force=True)
    print(f"the judge: stepcheck score FILE --model {made}")
    return made


def encode(backbone: Backbone, template: Template, rows: Sequence[Row], longest: int) -> tuple[list[Lesson], int]:
    """Lay rows out; return those that are short enough, and how many are not."""
    lessons = [Lesson(lay_out(backbone, template, row.problem, row.steps), row) for row in rows]
    short = [lesson for lesson in lessons if len(lesson.laid.ids) <= longest]
    return short, len(lessons) - len(short)


def train(judge: TrainedJudge, lessons: Sequence[Lesson], recipe: Recipe) -> list[float]:
    """Train for the recipe's epochs; return the loss of every step."""
    plan = list(_plan(lessons, recipe))
    optimizer = torch.optim.AdamW(
        [
            {"params": list(judge.head.parameters()), "lr": recipe.head_rate, "weight_decay": 0.01},
            {"params": list(judge.adapters()), "lr": recipe.rate, "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
    )
    tops = [group["lr"] for group in optimizer.param_groups]
    losses, shown = [], time.monotonic()
    for number, batch in enumerate(plan):
        share = min(1.0, (number + 1) / recipe.warm_up) * _cosine(number / len(plan))
        for group, top in zip(optimizer.param_groups, tops, strict=True):
            group["lr"] = top * share
        loss = _loss(judge, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*judge.adapters(), *judge.head.parameters()], 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
        if time.monotonic() - shown > 10 or number + 1 == len(plan):
            shown = time.monotonic()
            print(f"step {number + 1} of {len(plan)}, loss {np.mean(losses[-20:]):.4f}", flush=True)
    return losses


def _cosine(done: float) -> float:
    return 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * done))


def _plan(lessons: Sequence[Lesson], recipe: Recipe) -> Iterator[list[Lesson]]:
    """Yield batches of like length until the epochs are over."""
    rng, left = random.Random(recipe.seed), round(recipe.epochs * len(lessons))
    while left > 0 and lessons:
        for batch in batches(rng.sample(lessons, len(lessons))[:left], recipe.batch, rng):
            yield batch
            left -= len(batch)


def batches(lessons: Sequence[Lesson], tokens: int, rng: random.Random | None = None) -> list[list[Lesson]]:
    """Cut lessons into batches of at most so many tokens, those of like length together; mixed, if by somebody."""
    made: list[list[Lesson]] = []
    for start in range(0, len(lessons), SHUFFLED):
        batch: list[Lesson] = []
        for lesson in sorted(lessons[start : start + SHUFFLED], key=lambda lesson: len(lesson.laid.ids)):
            if batch and _width([lesson]) * (len(batch) + 1) > tokens:
                made.append(batch)
                batch = []
            batch.append(lesson)
        made.append(batch)
    if rng is not None:
        rng.shuffle(made)
    return made


def _width(batch: Sequence[Lesson]) -> int:
    longest = max(len(lesson.laid.ids) for lesson in batch)
    return -(-longest // MULTIPLE) * MULTIPLE


def _logits(judge: TrainedJudge, batch: Sequence[Lesson]) -> Tensor:
    """Read every mark of a batch, in order; what a row is padded with stands behind its marks and changes none."""
    device = next(judge.head.parameters()).device
    ids = torch.zeros(len(batch), _width(batch), dtype=torch.long)
    for number, lesson in enumerate(batch):
        ids[number, : len(lesson.laid.ids)] = torch.tensor(lesson.laid.ids)
    rows = torch.tensor([number for number, lesson in enumerate(batch) for _ in lesson.laid.marks])
    columns = torch.tensor([mark for lesson in batch for mark in lesson.laid.marks])
    out: Tensor = judge(ids.to(device), rows.to(device), columns.to(device))
    return out


def _loss(judge: TrainedJudge, batch: Sequence[Lesson]) -> Tensor:
    logits = _logits(judge, batch)
    labels = torch.tensor([label for lesson in batch for label in lesson.row.labels], device=logits.device)
    weights = torch.tensor([weight for lesson in batch for weight in lesson.row.weights], device=logits.device)
    each = functional.cross_entropy(logits, labels, reduction="none")
    return (each * weights).sum() / weights.sum().clamp(min=1e-6)


@torch.no_grad()
def rewards(judge: TrainedJudge, lessons: Sequence[Lesson], tokens: int) -> list[tuple[Lesson, list[float]]]:
    """Judge lessons; in the order of their lengths."""
    out = []
    for batch in batches(lessons, tokens):
        found = _logits(judge, batch).softmax(-1)[:, 1].tolist()
        for lesson in batch:
            count = len(lesson.laid.marks)
            out.append((lesson, found[:count]))
            found = found[count:]
    return out


def held_auc(judge: TrainedJudge, lessons: Sequence[Lesson], tokens: int) -> float:
    """Return how often a right step is above a first wrong one; NaN without both."""
    return step_auc((lesson.row, found) for lesson, found in rewards(judge, lessons, tokens))


if __name__ == "__main__":
    main()
