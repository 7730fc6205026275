"""What does it cost to read an outcome model at the end of every prefix, next to one pass over the full text?

    python benchmarks/prefixes.py [--cases 40] [--data FOLDER] [--models FOLDER]

Random weights of the Qwen2.5-0.5B shape in q4_0, the prompt of Qwen2.5-Math-RM-72B's card, the first cases of
ProcessBench's math (where it was not pulled, texts like it). Both sides read every case, one after the other, under
another first word each, so that neither finds the other's prefix in the cache. Promised: at most 1.3 times one pass, in
tokens decoded and in time.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.given import texts
from benchmarks.given.weights import CONTEXT, FOLDER, HALF_B, make_model
from stepcheck.document import Document
from stepcheck.engine.base import Rows
from stepcheck.engine.client import LlamaEngine
from stepcheck.hub.disk.store import builtin_dir
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.card import read_card
from stepcheck.prm.prompt import Prompt, build_all


def main() -> None:
    """Read every case in both ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--models", type=Path, default=FOLDER)
    texts.add_option(parser)
    arguments = parser.parse_args()
    given = texts.find(arguments.data)
    documents = given.cases(arguments.cases)[-arguments.cases :]
    template = read_card(builtin_dir() / "qwen2.5-math-rm-72b.toml").template
    figures: dict[str, list[tuple[int, float]]] = {"full": [], "prefixes": []}
    model = make_model("0.5b", HALF_B, WeightType.Q4_0, arguments.models)
    with LlamaEngine(model, mark=None, context=CONTEXT) as engine:
        print(f"{given.origin}; {engine.info}", flush=True)
        for document in documents:
            for name, kept in (("full", slice(-1, None)), ("prefixes", slice(None))):
                prompts = build_all(template, replace(document, problem=f"{name} {document.problem}"))
                figures[name].append(read(engine, prompts[kept]))
    report(documents, {name: np.array(values) for name, values in figures.items()})


def read(engine: LlamaEngine, prompts: tuple[Prompt, ...]) -> tuple[int, float]:
    """Tokens decoded and seconds taken for some prompts."""
    start, decoded = time.perf_counter(), 0
    for answer in engine.read(prompts):
        if not isinstance(answer, Rows):
            raise answer
        decoded += answer.decoded
    return decoded, time.perf_counter() - start


def report(documents: Sequence[Document], figures: dict[str, np.ndarray]) -> None:
    """Print totals, their ratio, and the worst case's."""
    full, prefixes = figures["full"], figures["prefixes"]
    steps = [len(document.steps) for document in documents]
    print(f"{len(documents)} cases, {np.mean(steps):.1f} steps each ({min(steps)} to {max(steps)})")
    print(f"{'':10}{'full text':>12}{'prefixes':>12}{'ratio':>8}{'worst':>8}")
    for column, what in enumerate(("tokens", "seconds")):
        a, b = full[:, column], prefixes[:, column]
        print(f"{what:10}{a.sum():12.0f}{b.sum():12.0f}{b.sum() / a.sum():8.3f}{(b / a).max():8.3f}")


if __name__ == "__main__":
    main()
