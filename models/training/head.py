"""Train a judge's head anew, its backbone and adapter as they are: minutes on a CPU, where a LoRA takes a GPU.

    python -m models.training.head --model CARD --rows rows.jsonl people.jsonl --out FOLDER --name NAME

The head begins as the judge's own. The states at the marks are read once through llama.cpp, as `score` reads them, and
kept in FOLDER/NAME.states.npz: another training on the same rows begins there. Rows that are `held` are never trained
on; their step AUC is told before and after. Rows that cannot be read, being too long, are left out, and counted.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.training.recipes import add_recipe, recipe_in
from models.training.rows import Row, as_json, read_rows, step_auc, told_auc
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions, Reader, Rows
from stepcheck.errors import ModelError, StepcheckError
from stepcheck.hub.checkpoint.heads import pack_head
from stepcheck.hub.disk.store import Model, find
from stepcheck.hub.library import import_model
from stepcheck.opening import open_model
from stepcheck.prm.card import Template
from stepcheck.prm.families import read_head
from stepcheck.prm.prompt import build
from stepcheck.prm.readout import MLP_TENSORS, MlpHead

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a head is trained; `batch` counts marks."""

    epochs: int = 20
    batch: int = 256
    rate: float = 1e-4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Lesson:
    """A row, and the states at its marks, (steps, hidden)."""

    row: Row
    states: Floats


def main() -> None:
    """Train by the command line and say where the judge is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the judge to begin with: its name or card; its readout is mlp")
    parser.add_argument("--models-dir", type=Path)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument(
        "--notice", default="", help="a sentence that is shown with every result; the old judge's is not kept"
    )
    parser.add_argument("--threads", type=int)
    add_recipe(parser, Recipe)
    given = parser.parse_args()
    try:
        run(given, recipe_in(given, Recipe))
    except StepcheckError as error:
        sys.exit(f"error: {error}")


def run(given: argparse.Namespace, recipe: Recipe) -> Path:
    """Read, train, judge what was held out, write; return the card of the judge, ready to be used from its folder."""
    rows = read_rows(given.rows)
    model = find(given.model, given.models_dir)
    old = head_of(model)
    given.out.mkdir(parents=True, exist_ok=True)
    lessons, unread = read_states(given, model, rows)
    learnt, held = [x for x in lessons if not x.row.held], [x for x in lessons if x.row.held]
    print(f"{len(learnt)} rows to learn from, {len(held)} held out, {unread} that could not be read")
    new = train(old, learnt, recipe)
    for who, head in (("before", old), ("after", new)) if held else ():
        area = step_auc((lesson.row, head.rewards(lesson.states)) for lesson in held)
        print(f"held out, {who}: {told_auc(area)}")
    path = given.out / f"{given.name}.trained.head.safetensors"
    path.write_bytes(pack_head(dict(zip(MLP_TENSORS, _parts(new), strict=True))))
    source = "not calibrated yet: that of the judge before"
    card = msgspec.structs.replace(model.card, threshold_source=source, notice=given.notice)
    adapter = model.weights["adapter"].path if "adapter" in model.weights else None
    made = import_model(model.backbone, path, card, given.out, adapter=adapter, name=given.name, force=True)
    print(f"the judge: stepcheck score FILE --model {made}")
    return made


def head_of(model: Model) -> MlpHead:
    """Load a model's head, of two classes.

    Raises:
        ModelError: its head is of another kind.
    """
    readout = model.card.readout
    head = read_head(model.weights["head"].path, readout) if "head" in model.weights else None
    if not isinstance(head, MlpHead) or head.activation != "softmax":
        kind = f"is read by '{readout.kind}' and '{readout.activation}'"
        raise ModelError(f"{model.card.name}: {kind}; only a head 'mlp' of two classes, 'softmax', is trained")
    return head


def read_states(given: argparse.Namespace, model: Model, rows: Sequence[Row]) -> tuple[list[Lesson], int]:
    """Read the states of all rows, or take those that were read before; return lessons, and how many are unread."""
    path = given.out / f"{given.name}.states.npz"
    key = _key(model, rows)
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["key"]) == key:
                return _lessons(rows, kept["states"], kept["counts"])
    opened = open_model(given.model, models_dir=given.models_dir, options=EngineOptions(n_threads=given.threads))
    try:
        read = list(_read(opened.reader, model.card.template, rows))
    finally:
        opened.reader.close()
    counts = np.array([len(states) for states in read])
    states = np.concatenate([states for states in read if len(states)] or [np.empty((0, 0), np.float32)])
    np.savez(path, key=np.array(key), states=states, counts=counts)
    return _lessons(rows, states, counts)


def _key(model: Model, rows: Sequence[Row]) -> str:
    """Say what states depend on: the files but the head, the template, the texts."""
    pinned = [part.sha256 for role, part in model.weights.parts.items() if role != "head"]
    texts = "".join(map(as_json, rows))
    return hashlib.sha256(repr((pinned, model.card.template, texts)).encode()).hexdigest()


def _read(reader: Reader, template: Template, rows: Sequence[Row]) -> Iterator[Floats]:
    """Yield the states of every row, none for one that cannot be read."""
    prompts = (build(template, Document(row.problem, tuple(map(Step, row.steps)))) for row in rows)
    shown = time.monotonic()
    for number, found in enumerate(reader.read(prompts), 1):
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"{number} of {len(rows)} rows read", flush=True)
        yield found.hidden if isinstance(found, Rows) else np.empty((0, 0), np.float32)


def _lessons(rows: Sequence[Row], states: Floats, counts: NDArray[np.int64]) -> tuple[list[Lesson], int]:
    parts = np.split(states, np.cumsum(counts)[:-1])
    made = [Lesson(row, part) for row, part in zip(rows, parts, strict=True) if len(part)]
    return made, len(rows) - len(made)


def train(head: MlpHead, lessons: Sequence[Lesson], recipe: Recipe) -> MlpHead:
    """Train a head from where it is.

    Raises:
        ModelError: there is nothing to learn from.
    """
    if not lessons:
        raise ModelError("no row is there to learn from: each is held out, or could not be read")
    generator = torch.Generator().manual_seed(recipe.seed)
    states = torch.from_numpy(np.concatenate([lesson.states for lesson in lessons]))
    labels = torch.tensor([label for lesson in lessons for label in lesson.row.labels])
    targets = labels if head.positive else 1 - labels
    weights = torch.tensor([weight for lesson in lessons for weight in lesson.row.weights])
    new = [torch.from_numpy(part).clone().requires_grad_() for part in _parts(head)]
    optimizer = torch.optim.AdamW(new, lr=recipe.rate, weight_decay=0.0)
    steps = recipe.epochs * -(-len(states) // recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(recipe.epochs):
        order = torch.randperm(len(states), generator=generator)
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            each = functional.cross_entropy(_logits(new, states[chosen]), targets[chosen], reduction="none")
            loss = (each * weights[chosen]).sum() / weights[chosen].sum().clamp(min=1e-6)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    weight_in, bias_in, weight_out, bias_out = (part.detach().numpy() for part in new)
    return MlpHead(weight_in, bias_in, weight_out, bias_out, head.positive, head.activation)


def _parts(head: MlpHead) -> tuple[Floats, ...]:
    return (head.weight_in, head.bias_in, head.weight_out, head.bias_out)


def _logits(parts: Sequence[Tensor], states: Tensor) -> Tensor:
    weight_in, bias_in, weight_out, bias_out = parts
    return functional.linear(functional.linear(states, weight_in, bias_in).relu(), weight_out, bias_out)


if __name__ == "__main__":
    main()
