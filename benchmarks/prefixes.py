"""What does it cost to read an outcome model at the end of every prefix, next to one pass over the full text?

    python benchmarks/prefixes.py [--cases 40] [--models FOLDER]

Random weights of the Qwen2.5-0.5B shape in q4_0 (rewards mean nothing, costs are real), the prompt of
Qwen2.5-Math-RM-72B's card, the first cases of ProcessBench's math.json from ../shared/data. Both sides read every case,
one after the other, under another first word each, so that neither finds the other's prefix in the cache. Promised: at
most 1.3 times one pass, in tokens decoded and in time.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import time
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np

from stepcheck.document import Document, Step
from stepcheck.engine.base import Rows
from stepcheck.engine.client import LlamaEngine
from stepcheck.hub.disk.store import builtin_dir
from stepcheck.prm.card import read_card
from stepcheck.prm.prompt import Prompt, build_all

SHARED = Path(__file__).parents[2] / "shared"
SILENCE = lib.llama_log_callback(lambda _level, _text, _data: None)
Q4_0 = 2
"""llama.h, enum llama_ftype."""
CONTEXT = 4096


def main() -> None:
    """Read every case in both ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--models", type=Path, default=Path("build/benchmark-models"))
    arguments = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit(f"needs the data folder {SHARED} (ProcessBench, the model maker), which is not there")
    rows = json.loads((SHARED / "data/processbench/math.json").read_text(encoding="utf-8"))[: arguments.cases]
    template = read_card(builtin_dir() / "qwen2.5-math-rm-72b.toml").template
    figures: dict[str, list[tuple[int, float]]] = {"full": [], "prefixes": []}
    with LlamaEngine(make_model(arguments.models), mark=None, context=CONTEXT) as engine:
        print(f"{engine.info}", flush=True)
        for row in rows:
            for name, kept in (("full", slice(-1, None)), ("prefixes", slice(None))):
                document = Document(f"{name} {row['problem']}", tuple(map(Step, row["steps"])))
                figures[name].append(read(engine, build_all(template, document)[kept]))
    report(rows, {name: np.array(values) for name, values in figures.items()})


def make_model(folder: Path) -> Path:
    """A random model of the 0.5B shape; made once."""
    lib.llama_log_set(SILENCE, ctypes.c_void_p(0))
    folder.mkdir(parents=True, exist_ok=True)
    source, target = folder / "random-0.5b.gguf", folder / "random-0.5b-q4_0.gguf"
    if not source.exists():
        subprocess.run([sys.executable, SHARED / "tools/make_random_prm.py", "0.5b", source], check=True)
    if not target.exists():
        params = lib.llama_model_quantize_default_params()
        params.ftype = Q4_0
        if lib.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params)):
            sys.exit(f"could not quantize {source}")
    return target


def read(engine: LlamaEngine, prompts: tuple[Prompt, ...]) -> tuple[int, float]:
    """Tokens decoded and seconds taken for some prompts."""
    start, decoded = time.perf_counter(), 0
    for answer in engine.read(prompts):
        if not isinstance(answer, Rows):
            raise answer
        decoded += answer.decoded
    return decoded, time.perf_counter() - start


def report(rows: list[dict[str, list[str]]], figures: dict[str, np.ndarray]) -> None:
    """Print totals, their ratio, and the worst case's."""
    full, prefixes = figures["full"], figures["prefixes"]
    steps = [len(row["steps"]) for row in rows]
    print(f"{len(rows)} cases, {np.mean(steps):.1f} steps each ({min(steps)} to {max(steps)})")
    print(f"{'':10}{'full text':>12}{'prefixes':>12}{'ratio':>8}{'worst':>8}")
    for column, what in enumerate(("tokens", "seconds")):
        a, b = full[:, column], prefixes[:, column]
        print(f"{what:10}{a.sum():12.0f}{b.sum():12.0f}{b.sum() / a.sum():8.3f}{(b / a).max():8.3f}")


if __name__ == "__main__":
    main()
