r"""Two answers → equal, unequal, or could not be told: from the cheapest comparison to the dearest.

Exact text; one way of layout; the values that both can be read as, kind by kind and part by part; at last math-verify,
for expressions that no reader here knows. Any plausible reading in which two answers are equal makes them equal; else
the likeliest pair of readings of one kind decides; kinds that do not meet are unequal where both are certainly what
they are.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from stepcheck.answers.algebra import MOST_CHARACTERS as MOST_RECKONED
from stepcheck.answers.algebra import Algebra
from stepcheck.answers.apart import kept_apart
from stepcheck.answers.likeness import (
    Likeness,
    clocks,
    in_base_and_number,
    is_family_of_one_name,
    numbers_in_bases,
    sayings,
)
from stepcheck.answers.outcome import Outcome, all_of
from stepcheck.answers.reading import distinct, read
from stepcheck.answers.text import MOST_CHARACTERS, WORDS, letters, squeezed, tidy
from stepcheck.answers.tree import replaced, variables
from stepcheck.answers.values import (
    Amount,
    Based,
    Choice,
    Clock,
    Family,
    Matrix,
    Named,
    Ordered,
    Ratio,
    Readings,
    RealSet,
    Relation,
    Several,
    Value,
    Words,
)
from stepcheck.closing import Closing
from stepcheck.patterns import regex

REMEMBERED = 4096
MOST_PAIRS = 64
PAIR = 2
SHORTEST_WORD = 3
_OPEN = "time or ratio"
_UNASKED = regex(
    r"(?<![\\A-Za-z])(?!(?:arc)?(?:sin|cos|tan|cot|sec|csc|log|ln|exp|lim|max|min|mod|gcd|lcm|sqrt|det|pi)h?\b)"
    r"(?:[A-Za-z]{3,}|(?:in|of|to|is|or|at|by|on|an|as|it)\b)"
    r"|\d\s*[})]?\s*_|\d\s*'|\d\s+\d"
)
"""A word that is no function, a base, a prime, numbers side by side: math-verify makes products of them."""


class Grader(Closing):
    """Compares answers; remembers what it compared. Use it as a context manager, or call `close`."""

    def __init__(self, algebra: Algebra | None = None) -> None:
        self._algebra = algebra or Algebra()
        self._known = lru_cache(REMEMBERED)(self._compare)

    def compare(self, gold: str, given: str) -> Outcome:
        """Tell whether a given answer equals the reference."""
        return self._known(gold, given)

    def group(self, answers: Sequence[str | None]) -> list[int | None]:
        """Number each answer by the first one that is equal to it; None stays None."""
        groups: list[int | None] = []
        for place, answer in enumerate(answers):
            heads = [i for i, group in enumerate(groups) if group == i]
            same = (i for i in heads if answer is not None and self.compare(str(answers[i]), answer).equal)
            groups.append(None if answer is None else next(same, place))
        return groups

    def close(self) -> None:
        """End the process that reckons, if there is one."""
        self._algebra.close()

    def _compare(self, gold: str, given: str) -> Outcome:
        if gold.strip() == given.strip():
            return Outcome(equal=True, how="exact")
        if max(len(gold), len(given)) > MOST_CHARACTERS:
            return Outcome(equal=None, how="too long to compare")
        ours, theirs = tidy(gold), tidy(given)
        if squeezed(ours) == squeezed(theirs):
            return Outcome(equal=bool(ours) or None, how="normalised")
        try:
            with self._algebra.within():
                found = self._by_value(gold, given) or self._ask(ours, theirs)
        except RecursionError:
            return Outcome(equal=None, how="too deep to compare")
        apart = kept_apart(ours, theirs, loose=_is_loose(gold) and _is_loose(given)) if found.equal else None
        return apart or found

    def _by_value(self, gold: str, given: str) -> Outcome | None:
        """Compare what both can be read as; None where one cannot be read as mathematics."""
        ours, theirs = read(gold), read(given)
        if not ours or not theirs:
            return None
        short = max(len(gold), len(given)) <= MOST_RECKONED
        return _Comparison(Likeness(self._algebra, short=short)).readings(ours, theirs)

    def _ask(self, gold: str, given: str) -> Outcome:
        """Ask math-verify about what no reader here knows."""
        if not all(re.search(r"[\\^_=+\d]", text) and not _UNASKED.search(text) for text in (gold, given)):
            return Outcome(equal=None, how="could not be read")
        answer = self._algebra.equal(letters(gold), letters(given))
        if answer is False and any(WORDS in text for text in (gold, given)):
            answer = None  # it may have read words as a product of letters
        return Outcome(answer, "math-verify" if answer is not None else "math-verify could not tell")


class _Comparison:
    """One comparison of two answers: which kinds meet, and how."""

    def __init__(self, likeness: Likeness) -> None:
        self.likeness = likeness
        self.ways: dict[tuple[type[Any], type[Any]], Callable[[Any, Any], Outcome | None]] = {
            (Amount, Amount): likeness.amounts, (Several, Several): self.lists, (Several, Amount): self.list_and_value,
            (Several, Ordered): self.list_and_tuple, (Ordered, Ordered): self.tuples, (Ordered, Matrix): self.row,
            (Matrix, Matrix): self.matrices, (RealSet, RealSet): likeness.sets, (RealSet, Amount): self.set_and_number,
            (RealSet, Several): self.set_and_list, (Relation, Relation): likeness.relations, (Named, Named): self.names,
            (Ratio, Ratio): likeness.ratios, (Ratio, Amount): likeness.ratio_and_number, (Clock, Clock): clocks,
            (Based, Based): numbers_in_bases, (Based, Amount): in_base_and_number, (Choice, Choice): choices,
            (Family, Family): self.families, (Words, Words): sayings,
        }  # fmt: skip

    def readings(self, gold: Readings, given: Readings) -> Outcome:
        """Compare two answers in all their readings."""
        found = []
        for outcome in self._outcomes(gold, given):
            if outcome.equal or outcome.how == _OPEN:
                return outcome
            found.append(outcome)
        lettered = [one for one in (gold[0], given[0]) if isinstance(one, Choice)]
        if len(lettered) == 1:
            return self.choice_and_value(lettered[0], given if lettered[0] is gold[0] else gold)
        if found:
            return found[0]
        return _of_kinds(gold, given)

    def _outcomes(self, gold: Readings, given: Readings) -> Iterator[Outcome]:
        pairs = [(a, b) for a in gold for b in given][:MOST_PAIRS]
        for a, b in pairs:
            outcome = self.pair(a, b)
            if outcome is not None:
                yield outcome

    def pair(self, a: Value, b: Value) -> Outcome | None:
        """Compare two values; None where their kinds do not meet."""
        if (way := self.ways.get((type(a), type(b)))) is not None:
            return way(a, b)
        if (way := self.ways.get((type(b), type(a)))) is not None:
            return way(b, a)
        if isinstance(a, Named):
            return self.named_and_value(a, b)
        return self.named_and_value(b, a) if isinstance(b, Named) else None

    def same(self, gold: Readings, given: Readings) -> bool | None:
        """Tell whether two parts are equal."""
        return self.readings(gold, given).equal

    # ---- parts

    def lists(self, a: Several, b: Several) -> Outcome:
        """Compare lists and sets, in any order."""
        ours, theirs = _distinct(a), _distinct(b)
        if len(ours) != len(theirs):
            return Outcome(equal=False, how="number of parts")
        return Outcome(self.matched(ours, theirs), "parts in any order")

    def matched(self, ours: Sequence[Readings], theirs: Sequence[Readings]) -> bool | None:
        """Find a partner for each part; None if only an undecided one is left."""
        left, undecided = list(theirs), False
        for item in ours:
            outcomes: list[bool | None] = []
            for other in left:
                outcomes.append(self.same(item, other))
                if outcomes[-1]:
                    break
            if True in outcomes:
                left.pop(outcomes.index(True))
            elif None in outcomes:
                undecided = True
            else:
                return False
        return None if undecided else True

    def list_and_value(self, a: Several, b: Amount) -> Outcome:
        """Compare a list of one with its value."""
        items = _distinct(a)
        if len(items) == 1:
            return self.readings(items[0], (b,))
        return Outcome(equal=False, how="number of parts")

    def list_and_tuple(self, a: Several, b: Ordered) -> Outcome:
        """Compare a list without brackets with a tuple: then order counts."""
        return Outcome(equal=False, how="brackets") if a.braces else self.in_order(a.items, b.items)

    def tuples(self, a: Ordered, b: Ordered) -> Outcome:
        """Compare points, tuples and vectors; of two, ( and [ do not say the same; a column says what either says."""
        if {a.bracket, b.bracket} == {"(", "["} and len(a.items) == PAIR:
            return Outcome(equal=False, how="brackets")
        return self.in_order(a.items, b.items)

    def in_order(self, ours: Sequence[Readings], theirs: Sequence[Readings]) -> Outcome:
        """Compare part by part."""
        if len(ours) != len(theirs):
            return Outcome(equal=False, how="number of parts")
        return Outcome(all_of(map(self.same, ours, theirs)), "parts in order")

    def row(self, a: Ordered, b: Matrix) -> Outcome:
        """Compare a vector with a matrix of one row."""
        if len(b.rows) == 1 and not b.bars and a.bracket != "⟨":
            return self.in_order(a.items, b.rows[0])
        return Outcome(equal=False, how="shape of the matrix")

    def matrices(self, a: Matrix, b: Matrix) -> Outcome:
        """Compare entry by entry."""
        if a.bars != b.bars or [len(row) for row in a.rows] != [len(row) for row in b.rows]:
            return Outcome(equal=False, how="shape of the matrix")
        pairs = [(x, y) for ours, theirs in zip(a.rows, b.rows, strict=True) for x, y in zip(ours, theirs, strict=True)]
        return Outcome(all_of(self.same(x, y) for x, y in pairs), "entries of the matrix")

    def set_and_number(self, a: RealSet, b: Amount) -> Outcome | None:
        """Compare the set of one number with that number."""
        if len(a.pieces) == 1 and a.pieces[0].low is not None and a.pieces[0].low == a.pieces[0].high:
            return self.likeness.amounts(Amount(a.pieces[0].low), b)
        return None if variables(b.tree) else Outcome(equal=None if b.loose else False, how="a set and a number")

    def set_and_list(self, a: RealSet, b: Several) -> Outcome | None:
        """Compare a set of single numbers with a list of them."""
        points = [piece.low for piece in a.pieces if piece.low is not None and piece.low == piece.high]
        if len(points) < len(a.pieces) or not points:
            return Outcome(equal=False, how="a set and a list")
        return self.lists(Several(tuple((Amount(point),) for point in points)), b)

    # ---- names

    def names(self, a: Named, b: Named) -> Outcome:
        """Compare values by name."""
        ours, theirs = dict(a.entries), dict(b.entries)
        if ours.keys() == theirs.keys():
            same = all_of(self.same(ours[name], theirs[name]) for name in ours)
            if same is False and _numbered(ours) and self.matched([*ours.values()], [*theirs.values()]):
                return Outcome(equal=None, how="numbered names in another order")
            return Outcome(same, "values by name")
        if _numbered(ours) != _numbered(theirs):
            mine, other = ([*_valued(ours).items()], [*_valued(theirs).items()])
            if len(mine) == len(other) == 1 and mine[0][0] == other[0][0]:
                return self.lists(mine[0][1], other[0][1])
        if len(ours) == len(theirs) == 1:
            same = self.same(*ours.values(), *theirs.values())
            return Outcome(same if not same or _are_synonyms(*ours, *theirs) else None, "names differ")
        shared = ours.keys() & theirs.keys()
        different = any(self.same(ours[name], theirs[name]) is False for name in shared)
        return Outcome(False if different or len(ours) != len(theirs) else None, "names differ")

    def named_and_value(self, a: Named, b: Value) -> Outcome | None:
        """Compare a named value with one without name; several with a tuple or list, in the order of their names."""
        values = [value for _, value in a.entries]
        if isinstance(b, RealSet) and b.name and b.name != a.entries[0][0]:
            return Outcome(equal=None, how="names differ")
        if len(values) == 1:
            found = list(self._outcomes(values[0], (b,)))
            return next((one for one in found if one.equal), found[0] if found else None)
        if not isinstance(b, Ordered | Several):
            return None
        if isinstance(b, Several) and _numbered(dict(a.entries)):
            return self.lists(Several(tuple(values)), b)
        outcome = self.in_order(values, b.items)
        if outcome.equal is False and len(values) == len(b.items) and self.matched(values, b.items):
            usual = all(len(name) == 1 for name, _ in a.entries)
            return Outcome(equal=False if usual else None, how="values without names")
        return outcome if not (isinstance(b, Several) and b.braces) else Outcome(equal=False, how="names and a set")

    # ---- the rest

    def choice_and_value(self, a: Choice, others: Readings) -> Outcome:
        """Compare a choice with an answer that names none: by what stands behind its letter, if anything."""
        if a.content and self.readings(read(a.content) or (Words(a.content),), others).equal:
            return Outcome(equal=True, how="content of the choice")
        return Outcome(equal=None, how="no choice named")

    def families(self, a: Family, b: Family) -> Outcome:
        """Compare values for all whole numbers; two that look different may be one family."""
        if a.field != b.field:
            return Outcome(equal=None, how="families")
        same = self.same(_renamed(a.inner, a.name), _renamed(b.inner, b.name))
        return Outcome(True if same else None, "families")


def _is_loose(answer: str) -> bool:
    """Whether an answer is a sentence in which a value was found."""
    return any(isinstance(value, Amount) and value.loose for value in read(answer)[:1])


def choices(a: Choice, b: Choice) -> Outcome:
    """Compare letters, in any order."""
    return Outcome(a.letters == b.letters, "choice")


def _distinct(value: Several) -> list[Readings]:
    """Return the items; of a set, repeated ones once."""
    if not value.braces:
        return list(value.items)
    found: dict[object, Readings] = {}
    for item in value.items:
        found.setdefault(distinct(item), item)
    return list(found.values())


def _numbered(entries: dict[str, Readings]) -> bool:
    """Whether the names only number the values of one unknown: x_1, x_2."""
    bases = {is_family_of_one_name(name) for name in entries}
    return len(bases) == 1 and "" not in bases


def _valued(entries: dict[str, Readings]) -> dict[str, Several]:
    """The values of each unknown: x_1 = 2, x_2 = 3 are two of x, as x = 2 or x = 3 says."""
    found: dict[str, list[Readings]] = {}
    for name, value in entries.items():
        inner = value[0]
        values = list(inner.items) if isinstance(inner, Several) else [value]
        found.setdefault(is_family_of_one_name(name) or name, []).extend(values)
    return {name: Several(tuple(values)) for name, values in found.items()}


def _are_synonyms(a: str, b: str) -> bool:
    """Whether two names say the same: y and f(x), a word and a letter."""
    worded = [len(name) >= SHORTEST_WORD and name.islower() and name.replace(" ", "").isalpha() for name in (a, b)]
    return worded[0] != worded[1] or any(one == "y" and "(" in other for one, other in ((a, b), (b, a)))


def _renamed(found: Readings, name: str) -> Readings:
    """Put a fixed name in place of the whole number of a family."""
    renamed: list[Value] = []
    for value in found:
        if isinstance(value, Amount):
            renamed.append(Amount(replaced(value.tree, name, ("var", "\u2124")), value.unit))
        elif isinstance(value, Several):
            renamed.append(Several(tuple(_renamed(item, name) for item in value.items)))
        elif isinstance(value, Named):
            renamed.append(Named(tuple((key, _renamed(item, name)) for key, item in value.entries)))
    return tuple(renamed) or found


def _of_kinds(gold: Readings, given: Readings) -> Outcome:
    """Decide about kinds that do not meet: unequal, if both are certainly what they are."""
    a, b = gold[0], given[0]
    sure = _is_certain(a) and _is_certain(b)
    return Outcome(
        False if sure else None,
        f"{_article(a.kind)} and {_article(b.kind)}" if a.kind != b.kind else "could not be told",
    )


def _is_certain(value: Value) -> bool:
    if isinstance(value, Words):
        return bool(value.meaning)
    if isinstance(value, Amount):
        return not variables(value.tree) and not value.loose
    return not isinstance(value, Choice | Relation | Family | Named)


def _article(kind: str) -> str:
    return kind if kind.endswith("s") else f"a {kind}"
