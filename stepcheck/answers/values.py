"""What an answer can be: one type for each kind of value. Nothing here reads or compares.

An answer may have several readings (4:30 is a time or a ratio, (1, 2) a point or an interval); a reader returns all
that are plausible, the likeliest first.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from stepcheck.answers.tree import Tree
from stepcheck.answers.units import NONE, Unit


@dataclass(frozen=True, slots=True)
class Amount:
    """A number or an expression, with its unit.

    `places` is how many decimals a decimal fraction was written with and `significant` how many digits; None where
    the tree is not one written decimal. `endless` if it is a repeating decimal, which says all its digits.
    `parts` are the sizes of the units of a compound amount (hours, minutes), largest first. `glued` if its unit may as
    well be a product of variables (5m). `loose` if it was found in a sentence.
    """

    tree: Tree
    unit: Unit = NONE
    percent: bool = False
    places: int | None = None
    significant: int = 0
    endless: bool = False
    parts: tuple[Fraction, ...] = ()
    glued: bool = False
    loose: bool = False
    kind = "number"


@dataclass(frozen=True, slots=True)
class Several:
    """A list without brackets, or a set: order and repetition do not count."""

    items: tuple["Readings", ...]
    braces: bool = False
    kind = "list"


@dataclass(frozen=True, slots=True)
class Ordered:
    """A point, tuple or vector; `bracket` is "(", "[" or "⟨", which is also that of a column."""

    items: tuple["Readings", ...]
    bracket: str = "("
    kind = "tuple"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of a matrix; `bars` for a determinant."""

    rows: tuple[tuple["Readings", ...], ...]
    bars: bool = False
    kind = "matrix"


@dataclass(frozen=True, slots=True)
class Piece:
    """An interval: its ends, None where it has none, and whether they belong to it."""

    low: Tree | None
    low_in: bool
    high: Tree | None
    high_in: bool


@dataclass(frozen=True, slots=True)
class RealSet:
    """A set of real numbers: intervals in ascending order that do not touch; `name` is the unknown, if one is named."""

    pieces: tuple[Piece, ...]
    name: str = ""
    kind = "set of numbers"


@dataclass(frozen=True, slots=True)
class Relation:
    """Relations that hold together; each is a sign (<, <=, =, !=, ≈) and two trees, turned so that < points right."""

    links: tuple[tuple[str, Tree, Tree], ...]
    kind = "relation"


@dataclass(frozen=True, slots=True)
class Named:
    """Values by name: x = 3, y = 4."""

    entries: tuple[tuple[str, "Readings"], ...]
    kind = "named values"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two or more, in order; `clock` if it may be a time of day."""

    terms: tuple[Tree, ...]
    clock: bool = False
    kind = "ratio"


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day in seconds after midnight.

    `half` is "am", "pm" or "24" where it is certain, "" where it is not said, "torn" where what says it is neither.
    """

    seconds: int
    half: Literal["am", "pm", "24", "torn", ""] = ""
    kind = "time of day"


@dataclass(frozen=True, slots=True)
class Based:
    """The digits of a number in a base, small letters."""

    digits: str
    base: int
    kind = "number in a base"


@dataclass(frozen=True, slots=True)
class Choice:
    """Letters of choices, and what was written behind a single one. `certain` if they can be nothing else."""

    letters: frozenset[str]
    content: str = ""
    certain: bool = False
    kind = "choice"


@dataclass(frozen=True, slots=True)
class Family:
    """Values for all whole numbers: kπ, k ∈ ℤ."""

    inner: "Readings"
    name: str
    field: str
    kind = "family"


@dataclass(frozen=True, slots=True)
class Words:
    """Words; `meaning` is what the vocabulary says of them, or empty. `text` is how they are compared."""

    text: str
    meaning: str = ""
    kind = "words"


Value = (
    Amount | Several | Ordered | Matrix | RealSet | Relation | Named | Ratio | Clock | Based | Choice | Family | Words
)
Readings = tuple[Value, ...]
