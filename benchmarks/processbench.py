"""What does a model find on ProcessBench, at its card's threshold? For evaluation only: nothing is tuned to it.

    python benchmarks/processbench.py [--model nano] [--subsets gsm8k math]

Metrics of ProcessBench (arXiv 2412.06559): error accuracy (exact first error among wrong solutions), correct accuracy
(nothing found among right ones), and their harmonic mean F1, in per cent. A case that could not be scored is counted
apart. The files are read from ../shared/data.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from stepcheck.checker import Checker, Review
from stepcheck.document import Document, Step

DATA = Path(__file__).parents[2] / "shared/data/processbench"


def main() -> None:
    """Print a row per subset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--subsets", nargs="+", default=["gsm8k", "math"])
    arguments = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"needs ProcessBench in {DATA}, which is not there")
    with Checker(arguments.model) as checker:
        print(f"{checker.model.name} at threshold {checker.threshold:g}")
        print("| subset | error acc | correct acc | F1 | not scored | cases | cases/s |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for subset in arguments.subsets:
            print(row(checker, subset), flush=True)


def row(checker: Checker, subset: str) -> str:
    """One subset's figures as a row of the table."""
    cases = json.loads((DATA / f"{subset}.json").read_text(encoding="utf-8"))
    documents = (Document(case["problem"], tuple(map(Step, case["steps"])), id=case["id"]) for case in cases)
    hits: dict[bool, list[bool]] = {True: [], False: []}
    failed, started = 0, time.perf_counter()
    for case, result in zip(cases, checker.check_many(documents), strict=True):
        if not isinstance(result, Review):
            failed += 1
            continue
        found = -1 if result.verdict.first_error is None else result.verdict.first_error
        hits[case["label"] == -1].append(found == case["label"])
    wrong, right = (100 * sum(hits[kind]) / len(hits[kind]) for kind in (False, True))
    f1 = 2 * wrong * right / (wrong + right) if wrong + right else 0.0
    rate = len(cases) / (time.perf_counter() - started)
    return f"| {subset} | {wrong:.1f} | {right:.1f} | {f1:.1f} | {failed} | {len(cases)} | {rate:.1f} |"


if __name__ == "__main__":
    main()
