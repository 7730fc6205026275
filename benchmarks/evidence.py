"""How precise is the evidence, and how much of what is wrong does it show?

    python benchmarks/evidence.py [--data FOLDER] [--gsm8k FILE] [--count 2000]

ProcessBench's cases `{id, problem, steps, label, …}` are for judging alone: a finding before the labelled step or in a
right solution is a false alarm and is listed; where they were not pulled, examples/labelled.jsonl stands in. Slips are
planted in equations of our own and in solutions `{question, answer}` of GSM8K's training file (without --gsm8k: in
problems of our own, which are plainer).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.given import texts as given
from benchmarks.given import transformations
from benchmarks.given.problems import write_rows
from models.nano import evaluate, problems, slips, writing
from models.nano.problems import carry, draw
from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.evidence import Examined, examine
from stepcheck.judge import Judged
from stepcheck.witness import with_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples" / "labelled.jsonl"


def false_alarms(case: dict[str, Any], examined: tuple[Examined, ...]) -> Iterable[str]:
    """Findings where the labels say that all is right."""
    label = case["label"]
    for index, step in enumerate(examined):
        if label == -1 or index < label:
            for finding in step.findings:
                yield f"  {case['id']} step {index} (label {label}) {finding.kind}: {finding.sentence}"


def subsets(folder: Path | None) -> dict[str, list[dict[str, Any]]]:
    """ProcessBench's cases by subset; our own examples where there are none."""
    if folder is None:
        lines = EXAMPLES.read_text(encoding="utf-8").splitlines()
        return {EXAMPLES.stem: [json.loads(line) for line in lines]}
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def processbench(folder: Path | None) -> None:
    """Print false alarms and the share of errors with evidence, by subset."""
    hand = dict.fromkeys(json.loads((HERE / "evidence_by_hand.json").read_text(encoding="utf-8"))["equations"])
    seen: dict[str, bool] = {}
    for subset, cases in subsets(folder).items():
        kinds: Counter[str] = Counter()
        alarms: list[str] = []
        read, unread, start = 0, 0, time.perf_counter()
        for case in cases:
            examined = examine(case["problem"], case["steps"])
            read += sum(step.read for step in examined)
            unread += sum(step.unread for step in examined)
            alarms += false_alarms(case, examined)
            if case["label"] >= 0:
                here = {finding.kind for finding in examined[case["label"]].findings}
                kinds.update(here | ({"any"} if here else set()))
            if case["id"] in hand:
                seen[case["id"]] = bool(examined[case["label"]].findings)
        wrong = sum(case["label"] >= 0 for case in cases)
        seconds = time.perf_counter() - start
        print(f"{subset}: {len(cases)} cases, {wrong} wrong; {read} equations read, {unread} unread, {seconds:.0f} s")
        print(f"  errors with evidence at the labelled step: {dict(kinds.most_common())}")
        print(
            f"  false alarms: {len(alarms)} in {len({alarm.split()[0] for alarm in alarms})} cases", *alarms, sep="\n"
        )
    if seen:
        print(f"simple false equations found by hand: {sum(seen.values())} of {len(seen)} found; not: {missing(seen)}")


def missing(seen: dict[str, bool]) -> str:
    """The cases that were not found."""
    return ", ".join(case for case, found in seen.items() if not found) or "none"


def shows(step: str, result: str) -> bool:
    """Whether a wrong result stands beside an equals sign, so that there is an equation to be read."""
    number = re.escape(result)
    sign, before = r"(?:=|equals|\bis\b)", r"[\s$\\*({]*"
    return bool(re.search(rf"{sign}{before}{number}(?![\d.]*\d)|(?<![\d.]){number}[\s$\\*)}}]*{sign}", step))


def planted_results(path: Path, count: int) -> None:
    """Print how many wrong results in GSM8K's solutions are found, in the styles that the built-in model reads."""
    rng = random.Random("planted results")
    chosen = problems.load(path)
    rng.shuffle(chosen)
    written = equations = found = found_equations = early = right = alarms = 0
    for problem in chosen[:count]:
        worth = draw(problem, rng) or carry(problem, {})
        if worth is None:
            continue
        document = writing.write(slips.right(problem, worth), rng)
        right += 1
        alarms += any(step.findings for step in examine(document.question, texts(document)))
        draft = next(filter(None, (slips.plant(problem, worth, "result", rng) for _ in range(6))), None)
        if draft is None or draft.first_error is None:
            continue
        document = writing.write(draft, rng)
        at = document.first_error or 0
        examined = examine(document.question, texts(document))
        hit = bool(examined[at].findings)
        equation = any(
            shows(texts(document)[at], fragment.text) for fragment in document.steps[at] if slipped(fragment)
        )
        written, found, equations = written + 1, found + hit, equations + equation
        found_equations += hit and equation
        early += any(step.findings for step in examined[:at])
    print(f"planted wrong results: {found / written:.1%} of {written} found; {found_equations / equations:.1%} of the")
    print(f"  {equations} in an equation; findings before them: {early}, in right solutions: {alarms} of {right}")


def slipped(fragment: writing.Fragment) -> bool:
    """Whether it is a number that is not what belongs there."""
    return fragment.right is not None and fragment.right != fragment.text and fragment.text[:1].isdigit()


def texts(document: writing.Written) -> list[str]:
    """The steps of a document."""
    return ["".join(fragment.text for fragment in step) for step in document.steps]


def planted_transformations(count: int) -> None:
    """Print how many wrong transformations of equations are found."""
    rng = random.Random("planted transformations")
    for name, solve in (("linear", transformations.linear), ("quadratic", transformations.quadratic)):
        found = alarms = 0
        for _ in range(count):
            steps, at = solve(rng, slip=True)
            found += bool(at is not None and examine("Solve the equation.", steps)[at].findings)
            steps, _ = solve(rng, slip=False)
            alarms += any(step.findings for step in examine("Solve the equation.", steps))
        print(f"planted wrong transformations, {name}: {found / count:.1%} found; right ones with findings: {alarms}")


def beside_the_built_in(path: Path, count: int) -> None:
    """Print what the built-in model finds of problems that it never saw, alone and with the evidence."""
    testing = problems.split(problems.load(path))[2][:count]
    written = [(kind, each) for kind, each in evaluate.held_out(testing, 2) if kind in ("right", "result")]
    documents = [Document(each.question, tuple(map(Step, texts(each)))) for _, each in written]
    hits: Counter[tuple[str, str]] = Counter()
    totals = Counter(kind for kind, _ in written)
    with Checker("nano") as checker:
        for (kind, each), judged in zip(written, checker.judge(documents), strict=True):
            if not isinstance(judged, Judged):
                raise judged.error
            together = with_evidence(judged, decides=True)
            hits[kind, "alone"] += judged.verdict.first_error == each.first_error
            hits[kind, "together"] += together.verdict.first_error == each.first_error
    for name in ("alone", "together"):
        shares = {kind: hits[kind, name] / totals[kind] for kind in totals}
        print(f"built-in model {name}: right passed {shares['right']:.1%} of {totals['right']}, ", end="")
        print(f"wrong results found at their step {shares['result']:.1%} of {totals['result']}")


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gsm8k", type=Path, metavar="FILE", help="GSM8K's train.jsonl")
    parser.add_argument("--count", type=int, default=2000, help="planted slips of each kind")
    given.add_option(parser)
    options = parser.parse_args()
    planted_transformations(options.count)
    with tempfile.TemporaryDirectory() as folder:
        rows = options.gsm8k or write_rows(Path(folder) / "train.jsonl", 2000)
        print(f"problems: {options.gsm8k or 'our own'}")
        beside_the_built_in(rows, 300)
        planted_results(rows, options.count)
    processbench(given.find(options.data).folder)


if __name__ == "__main__":
    main()
