r"""Final answers of the seven tasks: equal, unequal or not to be told."""

import json
import re
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from stepcheck.answers import FinalAnswer, Grader, Outcome, extract
from stepcheck.answers.algebra import Algebra
from stepcheck.answers.reading import read
from stepcheck.answers.spellings import choice
from stepcheck.answers.text import squeezed, tidy
from stepcheck.answers.tree import exact
from stepcheck.answers.values import Amount


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One grader, whose process is gone after the module."""
    with Grader() as made:
        yield made


EQUAL = [
    # GSM8K
    ("18", "18"), ("18", "$18"), ("18", r"\$18.00"), ("1200", "1,200"), ("1200", "1,200 dollars"), ("5", "5.0"),
    # MATH
    (r"\frac{1}{2}", r"\dfrac12"), (r"\frac{1}{2}", "0.5"), ("1/2", r"\frac{1}{2}"), (r"1\frac{1}{10}", "1.1"),
    (r"10{,}000", "10000"), (r"\sqrt{3}", r"\sqrt3"), ("x^2+1", "x^{2} + 1"), (r"2\sqrt{2}", r"\sqrt{8}"),
    ("4a-2", "2(2a-1)"), (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}"), ("90^\\circ", "90"), (r"50\%", "50%"),
    (r"50\%", "0.5"), (r"\text{even}", "Even"), ("x=5", "5"), (r"y = 2x + 1", "2x+1"), ("A", r"\text{A}"),
    (r"\pi", "π"), ("7\\pi", r"7 \pi"), (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
    ("-3", "−3"), ("4:30 p.m.", r"4:30\text{ PM}"),
    # Minerva
    (r"1.6 \times 10^{-19}", "1.6e-19"), (r"4.5e33", r"4.5 \times 10^{33} \text{ erg/s}"), ("5", r"5 \text{ cm}"),
    (r"1.20 \cdot 10^{5}\ \mathrm{m/s}", "120000"), (r"10^{6}", "1000000"), (r"3.7 \mathrm{~km}", "3.7"),
    # GaoKao
    ("B", "(B)"), ("B", "B. 5 cm"), (r"(-\infty, 0]", r"\left(-\infty,0\right]"), (r"(-∞, 0]", r"(-\infty, 0]"),
    ("3", "３"), (r"[1,2)\cup(3,4]", r"[1, 2) \cup (3, 4]"),
    # OlympiadBench
    ("2, -3", "-3, 2"), ("2,-3", "2 and -3"), ("(1,2),(3,4)", "(3,4), (1,2)"), (r"\{1,2\}", r"\{2, 1\}"),
    (r"1 \pm \sqrt{2}", r"1+\sqrt{2}, 1-\sqrt{2}"), ("(1, 0.5)", r"(1, \frac{1}{2})"), ("x=1 or x=2", "1, 2"),
    (r"\frac{n(n+1)}{2}", r"\frac{n^2+n}{2}"),
    # College Math
    (r"\frac{x^3}{3}+C", r"\frac{1}{3}x^3 + C"), (r"e^{2x}", r"e^{2 x}"), (r"\ln 4", r"2 \ln 2"),
    (r"\binom{10}{3}", "C_{10}^3"), (r"\log_2 3", "log2(3)"), (r"\frac{\pi}{4}", "Pi/4"), ("40, 200", "40,200"),
    ("(0, 2), (0, -2)", r"(0, \pm 2)"), (r"(\pm 1, 3)", "(1,3), (-1,3)"), ("15", "= 15"), ("2.75", "2 and 3/4 cups"),
    ("5/2 hours", "2 and a half hours"), ("2, 3/4", "2 and 3/4"), ("II", "Ⅱ"),
    (r"2\frac{3}{4}", "2又3/4"), ("30元", "￥30"), ("20 km/h", "20千米/时"), ("x=2 或 x=3", "x_1=3, x_2=2"),
    ("18", "She has 18 more"), ("June 5", "5 June"), ("She saves 5 dollars", "He saves 5 dollars"),
    # MMLU-STEM
    ("C", "C) The mitochondria"), ("C", r"\textbf{(C)}"), ("D", "D"),
]  # fmt: skip
UNEQUAL = [
    ("18", "19"), ("420", "419.999844"), ("10000", "9999.857142857143"), ("10000", "9998.571428571429"),
    (r"\frac{1}{2}", r"\frac{1}{3}"), ("x+1", "x-1"), ("(1,2)", "(2,1)"), ("[0,1)", "(0,1]"), ("2, 3", "2"),
    ("2, 3", "2, 4"), ("B", "(C)"), (r"1.6 \times 10^{-19}", "1.6e-18"), ("5", "5x"), ("even", "odd"), ("4:30", "4:31"),
    ("x^{12}", "x^1 2"), (r"\binom{10}{3}", "C_{10}^4"), (r"\log_2 3", "log2(4)"),
    ("2.75", "2 and 4/3"), ("x=2 or x=3", "x_1=2, x_2=4"),
    ("June 5", "July 5"), ("May 3", "June 3"), ("5 more", "5 less"), ("10% more", "10% less"),
    ("5 km north", "5 km south"),
    ("a loss of 5", "a profit of 5"), ("rises by 5%", "falls by 5%"), ("亏损20元", "盈利20元"), ("增加5%", "减少5%"),
    ("3 days before", "3 days after"),
    ("0", "0.0001"), ("12", "1 2"), (r"\{1,2\}", r"\{1,2,3\}"), ("2a", "2b"), ("-5", "5"), ("1e5", "1e6"),
]  # fmt: skip
UNKNOWN = [
    ("5 m", "5 s"),
    ("B", "the mitochondria"),
    ("4:30 a.m.", "4:30"),
    ("2:1", "2"),
    (r"\{x \mid x \neq 0\}", "all real numbers except 0"),
    ("AB", "A or B"),
    ("1,234", "1, 234"),
    ("Room 12", "Table 12"),
    ("Team A wins by 5", "Team B wins by 5"),
    ("Tom by 5", "Ann by 5"),
    ("5 degrees below zero", "5 degrees"),
    ("x" * 200 + "+1", "1+" + "y" * 400),
]


@pytest.mark.parametrize(("gold", "given"), EQUAL)
def test_equal(gold: str, given: str, grader: Grader) -> None:
    """Answers that say the same in other words, both ways round; and each equals itself."""
    assert grader.compare(gold, given).equal is True
    assert grader.compare(gold, gold).equal is True
    assert grader.compare(given, given).equal is True


@pytest.mark.parametrize(("gold", "given"), UNEQUAL)
def test_unequal(gold: str, given: str, grader: Grader) -> None:
    """Answers that are near and yet others."""
    assert grader.compare(gold, given).equal is False


@pytest.mark.parametrize(("gold", "given"), UNKNOWN)
def test_could_not_tell(gold: str, given: str, grader: Grader) -> None:
    """Neither equal nor unequal: the outcome is its own, and says why."""
    outcome = grader.compare(gold, given)
    assert outcome.equal is None
    assert outcome.how


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.soak)])
def test_every_gold_answer_equals_itself(shared: Path, grader: Grader, every: int) -> None:
    """Boxed and extracted again, and in other clothes: references of GSM8K and of the example file."""
    rows = [json.loads(line) for line in read_lines(shared / "bon/math_cot_100.jsonl")]
    golds = [row[key] for row in rows for key in ("gt", "answer")]
    found = [extract(json.loads(line)["answer"]) for line in read_lines(shared / "gsm8k/train.jsonl")[::every]]
    golds += [answer.text if answer else None for answer in found]
    count = 0
    for gold in golds:
        assert gold is not None
        assert extract(f"So it is $\\boxed{{{gold}}}$.") == FinalAnswer(gold, "box")
    for gold in dict.fromkeys(filter(None, golds)):
        for dressed in clothes(gold):
            outcome = grader.compare(gold, dressed)
            assert outcome.equal is True, (gold, dressed, outcome)
            assert grader.compare(dressed, gold).equal is True, (dressed, gold)
            count += outcome.how != "exact"
    print(f"{len(golds)} gold answers equal themselves in {count} other clothes")


def clothes(gold: str) -> list[str]:
    """Other ways to write a reference: blanks, displays, growing brackets, texts, thousands with marks and without."""
    bracketed = re.sub(r"([(\[])(.*)([)\]])", r"\\left\1\2\\right\3", gold)
    ways = [
        f"$\\displaystyle \\, {gold} \\;$ .",
        gold.replace(r"\frac", r"\dfrac"),
        gold.replace(r"\frac", r"\tfrac "),
        bracketed,
    ]
    bare = gold.replace("{,}", "").replace(",", "").removeprefix("$")
    if re.fullmatch(r"-?\d+(\.\d+)?", bare):
        marked = f"{int(bare):,}" if bare.lstrip("-").isdigit() else bare
        ways += [rf"\text{{{gold}}}", bare, marked, marked.replace(",", "{,}"), marked.replace(",", r",\!")]
        ways += [
            marked.replace(",", r"\,"),
            marked.replace("-", "−"),
            f"**{bare}**",
            f"{bare} units",
            f"The answer is {bare}.",
        ]
    return ways


def read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("given", ["1010 BINARY", "1010 bınary", "BİNARY 1010"])
def test_a_base_is_known_in_whatever_letters_its_pattern_takes_it(given: str, grader: Grader) -> None:
    """Without regard to case the Turkish ı and İ are an i."""
    assert grader.compare("1010_2", given).equal


@pytest.mark.parametrize("given", ["C_{①0}^3", "half past ①", "a quarter to ③"])
def test_a_digit_in_a_circle_is_no_numeral(given: str, grader: Grader) -> None:
    """Python calls it a digit and reads no number in it."""
    assert not grader.compare("120", given).equal


def test_groups_are_numbered_by_their_first(grader: Grader) -> None:
    """0.5 and 1/2 are one answer; no answer is in no group."""
    assert grader.group(["1/2", "2", None, "0.5", "2.0"]) == [0, 1, None, 0, 1]


def test_cheap_comparisons_start_no_process() -> None:
    """Only the last resort needs SymPy."""
    algebra = Algebra(("false",))
    with Grader(algebra) as grader:
        assert grader.compare("1/2", "0.5").how == "numeric"
        assert grader.compare("(1, 2)", "(1,2)").how == "normalised"
        assert algebra._child is None


def test_without_math_verify_the_rest_works() -> None:
    """Where it is not installed, what its reader alone knows could not be told; numbers and expressions go on."""
    missing = "import runpy, sys; sys.modules['math_verify'] = None; "
    start = missing + "runpy.run_module('stepcheck.answers.prover', run_name='__main__')"
    with Grader(Algebra((sys.executable, "-P", "-c", start))) as grader:
        assert grader.compare("55", r"\sum_{k=1}^{10} k").equal is None
        assert grader.compare("(x-1)(x+1)", "x^2-1").equal is True
        assert grader.compare(r"\sqrt{2}", r"\sqrt{3}").equal is False
        assert grader.compare("2x-y=1", "y=2x-1").equal is True


def test_the_word_of_math_verify_is_checked(grader: Grader) -> None:
    """What only its reader knows is equal if it is so to many digits: tiny sums differ, though it calls them equal."""
    assert grader.compare("55", r"\sum_{k=1}^{10} k") == Outcome(equal=True, how="math-verify")
    assert grader.compare(r"\sum_{k=1}^{3} \frac{1}{30!}", r"\sum_{k=1}^{3} \frac{1}{31!}").equal is False


def test_numbers_are_exact() -> None:
    """No floating point: 0.1 is one tenth; a mixed number is a sum; a power of ten is not a product of digits."""
    values = {
        "0.1": Fraction(1, 10),
        r"-1\frac{1}{2}": Fraction(-3, 2),
        "1e3": 1000,
        r"2 \times 10^{2}": 200,
        r"0.3\overline{18}": Fraction(7, 22),
        "3/0": None,
    }
    for text, value in values.items():
        assert number(text) == value
    assert number("1e999999999") is None
    assert number("9" * 1400) is None
    assert number("x") is None


def number(text: str) -> Fraction | None:
    """The rational number that an answer is first of all."""
    first = next(iter(read(text)), None)
    return exact(first.tree) if isinstance(first, Amount) else None


def test_forms() -> None:
    """What is compared letter by letter, and what is a choice."""
    assert squeezed(tidy(r"$\left( \dfrac{1}{2},\; 3 \right)$")) == r"(\frac{1}{2},3)"
    named = choice("B. 5 cm")
    assert named is not None
    assert named.letters == {"B"}
    assert named.content == "5 cm"
    assert choice("Both") is None
