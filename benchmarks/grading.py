r"""Which final answers count as equal, and which rule is wrong how often: ours, math-verify alone, and Qwen2.5-Math's.

    python benchmarks/grading.py [--show]

The pairs are of our own writing (grading_pairs.tsv): a reference, an answer, and whether a person calls them equal.
Counted apart: "equal" where it is not (a figure too good), "unequal" where it is equal (a figure too bad), and what a
rule could not tell. `--show` lists them. A limit of 3 s a pair stands for "could not tell".

Qwen2.5-Math's rule (its evaluation/grader.py and parser.py, told here in our own words): strings are brought to one
form (blanks, \left, \right, text and units dropped, \dfrac to \frac, a/b to \frac{a}{b}, .5 to 0.5, "x =" dropped);
then equal texts are equal, choices are compared by their letter, numbers by math.isclose at 1e-4 relative, against
the reference, its hundredth and its hundredfold; tuples and intervals in brackets part by part, matrices entry by
entry; one equation on both sides by the difference of their sides; else SymPy reads both and simplifies the
difference.
"""

import argparse
import csv
import math
import multiprocessing
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from stepcheck.answers import Grader

PAIRS = Path(__file__).with_name("grading_pairs.tsv")
SECONDS = 3.0
RELATIVE = 1e-4


@dataclass(frozen=True, slots=True)
class Pair:
    """A reference and an answer, and whether they are equal."""

    kind: str
    equal: bool
    gold: str
    given: str


Rule = Callable[[str, str], bool | None]


def read_pairs(path: Path = PAIRS) -> list[Pair]:
    """Read the pairs: kind, `equal` or `unequal`, reference, answer; tabs between them."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [Pair(kind, are == "equal", gold, given) for kind, are, gold, given in rows]


# ---- math-verify alone


def by_math_verify(gold: str, given: str) -> bool | None:
    """As its own documentation says: parse both, the reference first, then verify."""
    from math_verify import parse, verify

    ours, theirs = (parse(f"${text}$", parsing_timeout=None) for text in (gold, given))
    return bool(verify(ours, theirs, timeout_seconds=None)) if ours and theirs else None


# ---- Qwen2.5-Math's rule, in our own words

_UNITS = (
    r"(?:degrees?|cm|mm|km|m|inch(?:es)?|in|ft|feet|mph|kmph|miles?|hours?|minutes?|seconds?|sec|kg|g|dollars?|cents?|"
    r"units?|square|cubic|points?)"
)


def plain(text: str) -> str:
    r"""Bring an answer to one form: without looks, units, `x =`; fractions as \frac{a}{b}."""
    text = text.strip().rstrip(".").replace(r"\!", "").replace("{,}", ",").replace("−", "-")
    text = re.sub(r"\\(?:left|right|,|;|:|quad)(?![a-zA-Z])|\\ ", "", text)
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    text = re.sub(r"\^\s*\{?\\circ\}?|\\[$%]|[$%°]", "", text)
    text = re.sub(r"\\(?:text|mathrm|mbox)\{([^{}]*)\}", r"\1", text)
    text = re.sub(rf"(?<=[\d}}\s]){_UNITS}(?:\^\{{?\d\}}?)?\s*$", "", text.strip())
    text = re.sub(r"^[a-zA-Z]\s*=\s*", "", text)
    text = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"^(-?\d+)/(-?\d+)$", r"\\frac{\1}{\2}", text.replace(" ", ""))
    text = re.sub(r"\\sqrt(\w)", r"\\sqrt{\1}", text)
    return re.sub(r"(?<!\d)\.(?=\d)", "0.", text)


def as_number(text: str) -> float | None:
    """A number without its thousands' commas, percent taken away."""
    with suppress(ValueError):
        return float(text.replace(",", ""))
    return None


def by_qwen(gold: str, given: str) -> bool | None:
    """Text, choice, number, brackets, matrix, equation, SymPy: the first that applies."""
    ours, theirs = plain(gold), plain(given)
    if ours.lower() == theirs.lower():
        return True
    if ours in set("ABCDE"):
        letters = re.findall(r"\b([A-E])\b", given)
        return bool(letters) and letters[-1] == ours
    reference, answer = as_number(ours), as_number(theirs)
    if reference is not None and answer is not None:
        return any(
            math.isclose(value, answer, rel_tol=RELATIVE) for value in (reference / 100, reference, reference * 100)
        )
    found = in_parts(ours, theirs)
    if found is not None:
        return found
    if ours.count("=") == theirs.count("=") == 1:
        left, right = (re.sub(r"^(.*)=(.*)$", r"(\1)-(\2)", text) for text in (ours, theirs))
        return simplifies(left, right) or simplifies(left, f"-({right})")
    return simplifies(ours, theirs)


def in_parts(ours: str, theirs: str) -> bool | None:
    """Compare brackets part by part, matrices entry by entry; None where these are none."""
    pairs = (r"[(\[](.+)[)\]]", ","), (r"\\begin\{[pb]matrix\}(.+)\\end\{[pb]matrix\}", r"\\\\|&")
    for pattern, mark in pairs:
        found = [re.fullmatch(pattern, text, re.DOTALL) for text in (ours, theirs)]
        if found[0] and found[1]:
            items = [re.split(mark, match[1]) for match in found if match]
            same_length = len(items[0]) == len(items[1])
            return same_length and all(by_qwen(a, b) for a, b in zip(*items, strict=True))
    return None


def simplifies(ours: str, theirs: str) -> bool:
    """Read both by SymPy's LaTeX reader (math-verify's, which runs nothing) and simplify the difference."""
    import sympy
    from math_verify import LatexExtractionConfig, parse

    with suppress(Exception):  # whatever SymPy raises, they are not equal by this rule
        read = [
            parse(f"${text}$", [LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=None)
            for text in (ours, theirs)
        ]
        left, right = read[0][0], read[1][0]
        if left == right or sympy.simplify(left - right) == 0:
            return True
        return math.isclose(float(sympy.N(left)), float(sympy.N(right)), rel_tol=RELATIVE)
    return False


# ---- counting


def limited(rule: Rule, pairs: list[Pair]) -> Iterator[bool | None]:
    """Ask a rule in a process that is replaced where a pair takes too long."""
    at = 0
    while at < len(pairs):
        ours, theirs = multiprocessing.Pipe()
        worker = multiprocessing.Process(target=work, args=(rule, pairs[at:], theirs), daemon=True)
        worker.start()
        first = True
        while at < len(pairs):
            if not ours.poll(SECONDS + 60 * first):
                yield None
                at += 1
                break
            yield ours.recv()
            at, first = at + 1, False
        worker.kill()
        worker.join()


def work(rule: Rule, pairs: list[Pair], out: Connection) -> None:
    """Answer pair by pair."""
    import logging

    logging.disable(logging.CRITICAL)
    for pair in pairs:
        try:
            out.send(rule(pair.gold, pair.given))
        except Exception:  # noqa: BLE001 (a rule that fails could not tell)
            out.send(None)


def by_ours(pairs: list[Pair]) -> Iterator[bool | None]:
    """Ask our grader, which needs no limit."""
    with Grader() as grader:
        for pair in pairs:
            yield grader.compare(pair.gold, pair.given).equal


def report(name: str, pairs: list[Pair], found: list[bool | None], seconds: float, *, show: bool) -> None:
    """Print a rule's line, and its errors if asked to."""
    false_equal = [pair for pair, said in zip(pairs, found, strict=True) if said and not pair.equal]
    false_unequal = [pair for pair, said in zip(pairs, found, strict=True) if said is False and pair.equal]
    untold = [pair for pair, said in zip(pairs, found, strict=True) if said is None]
    equal = sum(pair.equal for pair in pairs)
    agreed = len(pairs) - len(false_equal) - len(false_unequal) - len(untold)
    print(
        f"{name:24} {agreed:4} of {len(pairs)} {100 * agreed / len(pairs):6.1f} %"
        f" {len(false_equal):6} of {len(pairs) - equal:3} {len(false_unequal):7} of {equal:3}"
        f" {len(untold):9} {1000 * seconds / len(pairs):8.1f}"
    )
    if show:
        for title, some in (
            ("equal, they are not", false_equal),
            ("unequal, they are equal", false_unequal),
            ("could not tell", untold),
        ):
            for pair in some:
                print(f"    {title}: {pair.gold}  |  {pair.given}  ({pair.kind})")


def main() -> None:
    """Read the pairs, ask the rules, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--show", action="store_true", help="list what each rule gets wrong")
    show = parser.parse_args().show
    pairs = read_pairs()
    print(f"{len(pairs)} pairs of {len({pair.kind for pair in pairs})} kinds")
    print(
        f"{'rule':24} {'agrees':>11} {'':8} {'false equal':>13} {'false unequal':>14} {'not told':>9} {'ms a pair':>9}"
    )
    rules: dict[str, Callable[[list[Pair]], Iterator[bool | None]]] = {
        "stepcheck": by_ours,
        "math-verify alone": lambda some: limited(by_math_verify, some),
        "Qwen2.5-Math's rule": lambda some: limited(by_qwen, some),
    }
    for name, rule in rules.items():
        start = time.perf_counter()
        found = list(rule(pairs))
        report(name, pairs, found, time.perf_counter() - start, show=show)


if __name__ == "__main__":
    main()
