"""The evidence: what it finds, and above all what it leaves alone."""

import random
import threading
import time

import pytest

from stepcheck.evidence import Finding, examine


def found(*steps: str, problem: str = "") -> list[list[Finding]]:
    return [list(examined.findings) for examined in examine(problem, steps)]


def truths(step: str, problem: str = "") -> list[str]:
    return [finding.truth for finding in found(step, problem=problem)[0] if finding.kind != "carried"]


@pytest.mark.parametrize(
    ("step", "truth"),
    [
        ("24 + 48 = 82", "72"),
        ("Natalia sold 24+48=82 clips altogether.", "72"),
        ("In all she sold 24 + 48 = **82** clips.", "72"),
        ("So he has 82 = 24 + 48 marbles.", "72"),
        ("48 plus 24 equals 82 of them.", "72"),
        ("48 divided by 2 is 26", "24"),
        ("The total is $24 + $48 = $82.", "72"),
        (r"They pay \[ \$24 + \$48 = \$82 \] together.", "72"),
        ("5 boxes * 12 eggs/box = 50 eggs", "60"),
        (r"\(24 \text{ apples} + 48 \text{ apples} = 82 \text{ apples}\)", "72"),
        ("20% of 50 = 12", "10"),
        (r"$20\% \times 50 = 12$", "10"),
        ("1,200 - 345 = 865", "855"),
        (r"$1{,}200 - 345 = 865$", "855"),
        ("3 × 4 + 2 = 15", "14"),
        ("2^5 = 30", "32"),
        ("5! = 100", "120"),
        (r"\(\sqrt{144} = 14\)", "12"),
        (r"\(\binom{5}{2} = 12\)", "10"),
        ("There are C(5, 2) = 12 ways.", "10"),
        (r"\(\frac{3}{4} + \frac{1}{4} = 2\)", "1"),
        ("2 1/2 + 1 1/2 = 5", "4"),
        ("10 / 4 = 2.6", "2.5"),
        ("10 / 3 = 3.43", "10/3"),
        ("100 / 3 ≈ 43", "100/3"),
        ("half of them: 40 ÷ 2 = 22", "20"),
        (r"\(\frac{7 - 7}{0} = 3\)", "undefined"),
        ("（24 + 48 = 82）", "72"),
        ("She sold 24 clips in the morning + 48 clips at lunch = 82 clips.", "72"),
        ("It takes 2 x 20 = 80 minutes per day.", "40"),
        ("Then 8 oz/cup * 3 cups = 26 oz", "24"),
    ],
)
def test_a_false_calculation_is_found_with_what_is_true(step: str, truth: str) -> None:
    """However it is written: plain or LaTeX, with money, units, per cent, powers, roots or mixed numbers."""
    assert truths(step) == [truth]


def test_each_link_of_a_chain_is_looked_at() -> None:
    """3 · 4 + 6 is 18, which is right; 18 / 2 is 9, not 8; the span is that of the false link."""
    step = "We get 3 * 4 + 6 = 12 + 6 = 18 and 18 / 2 = 8."
    (finding,) = found(step)[0]
    assert step[finding.start : finding.end] == finding.claim == "18 / 2 = 8"
    assert finding.sentence == "18 / 2 = 9, not 8"
    chain = r"\[ \text{Total} = 20 + 4 \cdot 5 = 20 + 25 = 45 \]"
    assert [f.claim for f in found(chain)[0]] == [r"20 + 4 \cdot 5 = 20 + 25"]


@pytest.mark.parametrize(
    "step",
    [
        "20% of 20 = 4",
        "7·6·5 = 210 ways",
        "- 24 + 48 = 72\n- 72 - 10 = 62",
        "Costs: - 3 * 4 = 12 - 2 * 5 = 10",
        "1. 24 + 48 = 72",
        "2 1/2 + 1/2 = 3",
        r"\(2\frac{1}{2} = \frac{5}{2}\)",
        r"\(17 + 5 = 1 \pmod{7}\)",
        "17 mod 5 = 2, so 17 + 5 = 1",
        r"\(101_2 + 11_2 = 1000_2\)",
        "2 feet + 3 inches = 27 inches",
        "2 hours * 60 = 120 minutes",
        "3 hours = 180 minutes",
        "5 + 3 = 8 + 2 = 10",
        r"1 + 2 + \ldots + 100 = 5050",
        "10 / 3 = 3.33 and 3.33 * 3 = 10",
        r"\(\frac{10}{3} = 3.\overline{3}\)",
        "17 / 5 = 3 full boxes",
        "He works 6 hours/day * 5 days = 30 hours",
        "All 4 subjects = 186 + 62",
        "The price for 3-5 kilograms is $2.50.",
        "If 2/3 = 30 students, all are 45",
        "$50 - 20% = $40",
        "3 + 4 = 8 is not true",
        "Suppose 3 + 4 = 8.",
        "Is 3 + 4 = 8?",
        "Then 3 + 4 = 8, a contradiction.",
        r"f(2, 3) + 1 = 9",
        r"\(x + 3 = 11\)",
        "At 3:30 + 2:00 = 5:30 they leave",
        "3 million + 2 = 5 million",
        "14, 400 / 80 = 180",
        r"\(\pi \cdot 10 = 31.4\)",
        r"\(\sqrt{50} = 5\sqrt{2}\)",
        "5 - 8 = 3 is the difference",
        r"\(\frac{1 \text{ km}}{2.5 \text{ hours}} = \frac{1000 \text{ meters}}{2.5 \times 3600 \text{ seconds}}\)",
        "It lost 5 thousand dollars a day, so 5 * 3 = $15,000.",
        "one-third of 27 = 27 / 3",
        "100 - 99 + 98 - ... - 2 + 1 = 50",
        r"\[ 4 \cdot 6 = 4 \cdot 7 = 24 \]",
        "There are C(9, 7) = (9 * 8 * 7) / (2 * 1) = 36 ways.",
        "100 - 99 + 98 - … - 2 + 1 = 50",
        r"\(-2^2 = 4\)",
        r"In \(\mathbb{F}_2\) we have \(1 + 1 = 0\).",
        "The units digit goes on with 3 * 7 = 1.",
        r"\(1 + 1 = 0\) for the parity, written \(1 \oplus 1\)",
        "3/4 of the 20 * 3 = 15",
    ],
)
def test_what_could_be_read_otherwise_is_left_alone(step: str) -> None:
    """Every false alarm of plain checkers was a misreading: what holds in any reading, or is not claimed, is none."""
    assert found(step) == [[]]


def test_what_is_not_read_is_counted() -> None:
    """Two equals signs, one of a calculation, one of words."""
    (examined,) = examine("", ["The total cost = price of all, and 2 + 2 = 4."])
    assert (examined.read, examined.unread) == (1, 1)


def test_an_equation_turned_into_one_with_other_solutions_is_found() -> None:
    """2x + 3 = 11 is solved by 4, 2x = 14 by 7."""
    (finding,) = found("We have 2x + 3 = 11. Subtracting 3 from both sides, we get 2x = 14.")[0]
    assert (finding.kind, finding.claim, finding.truth) == ("transformation", "2x = 14", "x = 4")
    assert "x = 7" in finding.sentence
    across = found(r"So \(x^2 - 5x + 6 = 0\).", r"Factoring, we get \((x - 1)(x - 6) = 0\).")
    assert [f.truth for f in across[1]] == ["x = 2 or x = 3"]


@pytest.mark.parametrize(
    "step",
    [
        "We have 2x + 3 = 11. Subtracting 3 from both sides, we get 2x = 8.",
        "We have x^2 = 4, so x = 2.",
        "Case 1: x + 1 = 3. Case 2: x + 1 = 5.",
        "We know 2x = 8. Substituting into the other equation, 3x = 15.",
        "We get 3x = 10, so x = 3.33.",
        "n + 1 = 5 if n is even, or n - 1 = 5 if n is odd",
    ],
)
def test_an_equation_that_follows_or_is_another_one_is_left_alone(step: str) -> None:
    """Only what is said to follow from the equation before it, and has none of its solutions, is false."""
    assert found(step) == [[]]


def test_an_identity_that_is_none_comes_with_numbers_that_show_it() -> None:
    """At x = 2 it is 9 on the left and 5 on the right; an equation to be solved is no identity."""
    (finding,) = found(r"Expanding, \((x + 1)^2 = x^2 + 1\).")[0]
    assert (finding.kind, finding.truth) == ("identity", "x^2 + 2x + 1")
    assert "at x = 2 the left side is 9, the right side 5" in finding.sentence
    assert found(r"Expanding, \((x + 1)^2 = x^2 + 2x + 1\).") == [[]]
    assert found(r"We solve \((x + 1)^2 = x^2 + 1\).") == [[]]


def test_a_false_number_is_followed_into_later_steps() -> None:
    """82 is used again; 24, which the problem gives, is not called carried."""
    steps = found("24 + 48 = 82", "Then 82 - 24 = 58 are left.", problem="She sold 24 and 48.")
    assert [(f.kind, f.claim, f.truth) for f in steps[1]] == [("carried", "82", "72")]
    assert not steps[1][0].certain


def test_a_number_of_the_problem_with_its_digits_swapped_is_found() -> None:
    """85 apples turn up as 58; what can be come by otherwise is left alone."""
    problem = "A shop has 85 apples and 31 pears."
    assert [(f.kind, f.truth) for f in found("It has 58 apples + 31 pears = 89 fruits.", problem=problem)[0]] == [
        ("copied", "85")
    ]
    assert found("It has 27 + 31 = 58 apples, 58 apples - 31 pears = 27", problem=problem) == [[]]


def test_a_boxed_answer_with_digits_swapped_is_found() -> None:
    """72 was found, 27 is boxed."""
    steps = found("24 + 48 = 72", r"The answer is \(\boxed{27}\).")
    assert [(f.kind, f.claim, f.truth) for f in steps[1]] == [("answer", "27", "72")]
    assert found("24 + 48 = 72", r"The answer is \(\boxed{72}\).") == [[], []]


def test_the_problem_can_take_the_usual_meaning_away() -> None:
    """Where it speaks of remainders or of signs of its own, nothing is read."""
    assert truths("3 + 4 = 1", problem="What is the remainder when 3 + 4 is divided by 6?") == []
    assert truths("3 + 4 = 12", problem="The operation + is defined by a + b = ab.") == []


MARKS = r"+ - * / ^ ! % ( ) = { } \frac{ \sqrt{ x 9 99999 .5 $ \( \) of and ≈ \times \binom{ 1,000 apples"


def hostile() -> list[str]:
    rng = random.Random(1)
    nested, marks = 5900, MARKS.split()
    cases = [
        "9^9^9^9^9 = 5", "$2^{2^{2^{2^{9}}}} = 4$", "100000! = 5", "(((100!)!)!)! = 3",
        r"\(\sqrt{10^{400}+1} = 7\)",
        "(" * nested + "1" + ")" * nested + " = 3", "(" * nested + "=" * nested,
        r"\sqrt{" * 1900 + "2", "$" * 11_900,
        "1 + " * 2900 + "1 = 3", "1 = " * 2900 + "2", "(x+1)" * 2300 + " = x",
        "$((x+1)^8)^8 = x + 1$", "1/" * 3000 + "3 = 4",
        "9" * 11_000 + " = 8", "10^{-99999999} = 4", "24 + 48 = 82 " * 900, "a" * 10_000_000,
        "1 + 1 = 3 " * 1_000_000,
        "\n" * 10_000_000, r"$\boxed{" * 1600, "5%" * 5900 + " = 3", r"$7^{700} \cdot " * 40 + "3 = 4$",
        "$" + r"(x+y+z+1)^8 \cdot " * 40 + "1 = x + y + z$",
        "1.5% × " * 60 + "3 = 4", "__import__('os').abort() + 1 = 3",
    ]  # fmt: skip
    while len(cases) < 500:
        cases.append("".join(rng.choice(marks) + rng.choice(("", " ")) for _ in range(rng.choice((30, 300, 3000)))))
    return cases


def test_no_expression_is_executed_or_holds_up_the_reader() -> None:
    """500 bombs (towers, factorials, nesting, ten million characters): two seconds at most each, in a thread."""
    slowest = 0.0

    def read() -> None:
        nonlocal slowest
        for case in hostile():
            start = time.thread_time()
            examine("", [case])
            slowest = max(slowest, time.thread_time() - start)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    print(f"slowest of 500 hostile expressions: {slowest:.2f} s")
    assert 0 < slowest <= 2
