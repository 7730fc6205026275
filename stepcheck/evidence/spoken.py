"""Calculations told in words → links: `half of 48 is 25`, `the sum of 24 and 48 is 82`, `48 - 24 gives 22`.

Reads forms that have one meaning, each with its result, and refuses them where what stands before or behind goes on
with them: `more than half of 48`, `the sum of 3 and twice 4`, `is 25 percent`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from stepcheck.evidence.amounts import UnreadError
from stepcheck.evidence.expressions import Choose, Factorial, Measured, Node, Number, Operator, Over, Power, Root, Row
from stepcheck.evidence.links import Link
from stepcheck.evidence.parsing import parse
from stepcheck.evidence.sides import Side
from stepcheck.evidence.tokens import tokenize
from stepcheck.patterns import folded, regex

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NAMES = {name: worth for worth, name in enumerate(f"{_UNITS} seventeen eighteen nineteen".split())} | {
    name: 10 * worth for worth, name in enumerate(_TENS.split(), start=2)
}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_FOLD = {"twice": 2, "double": 2, "thrice": 3, "triple": 3}
_DIGITS = r"(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,4}(?!\d)|\d{1,15}(?!\d))(?:\.\d{1,15})?"
_NAMED = "|".join(sorted(_NAMES, key=len, reverse=True))
_NO_UNIT = (
    "and|is|are|plus|minus|times|divided|multiplied|to|by|of|from|gives|gets?|equals|was|or|less|more|percent|per|than"
    "|you|we|makes|yields|which|squared|cubed|factorial|choose|hundred|thousand|million|billion|dozen|pairs?|out"
)
_UNIT = rf"(?:[ -](?!(?:{_NO_UNIT})\b)[a-z]{{3,}}){{0,2}}"


def _amount(name: str) -> str:
    number = rf"(?P<{name}>{_DIGITS}|\b(?:{_NAMED})\b)"
    return rf"(?:\\?\$|\\\(|\*\*)?\s?{number}(?![\d.,/:-]*\d)(?:\s?(?:\$|\\\)|\*\*))?(?P<{name}_unit>{_UNIT})"


_A, _B = _amount("a"), _amount("b")
_PART = "|".join(_PARTS)
_SAYS = (
    r"(?:\s+(?:is equal to|is|equals|comes to|makes|gives(?: us| you| me)?|yields|totals|would be|will be)|\s*=)"
    r"\s+(?:a total of |exactly )?"
)
_GETS = rf"(?:{_SAYS}|,?\s+(?:to get|to find|and get|we get|you get|and you get|which gives|which is|giving)\s+)"
_ENDS = regex(
    r"(?!\s*(?:[-+*/×÷−–^%=({]|\\|[,.:]\d)|\s+(?:plus|minus|times|divided|multiplied|percent|per cent|more|less|fewer"
    r"|hundred|thousand|million|billion|dozen|and (?:a|an|one|two|three|half|\d\S*)|or|to|of|over|squared|cubed|out"
    r"|point|remainder|with|and|away|off|higher|lower|greater|x)\b)"
)
_OPENS = regex(
    r"(?:^|[.,;:!?(（\n>]|[*_]{2}|\b(?:so|then|that|because|since|thus|therefore|hence|now|next|first|finally|also|know"
    r"|means|meaning|find|calculate|compute|get|but))[\s*_]*(?:the\s+)?\Z",
    re.IGNORECASE,
)
_ASKS = regex(
    r"(?:^|[.,;:!?(（\n>]|[*_]{2}|\b(?:so|then|now|next|first|finally|also|if you|if we|you|we|i|by|can|must|let us"
    r"|let's))[\s*_]*\Z",
    re.IGNORECASE,
)
_JOINED = regex(r",?\s+and\s+(?:the\s+)?\Z", re.IGNORECASE)

_TWO, _THREE = Number(Fraction(2)), Number(Fraction(3))
_Make = Callable[[Node, Node], Node]


def _row(sign: Operator) -> _Make:
    return lambda a, b: Row((a, b), (sign,), (False,))


def _back(sign: Operator) -> _Make:
    return lambda a, b: Row((b, a), (sign,), (False,))


@dataclass(frozen=True, slots=True)
class _Form:
    keys: tuple[str, ...]
    """One of these stands in every text that has the form: no other has to be searched, or its pattern compiled."""
    pattern: re.Pattern[str]
    make: _Make
    opens: re.Pattern[str]
    """What may stand before it."""


def _said(keys: str, left: str, make: _Make) -> _Form:
    whole = rf"(?P<left>{left}){_SAYS}{_amount('r')}"
    return _Form(tuple(keys.split("|")), regex(whole, re.IGNORECASE), make, _OPENS)


def _asked(key: str, left: str, make: _Make) -> _Form:
    return _Form((key,), regex(rf"(?P<left>{left}){_GETS}{_amount('r')}", re.IGNORECASE), make, _ASKS)


_FORMS = (
    _said("sum|total", rf"\b(?:sum|total) of {_A} and {_B}", _row("+")),
    _said("difference", rf"\bdifference (?:of|between) {_A} and {_B}", _row("-")),
    _said("product", rf"\bproduct of {_A} and {_B}", _row("*")),
    _said("quotient", rf"\bquotient of {_A} and {_B}", _row("/")),
    _said("plus", rf"{_A} plus {_B}", _row("+")),
    _said("minus", rf"{_A} minus {_B}", _row("-")),
    _said("times|multiplied", rf"{_A} (?:times|multiplied by) {_B}", _row("*")),
    _said("divided", rf"{_A} divided by {_B}", _row("/")),
    _said("added|increased", rf"{_A} (?:added to|increased by) {_B}", _row("+")),
    _said("decreased|reduced", rf"{_A} (?:decreased by|reduced by) {_B}", _row("-")),
    _said("subtracted|taken", rf"{_A} (?:subtracted|taken away) from {_B}", _back("-")),
    _said("more than", rf"{_A} more than {_B}", _row("+")),
    _said("less than", rf"{_A} (?:less|fewer) than {_B}", _back("-")),
    _said("power", rf"{_A} to the power (?:of )?{_B}", Power),
    _said("choose", rf"{_A} choose {_B}", Choose),
    _asked("add", rf"\badd(?:ing)? {_A} (?:and|to) {_B}", _row("+")),
    _asked("subtract", rf"\bsubtract(?:ing)? {_A} from {_B}", _back("-")),
    _asked("multiply", rf"\bmultiply(?:ing)? {_A} (?:by|and|with) {_B}", _row("*")),
    _asked("divid", rf"\bdivid(?:e|ing) {_A} by {_B}", _row("/")),
    _said("|".join(_FOLD), rf"\b(?P<fold>{'|'.join(_FOLD)}) {_A}", lambda a, _: a),
    _said(_PART, rf"\b(?P<many>a|one|two|three|four|five)?[ -]?(?P<part>{_PART})s? of {_A}", lambda a, _: a),
    _said("square root", rf"\bsquare root of {_A}", lambda a, _: Root(a, 2)),
    _said("cube root", rf"\bcube root of {_A}", lambda a, _: Root(a, 3)),
    _said("square", rf"(?:\bsquare of {_A}|(?<![\w.])(?P<c>{_DIGITS}) squared)", lambda a, _: Power(a, _TWO)),
    _said("cube", rf"(?:\bcube of {_A}|(?<![\w.])(?P<c>{_DIGITS}) cubed)", lambda a, _: Power(a, _THREE)),
    _said("factorial", rf"{_A} factorial", lambda a, _: Factorial(a)),
)
_WORDS = regex(
    r"\b(?:sum|total|difference|product|quotient|plus|minus|times|multipl\w+|divid\w+|than|add\w*|increased|decreased|reduced"
    rf"|subtract\w*|taken|power|choose|{'|'.join(_FOLD)}|(?:{_PART})s?|square\w*|cube\w*|factorial|gives|yields|makes)\b",
    re.IGNORECASE,
)
_SIGNED = regex(
    rf"(?<![\w.,$%)^*/+-])(?<![-+*/×÷^] )(?P<left>{_DIGITS}(?: ?[-+*/×÷−] ?{_DIGITS}){{1,8}})"
    rf"\s+(?:gives(?: us| you| me)?|yields|makes)\s+(?:a total of )?{_amount('r')}",
    re.IGNORECASE,
)


def spoken(text: str) -> tuple[Link, ...]:
    """Find the calculations told in words, each with its result, in order."""
    if not _WORDS.search(text):
        return ()
    found: dict[int, Link] = {}
    ends: set[int] = set()
    known = folded(text)
    for form in _FORMS:
        if not any(key in known for key in form.keys):
            continue
        for match in form.pattern.finditer(text):
            if _stands(text, match, form.opens, ends):
                found.setdefault(match.start("r"), _link(match, form.make))
                ends.add(match.end("r_unit"))
    for match in _SIGNED.finditer(text):
        if _ENDS.match(text, match.end()):
            found.setdefault(match.start("r"), _reckoned(match))
    return tuple(found[at] for at in sorted(found))


def _stands(text: str, match: re.Match[str], opens: re.Pattern[str], ends: set[int]) -> bool:
    """Whether nothing before or behind goes on with what is said."""
    start = match.start()
    before = text[max(0, start - 60) : start]
    joined = _JOINED.search(before)
    follows = joined is not None and start - len(joined[0]) in ends
    return (follows or opens.search(before) is not None) and _ENDS.match(text, match.end()) is not None


def _link(match: re.Match[str], make: _Make) -> Link:
    groups = match.groupdict()
    first = "c" if groups.get("c") else "a"
    second = _read(match, "b") if groups.get("b") else Number(Fraction(0))
    node = make(_read(match, first), second)
    if groups.get("fold"):
        node = Row((Number(Fraction(_FOLD[folded(groups["fold"])])), node), ("*",), (False,))
    elif groups.get("part"):
        many = _NAMES.get(folded(groups["many"] or "one"), 1)
        share = Over(Number(Fraction(many)), Number(Fraction(_PARTS[folded(groups["part"])])))
        node = Row((share, node), ("*",), (False,))
    return _between(match, Side(node, *match.span("left"), units=_units(match, "a", "b")))


def _reckoned(match: re.Match[str]) -> Link:
    try:
        left = Side(parse(tokenize(match["left"])), match.start("left"), match.end("left"))
    except UnreadError:
        return Link(None, None, "is", match.end("left"), match.start("r"), maths=False)
    return _between(match, left)


def _between(match: re.Match[str], left: Side) -> Link:
    right = Side(_read(match, "r"), match.start("r"), match.end("r_unit"), units=_units(match, "r"))
    return Link(left, right, "is", left.end, right.start, maths=False)


def _read(match: re.Match[str], name: str) -> Node:
    said = folded(match[name]).replace(",", "")
    number = Number(Fraction(_NAMES[said])) if said in _NAMES else Number(Fraction(said), len(said.partition(".")[2]))
    unit = folded(match.groupdict().get(f"{name}_unit") or "").strip(" -")
    return Measured(number, unit) if unit else number


def _units(match: re.Match[str], *names: str) -> frozenset[str]:
    said: Iterator[str] = (match.groupdict().get(f"{name}_unit") or "" for name in names)
    money = {"$"} if "$" in match[0] else set()
    return frozenset(word for words in said for word in folded(words).replace("-", " ").split()) | money
