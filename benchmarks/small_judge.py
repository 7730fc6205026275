"""How good is stepcheck-0.5B on solutions that it was not trained on, and what does its adapter cost?

    python benchmarks/small_judge.py --official FILE [--policy FOLDER] [--problems 100] [--parts held best speed]

`--official` is the file that its card pins. `--policy` holds the samples that models/training/sample.py writes
(`*.jsonl` or `*.jsonl.gz`, a row a solution: `problem` is the row of GSM8K's training file), of which only those with
`held` are read; `gsm8k/train.jsonl` and `bon/math_cot_100.jsonl` lie beside that folder.

held: first errors named, right solutions passed and step AUC, by author. best: Best-of-8 against the majority and any
right one of the eight; a sample that was cut off or holds code gets no reward and is chosen last. speed: the same texts
with the adapter and without one, in turn, with one thread and with the usual ones; CPU time of several threads counts
their waiting for each other at every operation, which is what an adapter costs on a busy machine.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from models.training.lines import read_lines
from models.training.problems import CODE, read_problems
from stepcheck.bench import statistics
from stepcheck.bench.metrics import RIGHT, Score, Scored, score
from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions
from stepcheck.hub.disk.store import find_card, shipped
from stepcheck.hub.library import import_model
from stepcheck.judge import Judged
from stepcheck.prm.card import ModelCard
from stepcheck.prm.verdict import AGGREGATES, aggregate

NAME = "stepcheck-0.5B"
PEOPLE, MATH = 100, 100
TYPICAL = 950
"""Characters of a problem and a solution of about 300 tokens, prompt and all."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A solution that the policy wrote; `label` is None where nobody looked for its first error."""

    problem: int
    document: Document
    answer: float | None
    right: bool
    whole: bool
    label: int | None


def main() -> None:
    """Take the files in, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, help="another LoRA than the shipped one")
    parser.add_argument("--policy", type=Path, default=Path("../shared/data/policy"))
    parser.add_argument("--problems", type=int, default=100, help="held-out problems of Best-of-8")
    parser.add_argument("--cases", type=int, help="at most so many held-out cases of each kind and author")
    parser.add_argument("--threads", type=int, help="of held and best; default: all cores")
    parser.add_argument("--parts", nargs="+", default=["held", "best", "speed"], choices=["held", "best", "speed"])
    arguments = parser.parse_args()
    card = find_card(NAME, None).card
    if card is None:
        sys.exit(f"the card of {NAME} cannot be read")
    print(f"{arguments.official.name}; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as place:
        models = Models(card, arguments.official, arguments.adapter, Path(place))
        data = Data(arguments.policy)
        if "speed" in arguments.parts:
            measure_speed(models, data, [arguments.threads] if arguments.threads else [1, None])
        with Checker(models.path("ours"), options=EngineOptions(n_threads=arguments.threads)) as judge:
            if "held" in arguments.parts:
                measure_held(judge, data, arguments.cases)
            if "best" in arguments.parts:
                measure_best(judge, data, arguments.problems)


class Models:
    """The official file in a models folder, with the adapter and without one."""

    def __init__(self, card: ModelCard, official: Path, adapter: Path | None, folder: Path) -> None:
        files, self._folder = shipped(card), folder
        for name, lora in (("ours", adapter or files["adapter"]), ("bare", None)):
            import_model(official, files["head"], card, folder, adapter=lora, name=name)

    def path(self, name: str) -> Path:
        """The card of one of them."""
        return self._folder / f"{name}.toml"


class Data:
    """Held-out solutions by three authors."""

    def __init__(self, policy: Path) -> None:
        data = policy.parent
        self.problems = read_problems(data / "gsm8k" / "train.jsonl")
        rows = [row for path in sorted(policy.glob("*.jsonl*")) for _, row in read_lines(path)]
        self.samples = [self._sample(row) for row in rows if row.get("held")]
        self._bon = data / "bon" / "math_cot_100.jsonl"

    def _sample(self, row: dict[str, Any]) -> Sample:
        texts = row.get("steps") or [part for part in row["solution"].split("\n\n") if part.strip()]
        document = Document(self.problems[row["problem"]].text, tuple(Step(text.strip()) for text in texts))
        label = row.get("label") if row["right"] or row.get("sure", 0) >= 0.5 else None
        whole = bool(row["ended"]) and not CODE.search(row["solution"]) and bool(texts)
        return Sample(row["problem"], document, row["answer"], bool(row["right"]), whole, label)

    def labelled(self) -> list[tuple[Document, int]]:
        """As many right samples as there are wrong ones whose first error is known, at most two a problem."""
        wrong = [each for each in self.samples if each.label is not None and each.label != RIGHT]
        seen: Counter[int] = Counter()
        right: list[Sample] = []
        for each in random.Random(0).sample(self.samples, len(self.samples)):
            if each.right and each.whole and len(each.document.steps) > 1 and seen[each.problem] < 2:
                seen[each.problem] += 1
                right.append(each)
        return [(e.document, e.label) for e in wrong if e.label is not None] + [
            (each.document, RIGHT) for each in right[: len(wrong)]
        ]

    def people(self) -> list[tuple[Document, int]]:
        """The solutions of GSM8K's authors, a line a step, without their calculator's notes."""
        numbers = list(dict.fromkeys(each.problem for each in self.samples))[:PEOPLE]
        given = [self.problems[number] for number in numbers]
        return [(Document(each.text, tuple(map(Step, each.work))), RIGHT) for each in given]

    def math(self) -> list[tuple[Document, int]]:
        """The first right solution of every problem of MATH, by Qwen2.5-Math."""
        found = []
        for _, row in read_lines(self._bon):
            right = next((text for text, good in zip(row["code"], row["score"], strict=True) if good), None)
            if right is not None:
                steps = tuple(Step(part.strip()) for part in right.split("\n\n") if part.strip())
                found.append((Document(row["question"], steps), RIGHT))
        return found[:MATH]


def judge_all(judge: Checker, documents: Sequence[Document], name: str) -> list[Judged | None]:
    """Judge documents, saying how far it is; None for one that cannot be scored."""
    found: list[Judged | None] = []
    start = time.perf_counter()
    for result in judge.check_many(documents):
        found.append(result if isinstance(result, Judged) else None)
        if len(found) % 100 == 0:
            print(f"  {name}: {len(found)} of {len(documents)}, {time.perf_counter() - start:.0f} s", flush=True)
    return found


def measure_held(judge: Checker, data: Data, most: int | None) -> None:
    """Print what is named and passed, by author."""
    print(f"\nheld out, threshold {judge.threshold:g}")
    print(f"{'author':14}{'wrong named':>16}{'right passed':>16}{'F1':>24}{'step AUC':>10}{'unscored':>10}")
    for author, given in (("own policy", data.labelled()), ("people", data.people()), ("Qwen2.5-Math", data.math())):
        wrong, right = ([case for case in given if (case[1] == RIGHT) is kind][:most] for kind in (False, True))
        cut = [*wrong, *right]
        results = judge_all(judge, [document for document, _ in cut], author)
        cases = [Scored(label, r.rewards) for (_, label), r in zip(cut, results, strict=True) if r]
        found = score(cases, judge.threshold)
        area = statistics.auc(*statistics.judged_steps(cases))
        print(
            f"{author:14}{_share(found.error_hits, found.error_cases):>16}"
            f"{_share(found.correct_hits, found.correct_cases):>16}{_f1(found):>24}"
            f"{'' if area is None else format(area, '.3f'):>10}{results.count(None):>10}",
            flush=True,
        )


def _share(hits: int, cases: int) -> str:
    return f"{100 * hits / cases:.1f} % of {cases}" if cases else "none"


def _f1(found: Score) -> str:
    return "" if found.f1 is None else f"{found.f1:.1f} {_range(statistics.f1_interval(found))}"


def measure_best(judge: Checker, data: Data, problems: int) -> None:
    """Print Best-of-8 on the first so many held-out problems that have eight samples."""
    groups: dict[int, list[Sample]] = {}
    for each in data.samples:
        groups.setdefault(each.problem, []).append(each)
    chosen = [group for _, group in sorted(groups.items()) if len(group) == 8][:problems]
    flat = [each for group in chosen for each in group if each.whole]
    start = time.perf_counter()
    results = judge_all(judge, [each.document for each in flat], "best of 8")
    scores = {id(each): aggregate(r.rewards) for each, r in zip(flat, results, strict=True) if r}
    print(f"\nBest of 8, {len(chosen)} problems, {len(flat)} of {8 * len(chosen)} samples read: ", end="")
    print(f"{len(scores)} scored in {time.perf_counter() - start:.0f} s")
    figures = {
        "one sample": [float(np.mean([each.right for each in group])) for group in chosen],
        "majority": [float(_majority(group)) for group in chosen],
        "any of the eight": [float(any(each.right for each in group)) for group in chosen],
    }
    for name in AGGREGATES:
        joined = {each: getattr(found, name) for each, found in scores.items()}
        figures[f"by {name}"] = [float(_best(group, joined)) for group in chosen]
    for name, values in figures.items():
        gains = [100 * (a - b) for a, b in zip(values, figures["majority"], strict=True)]
        print(
            f"{name:18}{100 * np.mean(values):6.1f} % {_range(statistics.mean_interval([100 * v for v in values]))},"
            f" over the majority {np.mean(gains):+.1f} {_range(statistics.mean_interval(gains))}",
            flush=True,
        )


def _range(interval: statistics.Interval | None) -> str:
    return "" if interval is None else f"({interval[0]:.1f} to {interval[1]:.1f})"


def _majority(group: Sequence[Sample]) -> bool:
    votes = Counter(each.answer for each in group if each.answer is not None)
    if not votes:
        return False
    answer = votes.most_common(1)[0][0]
    return any(each.right for each in group if each.answer == answer)


def _best(group: Sequence[Sample], scores: dict[int, float]) -> bool:
    return group[int(np.argmax([scores.get(id(each), -1.0) for each in group]))].right


def measure_speed(models: Models, data: Data, ways: Sequence[int | None], rounds: int = 7) -> None:
    """Print what the adapter costs, in turns; then one solution of about 300 tokens, and an edit of its last step."""
    documents = [each.document for each in data.samples if each.whole][:6]
    names = ("bare", "ours")
    for threads in ways:
        judges = {name: Checker(models.path(name), options=EngineOptions(n_threads=threads)) for name in names}
        times: dict[str, list[tuple[float, float, int]]] = {name: [] for name in names}
        try:
            for turn in range(rounds + 1):
                for name, judge in judges.items():
                    fresh = [Document(f"{turn}. {each.problem}", each.steps) for each in documents]
                    found = _timed(judge, fresh)
                    times[name] += [found] if turn else []  # the first one loads
            print(f"\n{f'threads: {threads}' if threads else 'the usual threads'}, load {os.getloadavg()[0]:.1f}")
            for name, values in times.items():
                wall, cpu, tokens = (float(np.median([value[i] for value in values])) for i in range(3))
                least = min(value[1] for value in values)
                print(
                    f"{name:6}{tokens / wall:7.0f} tokens/s{tokens / cpu:7.0f} a CPU second, at best"
                    f" {tokens / least:.0f}"
                )
            ratios = [ours[1] / bare[1] for ours, bare in zip(times["ours"], times["bare"], strict=True)]
            walls = [ours[0] / bare[0] for ours, bare in zip(times["ours"], times["bare"], strict=True)]
            print(
                f"the adapter takes {np.median(ratios):.3f} times the CPU time, {np.median(walls):.3f} times the time"
            )
            typical = [x.document for x in data.samples if x.whole and len(x.document.steps) >= 4]
            _typing(judges["ours"], min(typical, key=lambda each: abs(_length(each) - TYPICAL)))
        finally:
            for judge in judges.values():
                judge.close()


def _timed(judge: Checker, documents: Sequence[Document]) -> tuple[float, float, int]:
    """Seconds, seconds of CPU in this process and the engine's, and tokens decoded."""
    before, start = _cpu(), time.perf_counter()
    results = [result for result in judge.check_many(documents) if isinstance(result, Judged)]
    return time.perf_counter() - start, _cpu() - before, sum(result.cost.decoded for result in results)


def _cpu() -> float:
    own = psutil.Process()
    return sum(each.user + each.system for process in (own, *own.children()) for each in [process.cpu_times()])


def _length(document: Document) -> int:
    return len(document.problem) + sum(len(step.text) for step in document.steps)


def _typing(judge: Checker, base: Document) -> None:
    """Time a solution, prompt and all, and an edit of its last step; the best of five, by the clock and of CPU."""
    whole, edits, counts = [], [], (0, 0)
    for turn in range(5):
        fresh = Document(f"{turn}. {base.problem}", base.steps)
        changed = Document(fresh.problem, (*base.steps[:-1], Step("So " + base.steps[-1].text)))
        whole.append(_timed(judge, [fresh]))
        edits.append(_timed(judge, [changed]))
        counts = whole[-1][2], edits[-1][2]
    for words, times, count in (("a solution", whole, counts[0]), ("an edit of its last step", edits, counts[1])):
        wall, cpu = min(each[0] for each in times), min(each[1] for each in times)
        print(f"{words}, {count} tokens read: {wall:.2f} s, {cpu:.2f} s of CPU (best of 5)")


if __name__ == "__main__":
    main()
