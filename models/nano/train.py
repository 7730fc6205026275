"""Train the built-in model: `python -m models.nano.train --gsm8k train.jsonl --seed 0 --out DIR --steps 5500`.

Resumable: DIR/state.safetensors is the last checkpoint, and a second call goes on from it. The data stream depends on
the seed and the workers alone; how far it gets in the minutes depends on the machine (`--steps` fixes that as well).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from models.nano import calibration, checkpoint, documents, problems, tokenizer
from models.nano.equations import OPERATORS
from models.nano.evaluate import held_out, judged_steps, quick_report, score
from models.nano.feed import Source, shards
from models.nano.model import RewardModel, Shape
from models.nano.optimizer import Muon
from models.nano.phrases import TOKENIZER_TEXTS
from models.nano.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from models.nano.documents import Batch

MUON_RATE = 0.015
ADAM_RATE = 1e-3
EMBEDDING_RATE = 6e-4
DECAY_FROM = 0.6
"""Share of the training after which the learning rates fall, linearly, to 2 %."""

KEEP_FROM, KEEP_EVERY = 0.5, 0.02
"""The shares of the training at which the weights are kept: the last ones are halfway from their mean to the end's.

The end's alone judge as well what is written as in training; the mean doubts fewer right steps in other words.
"""

WEIGHTS = {"marks": 1.0, "guesses": 0.4, "running": 0.2, "checks": 1.0}
"""Of the losses."""

IGNORED = -100
MOST_TARGETS, MOST_RUNNING = 384, 192
"""Targets of these losses in a usual batch; their 11,114-wide softmax would otherwise cost as much as the body."""


@dataclass(slots=True)
class Progress:
    """Where a training run stands; `kept` counts the states that were kept for their mean."""

    shard: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    kept: int = 0


def fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 matrices faster than float32 ones."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001 (no public name)


class Trainer:
    """The model, its optimizers and one step of them."""

    def __init__(
        self, model: RewardModel, workers: Workers | None = None, *, compiled: bool = False, device: str = "cpu"
    ) -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device)
        self.workers = workers or Workers()
        self.guess = checkpoint.Guess(model.shape.width, len(OPERATORS)).to(self.device)
        self.running = checkpoint.Guess(model.shape.width, len(OPERATORS)).to(self.device)
        self.check = nn.Linear(model.shape.width, 2).to(self.device)
        self.fast = self.device.type != "cpu" or fast_bfloat16()
        body = [p for n, p in model.model.layers.named_parameters() if p.dim() == 2]
        chosen = {id(p) for p in body}
        table = model.model.embed_tokens.weight
        heads = [p for name, part in self.parts().items() if name != "model" for p in part.parameters()]
        rest = [p for p in (*model.parameters(), *heads) if id(p) not in chosen and p is not table]
        if compiled:
            for layer in model.model.layers:
                layer.compile(dynamic=True)
        self.muon = Muon(body, MUON_RATE, fast=self.fast, spread=self.workers.spread)
        self.adam = torch.optim.AdamW(
            [{"params": rest, "lr": ADAM_RATE}, {"params": [table], "lr": EMBEDDING_RATE}],
            betas=(0.9, 0.98),
            weight_decay=0.0,
            fused=True,
        )
        self.kept: dict[str, Tensor] = {}
        self.rates = [(group, group["lr"]) for o in (self.muon, self.adam) for group in o.param_groups]

    def step(self, batch: Batch, rate: float, scale: int = 1) -> dict[str, Tensor]:
        """One update at `rate` times the learning rates with a batch of `scale` times the usual size.

        Returns the losses by name; they are not waited for.
        """
        for group, full in self.rates:
            group["lr"] = full * rate
        guessed = _drawn(batch.places, batch.targets, MOST_TARGETS * scale, self.device)
        running = _drawn(batch.run, batch.values, MOST_RUNNING * scale, self.device)
        marks, labels, checked, checks = (
            torch.from_numpy(part).to(self.device) for part in (batch.marks, batch.labels, batch.checked, batch.checks)
        )
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.fast):
            hidden = self.model(*batch.inputs(self.device)).flatten(0, 1)
            guesses, values = self.guess(hidden[guessed.places]), self.running(hidden[running.places])
        losses = {
            "marks": functional.cross_entropy(self.model.score(hidden[marks].float()), labels),
            "guesses": functional.cross_entropy(guesses.float(), guessed.classes, ignore_index=IGNORED),
            "running": functional.cross_entropy(
                values.float(), running.classes, ignore_index=IGNORED, reduction="sum"
            ).div(MOST_RUNNING * scale),
            "checks": functional.cross_entropy(self.check(hidden[checked].float()), checks),
        }
        torch.autograd.backward(torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum())
        self.workers.average([p for o in (self.muon, self.adam) for group in o.param_groups for p in group["params"]])
        torch.nn.utils.clip_grad_norm_([p for group in self.adam.param_groups for p in group["params"]], 1.0)
        for optimizer in (self.muon, self.adam):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return {name: loss.detach() for name, loss in losses.items()}

    def keep(self) -> None:
        """Add the model's weights to the sum of those that are kept."""
        for name, weights in self.model.state_dict().items():
            self.kept[name] = self.kept.get(name, torch.zeros_like(weights)) + weights

    def settle(self, count: int) -> None:
        """Move the model's weights halfway to the mean of the `count` ones that were kept."""
        now = self.model.state_dict()
        self.model.load_state_dict({name: (now[name] + total / count) / 2 for name, total in self.kept.items()})

    def parts(self) -> dict[str, nn.Module]:
        """What learns, by name: the model and the three readings that are thrown away."""
        return {"model": self.model, "guess": self.guess, "running": self.running, "check": self.check}

    def tensors(self) -> dict[str, Tensor]:
        """Everything a resume needs, by name."""
        found = {f"{name}.{k}": v for name, part in self.parts().items() for k, v in part.state_dict().items()}
        found |= {f"kept.{name}": total for name, total in self.kept.items()}
        for name, optimizer in (("muon", self.muon), ("adam", self.adam)):
            for index, state in optimizer.state_dict()["state"].items():
                found |= {f"{name}.{index}.{key}": value for key, value in state.items()}
        return found

    def restore(self, found: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave."""
        for name, part in self.parts().items():
            prefix = name + "."
            part.load_state_dict({k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)})
        self.kept = {k.removeprefix("kept."): v.to(self.device) for k, v in found.items() if k.startswith("kept.")}
        for name, optimizer in (("muon", self.muon), ("adam", self.adam)):
            whole = optimizer.state_dict()
            for key, value in found.items():
                if key.startswith(name + "."):
                    _, index, field = key.split(".")
                    whole["state"].setdefault(int(index), {})[field] = value
            optimizer.load_state_dict(whole)


class Drawn(NamedTuple):
    """Places in a batch, and the class that is right at each; IGNORED at those that only fill up."""

    places: Tensor
    classes: Tensor


def _drawn(places: NDArray[np.int64], classes: NDArray[np.int64], most: int, device: torch.device) -> Drawn:
    """At most so many of the places, filled up to a multiple of 128, since every new shape costs time."""
    chosen = torch.randperm(len(places))[:most]
    empty = -len(chosen) % 128
    return Drawn(
        functional.pad(torch.from_numpy(places)[chosen], (0, empty)).to(device),
        functional.pad(torch.from_numpy(classes)[chosen], (0, empty), value=IGNORED).to(device),
    )


def batches(source: Source, progress: Progress, workers: Workers, feeders: int, again: int) -> Iterator[Batch]:
    """The stream from where `progress` stands, without end; the next shards are written while this one is learned.

    Worker r of n takes every n-th shard, from the r-th on.
    """
    with shards(source, progress.shard + workers.rank, workers.count, feeders, again) as following:
        for ready in following:
            for batch in ready[progress.batch :]:
                progress.batch += 1
                yield batch
            progress.shard, progress.batch = progress.shard + workers.count, 0


def rate_at(done: float, step: int) -> float:
    """The share of the full learning rates: a short rise, level, then a straight line down."""
    rise = min(1.0, (step + 1) / 50)
    return rise * (1.0 if done < DECAY_FROM else max(0.02, (1 - done) / (1 - DECAY_FROM)))


def prepare(gsm8k: Path, out: Path, shape: Shape, seed: int) -> RewardModel:
    """The fresh model and its tokenizer, written to the output folder."""
    rows = [json.loads(line) for line in gsm8k.read_text(encoding="utf-8").splitlines()]
    texts = [row[part] for row in rows for part in ("question", "answer")]
    words = tokenizer.build([*texts, *TOKENIZER_TEXTS * 300])
    model = checkpoint.fresh(words, Shape(**{**asdict(shape), "vocab": words.get_vocab_size()}), seed)
    checkpoint.write(out, model, words)
    return model


def save(out: Path, trainer: Trainer, progress: Progress) -> None:
    """Write the checkpoint beside the old one, then put it in its place."""
    fresh, state = out / "state.new.safetensors", out / "state.safetensors"
    save_file(
        {k: v.contiguous().clone() for k, v in trainer.tensors().items()},
        fresh,
        {"progress": json.dumps(asdict(progress))},
    )
    fresh.replace(state)
    _, words = checkpoint.read(out)
    checkpoint.write(out, trainer.model, words)


def resume(out: Path, trainer: Trainer) -> Progress:
    """Take up the checkpoint in the folder, if there is one."""
    state = out / "state.safetensors"
    if not state.exists():
        return Progress()
    trainer.restore(load_file(state))
    with safe_open(state, "pt") as file:
        return Progress(**json.loads(file.metadata()["progress"]))


def train(options: argparse.Namespace, shape: Shape, workers: Workers) -> Progress:
    """Run until the minutes (or steps) are over; the first worker saves and reports every few minutes."""
    torch.set_num_threads(options.threads)
    _, choose, _ = problems.split(problems.load(options.gsm8k))
    if not (options.out / "tokenizer.json").exists():
        prepare(options.gsm8k, options.out, shape, options.seed)
    model, words = checkpoint.read(options.out)
    trainer = Trainer(model, workers, compiled=options.compile, device=options.device)
    encoder = documents.Encoder(words)
    source = Source(options.gsm8k, options.out, options.seed, options.equation_shards, options.scale)
    progress = resume(options.out, trainer)
    last, saved = time.monotonic(), progress.seconds
    losses: list[dict[str, Tensor]] = []
    for batch in batches(source, progress, workers, options.feeders, options.again):
        done = progress.step / options.steps if options.steps else progress.seconds / (options.minutes * 60)
        done = workers.agree(done)
        if done >= 1:
            progress.batch -= 1
            break
        if done >= KEEP_FROM + progress.kept * KEEP_EVERY:
            progress.kept += 1
            if not workers.rank:
                trainer.keep()
        torch.manual_seed(options.seed * 1_000_003 + progress.step)
        losses.append(trainer.step(batch, rate_at(done, progress.step), options.scale))
        progress.step += 1
        progress.tokens += batch.tokens.size * workers.count
        now = time.monotonic()
        progress.seconds, last = progress.seconds + now - last, now
        if workers.rank:
            continue
        if progress.step % 50 == 0:
            print(_line(progress, losses), flush=True)
            losses.clear()
        if progress.seconds - saved > options.every * 60:
            save(options.out, trainer, progress)
            with torch.compiler.set_stance("force_eager"):
                print(quick_report(model, encoder, choose), flush=True)
            saved, last = progress.seconds, time.monotonic()
    if workers.rank:
        return progress
    save(options.out, trainer, progress)
    trainer.keep()
    trainer.settle(progress.kept + 1)
    torch.compiler.set_stance("force_eager")
    scale, shift = calibration.fit(*judged_steps(score(model, encoder, held_out(choose, 1))))
    calibration.apply(model, scale, shift)
    checkpoint.write(options.out, model, words)
    print(f"{quick_report(model, encoder, choose)}; calibrated by {scale:.3f} and {shift:+.3f}", flush=True)
    return progress


def _line(progress: Progress, losses: list[dict[str, Tensor]]) -> str:
    means = " ".join(f"{name} {torch.stack([each[name] for each in losses]).mean():.4f}" for name in losses[0])
    rate = progress.tokens / progress.seconds
    place = f"step {progress.step} {progress.seconds:.0f}s shard {progress.shard}"
    return f"{place} {means} {rate:.0f} tok/s"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description="Train the built-in model.")
    parser.add_argument("--gsm8k", type=Path, required=True, help="GSM8K's train.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=85)
    parser.add_argument("--steps", type=int, default=0, help="length in steps instead of minutes")
    parser.add_argument("--every", type=float, default=6, help="minutes between checkpoints")
    parser.add_argument(
        "--equation-shards", type=int, default=270, help="shards of equations alone before the documents"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of one worker; two were slower than one")
    parser.add_argument("--workers", type=int, default=1, help="processes that average their gradients, one core each")
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--compile", action="store_true", help="fuse the layers' small operations (a fifth faster)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--scale", type=int, default=1, help="times the usual size of a batch; a GPU wants about 7")
    parser.add_argument("--again", type=int, default=0, help="show every shard once more, so many shards later")
    parser.add_argument("--feeders", type=int, default=0, help="processes that write batches for a GPU; 0: a thread")
    for name in ("width", "layers", "heads", "feed-forward"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Shape(0), name.replace("-", "_")))
    options = parser.parse_args(arguments)
    if options.again and options.workers > 1:
        parser.error("--again shows one worker's shards twice: leave out --workers")
    shape = Shape(0, options.width, options.layers, options.heads, options.feed_forward)
    with Workers.meet(options.workers, options.rank, options.out) as workers:
        train(options, shape, workers)


if __name__ == "__main__":
    main()
