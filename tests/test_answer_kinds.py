r"""Every kind of value: equal to itself in all ways of writing it, and never to another of its kind."""

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise

import pytest

from stepcheck.answers import Grader

Written = tuple[object, list[str]]
"""What the value is, to tell it from others, and the ways of writing it."""
WORDS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One grader, whose process is gone after the module."""
    with Grader() as made:
        yield made


def grouped(value: int, mark: str) -> str:
    return f"{value:,}".replace(",", mark)


def whole(draw: random.Random) -> Written:
    value = draw.choice((draw.randint(-50, 50), draw.randint(1_000, 10 ** draw.randint(4, 12))))
    ways = [
        str(value),
        f"${value}$",
        rf"\text{{{value}}}",
        f"{value}.0",
        str(value).replace("-", "−"),
        rf"\left({value}\right)",
    ]
    if value >= 1_000:
        ways += [grouped(value, mark) for mark in (",", "{,}", r",\!", r"\,", " ", "\u202f", "'", r"\ ")]
    return value, ways


def decimal(draw: random.Random) -> Written:
    places = draw.randint(1, 5)
    digits = draw.randint(1, 10**6) * 10 + draw.randint(1, 9)
    value = Fraction(digits, 10**places)
    text = f"{digits:0{places + 1}d}"
    text = f"{text[:-places]}.{text[-places:]}"
    ways = [text, text + "0", f"{text} ", rf"\frac{{{digits}}}{{{10**places}}}"]
    whole_part, _, behind = text.partition(".")
    if len(behind) != 3 or whole_part == "0":
        ways += [text.replace(".", ","), text.replace(".", "{,}")]
    return value, ways


def fraction(draw: random.Random) -> Written:
    value = Fraction(draw.randint(-60, 60) or 1, draw.randint(2, 40))
    top, bottom, sign = abs(value.numerator), value.denominator, "-" if value < 0 else ""
    ways = [
        f"{sign}{top}/{bottom}",
        rf"{sign}\frac{{{top}}}{{{bottom}}}",
        rf"{sign}\dfrac{{{3 * top}}}{{{3 * bottom}}}",
    ]
    ways += [rf"\frac{{{sign}{top}}}{{{bottom}}}", f"{sign}{top * 2} / {bottom * 2}"]
    if top > bottom > 1:
        more, left = divmod(top, bottom)
        ways += [
            f"{sign}{more} {left}/{bottom}",
            rf"{sign}{more}\frac{{{left}}}{{{bottom}}}",
            rf"{sign}{more} \tfrac{{{left}}}{{{bottom}}}",
        ]
    return value, ways


def repeating(draw: random.Random) -> Written:
    fixed, period = str(draw.randint(0, 99)), str(draw.randint(1, 999))
    value = Fraction(int(fixed), 10 ** len(fixed)) + Fraction(int(period), 10 ** len(fixed) * (10 ** len(period) - 1))
    dots = rf"\dot{{{period}}}" if len(period) == 1 else rf"\dot{{{period[0]}}}{period[1:-1]}\dot{{{period[-1]}}}"
    ways = [
        rf"0.{fixed}\overline{{{period}}}",
        f"0.{fixed}({period})",
        rf"0.{fixed}{dots}",
        f"{value.numerator}/{value.denominator}",
    ]
    return value, [*ways, rf"0.{fixed}\bar{{{period}}}", f"0.{fixed}{period * 3}..."]


def percent(draw: random.Random) -> Written:
    value = draw.randint(1, 9_999)
    text = f"{value / 100:.2f}" if value % 100 else str(value // 100)
    return value, [
        f"{text}%",
        rf"{text}\%",
        f"{text} percent",
        f"{text} per cent",
        rf"{text} \text{{ percent}}",
        f"{text}％",
    ]


def root(draw: random.Random) -> Written:
    inner, times = draw.choice((2, 3, 5, 6, 7, 10, 11)), draw.randint(1, 12)
    square = inner * times**2
    front = "" if times == 1 else str(times)
    ways = [
        rf"{front}\sqrt{{{inner}}}",
        f"{front}√{inner}",
        rf"\sqrt{{{square}}}",
        f"√{square}",
        f"sqrt({square})",
        f"sqrt {square}",
    ]
    return square, [*ways, rf"\sqrt{square}", rf"\frac{{{times * inner}}}{{\sqrt{{{inner}}}}}"]


def circle(draw: random.Random) -> Written:
    top, bottom = draw.randint(1, 30), draw.randint(1, 12)
    value = Fraction(top, bottom)
    ways = [
        rf"\frac{{{top}\pi}}{{{bottom}}}",
        f"{top}π/{bottom}",
        f"{top}pi/{bottom}",
        rf"\frac{{{top}}}{{{bottom}}}\pi",
    ]
    return value, [*ways, rf"{top * 2} \pi / {bottom * 2}"]


def tiny_or_huge(draw: random.Random) -> Written:
    exponent = draw.choice((-1, 1)) * draw.randint(20, 400)
    base = draw.choice((2, 3, 7))
    bottom = rf"\frac{{1}}{{{base}^{{{-exponent}}}}}" if exponent < 0 else rf"{base}^{{{exponent - 1}}} \cdot {base}"
    return (base, exponent), [rf"{base}^{{{exponent}}}", f"{base}^{exponent}", bottom]


def scientific(draw: random.Random) -> Written:
    digits, exponent = draw.randint(11, 99), draw.randint(-30, 30)
    text = f"{digits // 10}.{digits % 10}"
    ways = [
        rf"{text} \times 10^{{{exponent}}}",
        f"{text}e{exponent}",
        rf"{text} \cdot 10^{{{exponent}}}",
        f"{text}×10^{exponent}",
    ]
    return Fraction(digits) * Fraction(10) ** exponent, [*ways, f"{text}*10^{exponent}"]


def magnitude(draw: random.Random) -> Written:
    count, (size, name, han) = (
        draw.randint(2, 999),
        draw.choice(((10**3, "thousand", "千"), (10**6, "million", "百万"), (10**9, "billion", "十亿"))),
    )
    return count * size, [
        f"{count} {name}",
        rf"{count} \text{{ {name}}}",
        grouped(count * size, ","),
        str(count * size),
        f"{count}{han}",
    ]


def length(draw: random.Random) -> Written:
    value = draw.randint(1, 5_000)
    ways = [
        f"{value} cm",
        f"{value}cm",
        rf"{value}\text{{ cm}}",
        f"{value} centimeters",
        f"{value} centimetres",
        f"{value}厘米",
    ]
    return value, [*ways, f"{value * 10} mm", f"{Fraction(value, 100)} m", rf"{value}\,\mathrm{{cm}}"]


def area(draw: random.Random) -> Written:
    value, (short, long) = draw.randint(1, 500), draw.choice((("ft", "feet"), ("m", "meters"), ("in", "inches")))
    ways = [
        f"{value} {short}^2",
        rf"{value}\text{{ {short}}}^2",
        f"{value} square {long}",
        f"{value} sq {short}",
        f"{value} {short}²",
    ]
    return (value, short), [*ways, rf"{value} \text{{ square {long}}}"]


def duration(draw: random.Random) -> Written:
    hours, minutes = draw.randint(1, 20), draw.randint(1, 59)
    ways = [f"{hours} hours {minutes} minutes", f"{hours} h {minutes} min", f"{hours} hours and {minutes} minutes"]
    return hours * 60 + minutes, [
        *ways,
        f"{hours * 60 + minutes} minutes",
        f"{hours}小时{minutes}分",
        f"{hours} hr, {minutes} min",
    ]


def money(draw: random.Random) -> Written:
    cents = draw.randint(1, 99_999)
    dollars, rest = divmod(cents, 100)
    ways = [
        f"${dollars}.{rest:02d}",
        rf"\${dollars}.{rest:02d}",
        f"{dollars}.{rest:02d} dollars",
        f"US${dollars}.{rest:02d}",
        f"{cents} cents",
    ]
    return cents, [*ways, *([f"{dollars} dollars and {rest} cents"] if dollars and rest else [])]


def euros(draw: random.Random) -> Written:
    cents = draw.randint(101, 99_999)
    whole_euros, rest = divmod(cents, 100)
    return cents, [
        f"{whole_euros},{rest:02d} €",
        f"€{whole_euros}.{rest:02d}",
        f"{whole_euros}.{rest:02d} euros",
        f"{whole_euros},{rest:02d} Euro",
    ]


def clock(draw: random.Random) -> Written:
    hour, minute = draw.randint(0, 23), draw.randint(0, 59)
    half, twelve = ("am" if hour < 12 else "pm"), hour % 12 or 12
    ways = [
        f"{twelve}:{minute:02d} {half}",
        rf"{twelve}:{minute:02d} \text{{ {half[0]}.m.}}",
        f"{twelve}:{minute:02d} {half.upper()}",
    ]
    ways += [f"{hour}:{minute:02d}"] if hour > 12 else []
    return (hour, minute), [*ways, f"{twelve}:{minute:02d}{half}", *([f"{twelve} {half}"] if not minute else [])]


def ratio(draw: random.Random) -> Written:
    terms = [draw.randint(1, 9) for _ in range(draw.randint(2, 4))]
    first = Fraction(terms[0])
    spaced = " : ".join(str(3 * term) for term in terms)
    return tuple(term / first for term in terms), [":".join(map(str, terms)), " : ".join(map(str, terms)), spaced]


def based(draw: random.Random) -> Written:
    base = draw.choice((2, 3, 5, 7, 8, 9))
    digits = str(draw.randint(1, base - 1)) + "".join(str(draw.randrange(base)) for _ in range(draw.randint(1, 7)))
    name = WORDS[base]
    return (digits, base), [
        f"{digits}_{base}",
        f"{digits}_{{{base}}}",
        f"({digits})_{base}",
        rf"{digits}_{{\text{{{name}}}}}",
        f"{digits} base {base}",
    ]


def names(draw: random.Random) -> Written:
    found = {name: draw.randint(-9, 9) for name in draw.sample("xyzabmn", draw.randint(2, 3))}
    entries = [f"{name}={value}" for name, value in found.items()]
    turned = list(reversed(entries))
    return tuple(sorted(found.items())), [
        ", ".join(entries),
        ",".join(turned),
        " and ".join(entries),
        r",\ ".join(turned),
    ]


def point(draw: random.Random) -> Written:
    found = [draw.randint(-20, 20) for _ in range(draw.randint(2, 3))]
    inner, column = ", ".join(map(str, found)), r" \\ ".join(map(str, found))
    ways = [f"({inner})", rf"\left({inner}\right)", f"({inner.replace(' ', '')})", f"P({inner})", f"P=({inner})"]
    return tuple(found), [
        *ways,
        rf"\langle {inner} \rangle",
        rf"\begin{{pmatrix}}{column}\end{{pmatrix}}",
    ]


def matrix(draw: random.Random) -> Written:
    rows = [[draw.randint(-3, 3) for _ in range(2)] for _ in range(2)]
    inner = r" \\ ".join(" & ".join(map(str, row)) for row in rows)
    ways = [rf"\begin{{{name}}} {inner} \end{{{name}}}" for name in ("pmatrix", "bmatrix")]
    return tuple(map(tuple, rows)), [*ways, str(rows), rf"\left[\begin{{array}}{{cc}} {inner} \end{{array}}\right]"]


def finite_set(draw: random.Random) -> Written:
    found = draw.sample(range(-999, 999), draw.randint(2, 4))
    shuffled = draw.sample(found, len(found))
    ways = [
        rf"\{{{', '.join(map(str, found))}\}}",
        rf"\{{{','.join(map(str, shuffled))}\}}",
        ", ".join(map(str, shuffled)),
    ]
    return frozenset(found), [*ways, rf"\left\{{ {' , '.join(map(str, found))} \right\}}"]


def interval(draw: random.Random) -> Written:
    low, high = sorted(draw.sample(range(-9, 10), 2))
    left, right = draw.choice("(["), draw.choice(")]")
    below, above = ("<" if left == "(" else r"\le"), ("<" if right == ")" else r"\leq")
    middle = f"{low} {below} x {above} {high}"
    ways = [
        f"{left}{low},{high}{right}",
        rf"\left{left}{low}, {high}\right{right}",
        middle,
        rf"x \in {left}{low}, {high}{right}",
    ]
    return (low, high, left, right), [*ways, rf"\{{x \mid {middle}\}}", rf"\{{ x \in \mathbb{{R}} : {middle} \}}"]


def union(draw: random.Random) -> Written:
    low, high = sorted(draw.sample(range(-9, 10), 2))
    closed = draw.random() < 0.5
    left, right, less, more = ("]", "[", r"\le", r"\ge") if closed else (")", "(", "<", ">")
    rays = [rf"(-\infty, {low}{left}", rf"{right}{high}, \infty)"]
    ways = [r" \cup ".join(rays), "∪".join(reversed(rays)), rf"x {less} {low} \text{{ or }} x {more} {high}"]
    return (low, high, closed), [*ways, rf"\{{x \mid x {less} {low} \text{{ or }} x {more} {high}\}}"]


def line(draw: random.Random) -> Written:
    slope, start = draw.randint(-9, 9) or 1, draw.randint(-9, 9)
    ways = [
        f"y={slope}x+{start}",
        f"{slope}x-y+{start}=0",
        f"y-{start}={slope}x",
        f"2y={2 * slope}x+{2 * start}",
        f"{start} = y - {slope}x",
    ]
    return (slope, start), [way.replace("+-", "-").replace("--", "+") for way in ways]


def polynomial(draw: random.Random) -> Written:
    a, b = draw.randint(-9, 9), draw.randint(-9, 9)
    ways = [f"(x+{a})(x+{b})", f"x^2+{a + b}x+{a * b}", f"{a * b} + {a + b}x + x^{{2}}", f"(x + {b}) * (x + {a})"]
    return tuple(sorted((a, b))), [way.replace("+ -", "- ").replace("+-", "-") for way in ways]


def plus_minus(draw: random.Random) -> Written:
    middle, off = draw.randint(-9, 9), draw.choice((2, 3, 5, 7))
    ends = [rf"{middle}+\sqrt{{{off}}}", rf"{middle}-\sqrt{{{off}}}"]
    ways = [
        rf"{middle} \pm \sqrt{{{off}}}",
        ", ".join(ends),
        " and ".join(reversed(ends)),
        rf"\{{{', '.join(ends)}\}}",
        f"{middle} ± √{off}",
    ]
    return (middle, off), ways


def chain(draw: random.Random) -> Written:
    order = draw.sample("abcd", draw.randint(3, 4))
    return tuple(order), ["<".join(order), " < ".join(order), ">".join(reversed(order)), " > ".join(reversed(order))]


def choices(draw: random.Random) -> Written:
    found = sorted(draw.sample("ABCDEF", draw.randint(2, 4)))
    mixed = draw.sample(found, len(found))
    ways = [
        "".join(found),
        ", ".join(mixed),
        "、".join(found),
        "".join(f"({letter})" for letter in mixed),
        rf"\text{{{''.join(found)}}}",
    ]
    return frozenset(found), [*ways, f"{', '.join(found[:-1])} and {found[-1]}"]


def one_choice(draw: random.Random) -> Written:
    letter = draw.choice("ABCDEFGH")
    ways = [
        letter,
        f"({letter})",
        f"{letter}.",
        f"option {letter}",
        rf"\textbf{{({letter})}}",
        f"choice ({letter})",
        f"选{letter}",
    ]
    return letter, [*ways, f"{letter}. {draw.randint(1, 99)} m"]


def sentence(draw: random.Random) -> Written:
    value = draw.randint(2, 5_000)
    frame = draw.choice(
        ("She has {} marbles left", "There are {} ways to do it.", "The number of toys is {}", "{}, as asked")
    )
    return value, [str(value), frame.format(value)]


Kind = Callable[[random.Random], Written]
KINDS: tuple[Kind, ...] = (
    whole, decimal, fraction, repeating, percent, root, circle, tiny_or_huge, scientific, magnitude, length, area,
    duration, money, euros, clock, ratio, based, names, point, matrix, finite_set, interval, union, line, polynomial,
    plus_minus, chain, choices, one_choice, sentence,
)  # fmt: skip
COUNTS = [12, pytest.param(1_000, marks=pytest.mark.soak)]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.timeout(1800)
def test_a_value_equals_itself_in_every_writing(kind: Kind, count: int, grader: Grader) -> None:
    """Each way of writing a value equals the next one, both ways round."""
    draw = random.Random(f"same {kind.__name__}")
    for _ in range(count):
        _, ways = kind(draw)
        pairs = [pair for a, b in pairwise([*ways, ways[0]]) for pair in ((a, b), (b, a))]
        assert [
            (gold, given, outcome) for gold, given in pairs if not (outcome := grader.compare(gold, given)).equal
        ] == []


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.timeout(1800)
def test_two_values_of_a_kind_are_never_equal(kind: Kind, count: int, grader: Grader) -> None:
    """Two different values, each in any of its writings, are unequal; a whole thousand pairs of a kind as soak."""
    draw = random.Random(f"other {kind.__name__}")
    seen = 0
    while seen < count:
        (one, ways), (other, others) = kind(draw), kind(draw)
        if one == other:
            continue
        seen += 1
        gold, given = draw.choice(ways), draw.choice(others)
        assert not grader.compare(gold, given).equal, (gold, given, grader.compare(gold, given))
