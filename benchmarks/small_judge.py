"""How good is stepcheck-0.5B on solutions that it was not trained on, is it PyTorch's judge, and how fast is it?

    python benchmarks/small_judge.py [--official FILE] [--policy FOLDER] [--problems 100] [--parts held best speed]
    python benchmarks/small_judge.py [--official FILE] --parity [100]

`--official` is the file that its card pins; default: the one that was pulled. `--policy` holds the samples that
models/training/sample.py writes (`*.jsonl` or `*.jsonl.gz`, a row a solution: `problem` is the row of GSM8K's training
file), of which only those with `held` are read; `gsm8k/train.jsonl` and `bon/math_cot_100.jsonl` lie beside it.

held: first errors named, right solutions passed and step AUC, by author. best: Best-of-8 against the majority and any
right one of the eight; a sample that was cut off or holds code gets no reward and is chosen last. speed: the same texts
with the adapter and without one, in turn, with one thread and with the usual ones; CPU time of several threads counts
their waiting for each other at every operation, which is what an adapter costs on a busy machine. Then, where PyTorch
is installed, the judge beside transformers in bfloat16, the LoRA as products of their own and merged: each in a process
of its own, solution by solution in turn, one at a time; what they load is ready before.

`--parity` compares rewards: ours, through llama.cpp with the files as they are shipped, and PyTorch's in float32 on the
same weights, dequantized, with the same LoRA and head. So many held-out solutions, of every author as many.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil

from benchmarks.given.reference import OURS, Torch, compare, with_torch
from benchmarks.given.side import Answer, Request, Side
from benchmarks.given.solutions import Data, Sample, spread
from stepcheck.bench import statistics
from stepcheck.bench.metrics import RIGHT, Score, Scored, score
from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions
from stepcheck.engine.cores import usable_cores
from stepcheck.errors import StepcheckError
from stepcheck.hub.disk.store import find, find_card, shipped
from stepcheck.hub.library import import_model
from stepcheck.judge import Judged
from stepcheck.prm.card import ModelCard
from stepcheck.prm.verdict import AGGREGATES, aggregate

NAME = "stepcheck-0.5B"
TYPICAL = 950
"""Characters of a problem and a solution of about 300 tokens, prompt and all."""
MEAN_AIM, SAME_AIM = 0.01, 0.97
"""What parity aims at: the mean difference of a reward at most, the share with the same first error at least."""
PARTS = ("held", "best", "speed")


def main() -> None:
    """Take the files in, measure, print the tables."""
    arguments = options()
    official = arguments.official or pulled()
    if official is None or not arguments.policy.is_dir():
        print(f"left out: needs {NAME} (stepcheck models pull {NAME}, or --official) and the solutions of --policy")
        return
    card = find_card(NAME, None).card
    if card is None:
        sys.exit(f"the card of {NAME} cannot be read")
    print(f"{official.name}; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as place:
        models = Models(card, official, arguments.adapter, Path(place))
        data = Data(arguments.policy)
        if "speed" in arguments.parts:
            measure_speed(models, data, [arguments.threads] if arguments.threads else [1, None])
        with Checker(models.path("ours"), options=EngineOptions(n_threads=arguments.threads)) as judge:
            if "held" in arguments.parts:
                measure_held(judge, data, arguments.cases)
            if "best" in arguments.parts:
                measure_best(judge, data, arguments.problems)
            if arguments.parity:
                given = spread(data.by_author(), arguments.parity)
                measure_parity(judge, models.torch, given, arguments.threads or usable_cores())


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path)
    parser.add_argument("--adapter", type=Path, help="another LoRA than the shipped one")
    parser.add_argument("--policy", type=Path, default=Path("../shared/data/policy"))
    parser.add_argument("--problems", type=int, default=100, help="held-out problems of Best-of-8")
    parser.add_argument("--cases", type=int, help="at most so many held-out cases of each kind and author")
    parser.add_argument("--threads", type=int, help="default: all cores, and for speed one and all")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="default: all, or with --parity none")
    parser.add_argument("--parity", type=int, nargs="?", const=100, default=0, help="compare so many solutions")
    arguments = parser.parse_args()
    if arguments.parts is None:
        arguments.parts = () if arguments.parity else PARTS
    if arguments.parity and not with_torch():
        parser.error("--parity needs torch and transformers: pip install --group test")
    return arguments


def pulled() -> Path | None:
    """Return the official file of this machine's models."""
    try:
        return find(NAME).backbone
    except StepcheckError:
        return None


class Models:
    """The official file in a models folder, with the adapter and without one; and what PyTorch makes of it."""

    def __init__(self, card: ModelCard, official: Path, adapter: Path | None, folder: Path) -> None:
        files, self._folder = shipped(card), folder
        for name, lora in (("ours", adapter or files["adapter"]), ("bare", None)):
            import_model(official, files["head"], card, folder, adapter=lora, name=name)

    def path(self, name: str) -> Path:
        """The card of one of them."""
        return self._folder / f"{name}.toml"

    @cached_property
    def torch(self) -> Torch:
        """The judge in PyTorch."""
        return Torch(find(str(self.path("ours"))), self._folder / "torch")


def judge_all(judge: Checker, documents: Sequence[Document], name: str) -> list[Judged | None]:
    """Judge documents, saying how far it is; None for one that cannot be scored."""
    found: list[Judged | None] = []
    start = time.perf_counter()
    for result in judge.check_many(documents):
        found.append(result if isinstance(result, Judged) else None)
        if len(found) % 100 == 0:
            print(f"  {name}: {len(found)} of {len(documents)}, {time.perf_counter() - start:.0f} s", flush=True)
    return found


def measure_parity(judge: Checker, reference: Torch, given: Sequence[tuple[str, Document]], threads: int) -> None:
    """Print how far our rewards are from PyTorch's in float32, by author and together, and what is aimed at."""
    import torch

    results = judge_all(judge, [document for _, document in given], "ours")
    torch.set_num_threads(threads)
    read: list[tuple[str, Sequence[float], Sequence[float]]] = []
    for (author, document), result in zip(given, results, strict=True):
        if result:
            read.append((author, result.rewards, reference.rewards(document)))
            if len(read) % 20 == 0:
                print(f"  PyTorch: {len(read)} of {len(given)}", flush=True)
    if not read:
        sys.exit("there is nothing to compare: no held-out solution was found, or none could be scored")
    print(f"\nagainst PyTorch in float32, threshold {judge.threshold:g}; {results.count(None)} could not be scored")
    print(f"{'author':20}{'solutions':>10}{'steps':>7}{'mean':>9}{'95 %':>9}{'largest':>9}{'same first error':>18}")
    for author in (*dict.fromkeys(name for name, *_ in read), "together"):
        rows = [(ours, theirs) for name, ours, theirs in read if author in (name, "together")]
        apart = compare([ours for ours, _ in rows], [theirs for _, theirs in rows], judge.threshold)
        print(
            f"{author:20}{len(rows):10}{len(apart.steps):7}{apart.steps.mean():9.4f}"
            f"{np.quantile(apart.steps, 0.95):9.4f}{apart.steps.max():9.4f}{100 * np.mean(apart.same):16.1f} %"
        )
    print(f"{'aimed at, together':20}{f'at most {MEAN_AIM:g}':>26}{f'at least {100 * SAME_AIM:g} %':>36}", flush=True)


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
        if with_torch():
            beside_transformers(models.torch, data.of_each_problem(len(documents)), threads)
        else:
            print("transformers: not measured, for torch and transformers are not installed (pip install --group test)")


def beside_transformers(judge: Torch, documents: Sequence[Document], threads: int | None, rounds: int = 5) -> None:
    """Let every side read the same documents one by one, in turn, and print how fast each is."""
    turns: dict[str, list[list[Answer]]] = {name: [] for name in judge.sides}
    with ExitStack() as stack:
        sides = {name: stack.enter_context(Side(*how, threads=threads)) for name, how in judge.sides.items()}
        for turn in range(rounds + 1):
            found: dict[str, list[Answer]] = {name: [] for name in sides}
            for document in documents:
                fresh = Document(f"{turn}. {document.problem}", document.steps)
                laid = judge.lay_out(fresh)
                request = Request(fresh.problem, [step.text for step in fresh.steps], laid.ids, laid.marks)
                for name, side in sides.items():
                    found[name].append(side.ask(request))
            for name, answers in found.items():
                turns[name] += [answers] if turn else []  # the first one warms up
    report_sides(turns)


def report_sides(turns: dict[str, list[list[Answer]]]) -> None:
    """Print the table: medians of the rounds, `stepcheck is` so many times as fast as a side, the most memory of all.

    Every token of a solution counts, whether it was computed or shared with another solution; in brackets, only those
    that a side computed.
    """
    tokens, computed = (sum(getattr(each.read, key) for each in turns[OURS][-1]) for key in ("tokens", "computed"))
    for name, its in turns.items():
        if any(sum(each.read.tokens for each in answers) != tokens for answers in its):
            sys.exit(f"{name} read other tokens than {OURS}, which read {tokens}: they cannot be compared")
    print(
        f"beside transformers in bfloat16, {len(turns[OURS][-1])} solutions of {tokens} tokens, one by one; of these"
        f" {OURS} computed {computed}, for they begin alike"
    )
    print(f"{'':13}{'tokens/s':>10}{'a CPU second':>14}{f'{OURS} is':>18}{'MB':>8}{'at most':>9}{'reward apart':>14}")
    ours = [sum(each.seconds for each in answers) for answers in turns[OURS]]
    for name, its in turns.items():
        seconds = [sum(each.seconds for each in answers) for answers in its]
        cpu = float(np.median([sum(each.cpu for each in answers) for answers in its]))
        ratio = np.median([theirs / mine for theirs, mine in zip(seconds, ours, strict=True)])
        own = ratio * computed / sum(each.read.computed for each in its[-1])
        memory, most = (max(getattr(each, key) for answers in its for each in answers) for key in ("memory", "most"))
        apart = compare([each.read.rewards for each in turns[OURS][-1]], [each.read.rewards for each in its[-1]], 0.5)
        rate = tokens / float(np.median(seconds))
        print(
            f"{name:13}{rate:10.0f}{tokens / cpu:14.0f}{f'{ratio:.2f} x ({own:.2f} x)':>18}"
            f"{memory / 1e6:8.0f}{most / 1e6:9.0f}{apart.steps.mean():14.4f}",
            flush=True,
        )


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
