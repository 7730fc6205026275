"""Dollars: money is no formula, in any language, beside any formula; formulas stay formulas."""

import time

import pytest

from stepcheck.latex import show
from stepcheck.steps.maths import formulas, mask

FORMULAS: list[tuple[str, list[str]]] = [
    ("He pays $3x$ dollars, i.e. $3 each for $x$ items.", ["$3x$", "$x$"]),
    ("Revenue rose from $50M to $72M. In US$ that is more than in R$.", []),
    ("From $1.2bn in 2019 to $3.4bn; so $a=b$.", ["$a=b$"]),
    ("It is $5 million$ and $x$ more.", ["$x$"]),
    ("Each costs $.50 and $n$ are bought.", ["$n$"]),
    ("She has $200-$150 = $50, and $y$ is left.", ["$y$"]),
    ("A pen ($5) and $x$ books ($x$).", ["$x$", "$x$"]),
    ("($5) plus ($x$)", ["$x$"]),
    ("Between $5-$x$ dollars", ["$x$"]),
    ("**$5** and **$x$**", ["$x$"]),
    ('"$5" and "$x$"', ["$x$"]),
    ("US$5 and A$7 for $x+5$", ["$x+5$"]),
    ("He pays 2*$6=$<<2*6=12>>12 for $k$ of them", ["$k$"]),
    ("So $28*3=$<<28*3=84>>84", []),
    ("The change is $1-$.44=$.56", []),
    ("Das kostet $5 pro Stück, also $5x$ für $x$ Stück.", ["$5x$", "$x$"]),
    ("Cuesta $3 por kilo, y compra $x$ kilos.", ["$x$"]),
    ("Стоит $5 за $x$ штук", ["$x$"]),
    ("每个$5元，共$x$个", ["$x$"]),
    ("It earned $20, which is 65 more, so $\\boxed{1300}$.", ["$\\boxed{1300}$"]),
    ("$the price of all$ is $p$", ["$p$"]),
    ("$x is odd$ or $n$", ["$n$"]),
    ("$3 or 5$", []),
    # formulas
    ("$5x$, $5$, $-5$, $5,000$, $5.5$, $5\\%$, $5!$", ["$5x$", "$5$", "$-5$", "$5,000$", "$5.5$", "$5\\%$", "$5!$"]),
    ("$3+4=7$ and $2 \\cdot 3$", ["$3+4=7$", "$2 \\cdot 3$"]),
    ("$5 \\text{ apples each}$ at $12 \\sin x$", ["$5 \\text{ apples each}$", "$12 \\sin x$"]),
    ("$7 mod 3$, $2 AB$, $3 abc$, $sin x cos x$", ["$7 mod 3$", "$2 AB$", "$3 abc$", "$sin x cos x$"]),
    ("a $2-$digit number $n$", ["$2-$", "$n$"]),
    ("$\\$5$ and $\\$3.50 \\times 2$", ["$\\$5$", "$\\$3.50 \\times 2$"]),
    ("So $\\boxed{$14}$ to make.", ["$\\boxed{$14}$"]),
    ("$\\text{cost of $n$ items}$ and $x$", ["$\\text{cost of $n$ items}$", "$x$"]),
    ("Let's say $x = $5$", ["$x = $5$"]),
    ("so $C = $4x$ and $y$", ["$C = $4x$", "$y$"]),
    ("$x = $5, $y = $6$", ["$y = $6$"]),
    ("Cost: $C(x) = 50 + 3x$, so $C(10) = $80. And $y$.", ["$C(x) = 50 + 3x$", "$y$"]),
    ("$[0,1)$ and $(2,3]$ and $x_1$", ["$[0,1)$", "$(2,3]$", "$x_1$"]),
    ("$speed = distance / time$", ["$speed = distance / time$"]),
    ("$\\frac{1}{2$ and $x$", ["$\\frac{1}{2$", "$x$"]),
]


@pytest.mark.parametrize(("text", "found"), FORMULAS)
def test_what_is_a_formula(text: str, found: list[str]) -> None:
    """Amounts with words, signs of money beside each other and prose are none; all else between dollars is."""
    assert [text[start:end] for start, end in formulas(text)] == found


@pytest.mark.parametrize("text", [text for text, found in FORMULAS if not found])
def test_money_is_shown_as_written(text: str) -> None:
    """Where there is no formula not a letter changes."""
    assert show(text) == text


@pytest.mark.parametrize(
    "unit", ["$5 ", "${$ ", "$5 a", "$a b$ {", "{$}$a$", "$\\text{$a$", "$5(a", "$a$b", "$is is ", "$5 each $x$ "]
)
def test_the_time_is_linear(unit: str) -> None:
    """Four times the dollars take no more than about four times as long."""

    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        start = time.process_time()
        mask(text)
        return time.process_time() - start

    assert min(seconds(200_000) for _ in range(2)) < 10 * min(seconds(50_000) for _ in range(2)) + 0.05
