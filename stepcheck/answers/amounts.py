r"""Tokens → amounts: a number or an expression, its magnitude, its unit or currency, or several of them that are one.

`18 dollars and 50 cents`, `3 \text{ million}`, `100万元`, `6\pi \text{ cm}^2`, `5 ft 3 in`, `US$15`, `two thirds`.
Refuses what is left over: an amount takes all tokens or none.
"""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from stepcheck.answers.expressions import expression
from stepcheck.answers.functions import ANGLED, FUNCTIONS
from stepcheck.answers.numerals import Numeral
from stepcheck.answers.tokens import Token, Tokens, written
from stepcheck.answers.tree import Tree, exact, negative, number, variables
from stepcheck.answers.units import Unit, currency_signs, known, money_too, unit
from stepcheck.answers.values import Amount
from stepcheck.answers.words import LETTERS, magnitude, number_in_words

MOST_PARTS = 4
SMALLEST_LABEL = 3
_ABOUT = frozenset({
    "about", "approximately", "around", "roughly", "nearly", "exactly", "only", "just", "circa", "ungefähr", "etwa",
    "environ", "approx", "约", "大约", "共", "共有", "一共", "总共", "almost", "precisely", "a", "total", "of",
})  # fmt: skip
_PERCENT = frozenset({
    "percent", "pct", "prozent", "процентов", "процента", "процент", "percents",
})  # fmt: skip
_TWO_WORD_PERCENTS = frozenset({
    ("per", "cent"), ("por", "ciento"), ("pour", "cent"), ("per", "cents"), ("per", "cento"), ("por", "cento"),
    ("percentage", "points"), ("percent", "points"),
})  # fmt: skip
_AND = frozenset({"and", "und", "et", "y", "和", "又", "и", "e"})
_PRODUCTS_TOO = frozenset({"mg", "ms", "ft", "ha", "pt", "mi", "in", "hr", "cal"})
"""Units that may as well be products of variables where no blank stands before them, as one letter may."""
_MARKS = {"'": "ft", "''": "in", '"': "in"}
_TURNS = {"'": Fraction(1, 60), "''": Fraction(1, 3600), '"': Fraction(1, 3600)}


def amounts(found: Tokens) -> tuple[Amount, ...]:
    """Read tokens as an amount in all plausible ways, the likeliest first; nothing if they are none."""
    found = _bare(found)
    if not found:
        return ()
    whole = _compound(found)
    return (whole,) if whole else _simple(found)


def _bare(found: Tokens) -> Tokens:
    """Drop words before an amount that do not change it, and the `of` between a magnitude and its unit."""
    while len(found) > 1 and _changes_nothing(found):
        found = found[1:]
    kept: list[Token] = []
    for token in found:
        if token.text in {"de", "of", "d"} and kept and magnitude(kept[-1]):
            continue
        if not (token.is_sign("'") and kept and magnitude(kept[-1])):
            kept.append(token)
    return tuple(kept)


def _changes_nothing(found: Tokens) -> bool:
    first, second = found[0], found[1]
    if first.is_sign("≈", "~"):
        return True
    if first.kind != "word" or first.text.lower() not in _ABOUT:
        return False
    return first.text.lower() != "a" or (second.text.lower() in _ABOUT and len(second.text) > 1)


def _simple(found: Tokens) -> tuple[Amount, ...]:
    """Read one amount, with its sign and with its currency before or behind it."""
    if found[0].is_sign("-", "+") and len(found) > 1:
        money = _prefixed(found[1:])
        if money:
            return tuple(_negated(one) if found[0].text == "-" else one for one in money)
    return _prefixed(found) or _measured(found)


def _negated(one: Amount) -> Amount:
    return replace(one, tree=negative(one.tree))


def _prefixed(found: Tokens) -> tuple[Amount, ...]:
    """Read an amount with a currency before it: $5, US$ 15, Rs. 500, EUR 3 million, $5 per hour."""
    for length in (3, 2, 1):
        sign = written(found[:length])
        if len(found) <= length or sign not in currency_signs():
            continue
        entry, rest = known(sign), found[length:]
        rest = rest[1:] if rest[0].is_sign(".") and len(rest) > 1 else rest
        if entry is None:
            continue
        money = Unit(entry[0], entry[1], currencies=entry[3])
        found_amounts = []
        for one in _measured(rest, money=True):
            joined = _joined(money, one.unit)
            if joined is not None:
                found_amounts.append(replace(one, unit=joined, glued=False))
        return tuple(found_amounts)
    return ()


def _joined(money: Unit, other: Unit) -> Unit | None:
    """Put together a currency before a number and a unit behind it: $5 dollars, $5 per hour, $5 in total."""
    if other.is_none or (other.label and not other.dimensions):
        return money
    if other.is_money and other.dimensions == money.dimensions:
        both = money.currencies & other.currencies
        return replace(money, currencies=both) if both and other.size == money.size else None
    if all(power < 0 for _, power in other.dimensions):
        dimensions = tuple(sorted((*money.dimensions, *other.dimensions)))
        return Unit(dimensions, money.size * other.size, currencies=money.currencies)
    return None


def _measured(found: Tokens, *, money: bool = False) -> tuple[Amount, ...]:
    """Read a number or expression with or without a unit behind it."""
    readings: list[Amount] = []
    for place in range(1, len(found)):
        if not _may_begin_unit(found, place, money=money):
            continue
        measured = Unit(label=found[place].text) if written(found[place:]) in _MARKS else unit(found[place:])
        head = _number(found[:place], money=money) if measured is not None else None
        if head is None or measured is None:
            continue
        readings.append(replace(head, unit=measured, glued=_is_glued(found[place:])))
        if len(found) == place + 1 and (entry := money_too(found[place].text.lower())):
            readings.append(replace(head, unit=Unit(entry[0], entry[1], currencies=entry[3])))
        break
    plain = _number(found, money=money)
    if plain is None:
        return tuple(readings)
    if not variables(plain.tree) and readings and not readings[0].unit.dimensions:
        return (plain,)  # two thirds are no thirds
    return (plain, *readings) if readings and readings[0].glued else (*readings, plain)


def _is_glued(tail: Tokens) -> bool:
    first = tail[0]
    short = first.kind == "word" and first.text.isascii() and (len(first.text) == 1 or first.text in _PRODUCTS_TOO)
    return short and not first.upright and not first.spaced


def _may_begin_unit(found: Tokens, place: int, *, money: bool) -> bool:
    """Whether a unit or label may begin here."""
    token, before = found[place], found[place - 1]
    if token.is_sign("°") and any(one.text in ANGLED for one in found[:place]):
        return False  # the degrees of an angle within a function
    if before.is_sign("+", "-", "*", "/", "^", "_", "±", "="):
        return False
    if token.is_sign("°", "¢", "$", "€", "£", "¥", "₹", "₩", "₽", "₫", "₺", "₱", "₪", "₦", "'", "''", '"'):
        return True
    if token.is_sign("/"):
        return money and place + 1 < len(found) and found[place + 1].kind == "word"
    if token.kind == "command":
        return token.text == "Omega"
    return token.kind == "word" and _is_unit_word(token, found[place + 1] if place + 1 < len(found) else None)


def _is_unit_word(token: Token, following: Token | None) -> bool:
    """Whether a word may be the first of a unit or label."""
    if token.text == "min":
        return following is None or not following.is_sign("(", "{", "_")
    word, after = token.text.lower(), following.text.lower() if following else ""
    if token.text in FUNCTIONS or magnitude(token) or word in _PERCENT or (word, after) in _TWO_WORD_PERCENTS:
        return False
    if known(token.text) or word in {"square", "sq", "cubic", "cu", "per", "degrees", "fl"}:
        return True
    return token.upright or not token.text.isascii() or (token.spaced and len(token.text) >= SMALLEST_LABEL)


def _number(found: Tokens, *, money: bool = False) -> Amount | None:
    """Read a number with its sign, percent sign and magnitude; or an expression."""
    if not found:
        return None
    rest, percent = _without_percent(found)
    words = number_in_words(rest)
    if words is not None and words[1] == len(rest):
        return Amount(number(words[0]), percent=percent)
    factor = 1
    while len(rest) > 1 and (size := _magnitude(rest, money=money)):
        factor, rest = factor * size, rest[:-1]
    head = _literal(rest)
    if head is None or (factor > 1 and variables(head.tree)):
        return None
    if factor > 1:
        value = exact(head.tree)
        tree = number(value * factor) if value is not None else ("*", head.tree, number(factor))
        zeros = len(str(factor)) - 1 if str(factor).strip("0") == "1" else None
        places = None if head.places is None or zeros is None else head.places - zeros
        head = replace(head, tree=tree, places=places)
    return replace(head, percent=percent)


def _magnitude(found: Tokens, *, money: bool) -> int | None:
    """Return the magnitude that the last token names: a word, or a letter behind an amount of money or a number."""
    last, before = found[-1], found[-2]
    size = magnitude(last)
    if size or (last.is_sign(".") and magnitude(before)):
        return size
    glued = before.kind == "number" and not last.spaced and last.text in {"k", "K", "M", "B"} and len(found) <= 3  # noqa: PLR2004
    return LETTERS.get(last.text) if last.kind == "word" and (glued or (money and before.kind == "number")) else None


def _without_percent(found: Tokens) -> tuple[Tokens, bool]:
    if len(found) > 1 and (found[-1].is_sign("%") or found[-1].text.lower() in _PERCENT):
        return found[:-1], True
    if len(found) > 2 and (found[-2].text.lower(), found[-1].text.lower()) in _TWO_WORD_PERCENTS:  # noqa: PLR2004 (5 per cent)
        return found[:-2], True
    if len(found) > 1 and found[0].text == "百分之":
        return found[1:], True
    return found, False


def _literal(found: Tokens) -> Amount | None:
    """Read one written number, or an expression without one."""
    sign, rest = _signed(found)
    if not rest:
        return None
    if len(rest) == 1 and rest[0].numeral is not None:
        return _of_numeral(rest[0].numeral, sign, 0)
    if rest[0].numeral is not None and (power := _power_of_ten(rest[1:])) is not None:
        return _of_numeral(rest[0].numeral, sign, power)
    words = number_in_words(rest)
    if words is not None and words[1] == len(rest):
        return Amount(number(sign * words[0]))
    parts = _han_fraction(rest) or _share(rest)
    if parts is not None:
        return Amount(number(sign * parts))
    tree = expression(found)
    return None if tree is None else Amount(tree)


def _signed(found: Tokens) -> tuple[int, Tokens]:
    if found[0].is_sign("-", "+"):
        return -1 if found[0].text == "-" else 1, found[1:]
    if found[0].text.lower() in {"minus", "negative", "负"} and len(found) > 1:
        return -1, found[1:]
    return 1, found


def _of_numeral(numeral: Numeral, sign: int, power: int) -> Amount:
    places, significant = numeral.places, numeral.significant
    if power and places is None and not numeral.repeating:
        places, significant = 0, len(str(numeral.value.numerator))
    shifted = None if places is None else places - power
    value = sign * numeral.value * Fraction(10) ** power
    return Amount(number(value), places=shifted, significant=significant, endless=numeral.repeating)


def _power_of_ten(rest: Tokens) -> int | None:
    r"""Read `\times 10^{-3}` behind a number; None if it is anything else."""
    plain = [token for token in rest if not token.is_sign("{", "}")]
    if len(plain) < 4 or not (plain[0].is_sign("*") or plain[0].text == "x") or plain[1].text != "10":  # noqa: PLR2004 (× 10 ^ 3)
        return None
    tail = plain[3:]
    negated = tail[0].is_sign("-")
    tail = tail[1:] if tail[0].is_sign("-", "+") else tail
    whole = len(tail) == 1 and tail[0].kind == "number" and tail[0].text.isdigit() and len(tail[0].text) <= 4  # noqa: PLR2004
    return (-1 if negated else 1) * int(tail[0].text) if plain[2].is_sign("^") and whole else None


def _han_fraction(rest: Tokens) -> Fraction | None:
    """Read 三分之二."""
    texts = [token.text for token in rest]
    if len(texts) == 3 and texts[1] == "分之":  # noqa: PLR2004 (two numbers)
        bottom, top = number_in_words(rest[:1]), number_in_words(rest[2:])
        return top[0] / bottom[0] if bottom and top and bottom[0] else None
    return None


def _share(rest: Tokens) -> Fraction | None:
    """Read 4 out of 5, 1 in 6."""
    texts = [token.text.lower() for token in rest[1:-1]]
    ends = [token.numeral.value for token in (rest[0], rest[-1]) if token.numeral is not None]
    if texts not in (["out", "of"], ["in"]) or len(ends) < 2 or not 0 < ends[0] <= ends[1]:  # noqa: PLR2004 (two numbers)
        return None
    return ends[0] / ends[1]


# ---- several amounts that are one


def _compound(found: Tokens) -> Amount | None:
    """Read amounts in descending units as one: 2 hours 30 minutes, 1万2千, $18 and 50 cents; None if they are not."""
    chunks = _chunks(found)
    if not 1 < len(chunks) <= MOST_PARTS:
        return None
    for first in _parts_of(chunks[0], []):
        parts = [first]
        for chunk in chunks[1:]:
            parts += _parts_of(chunk, parts)[:1]
        whole = _of_magnitudes(chunks, parts) or _of_units(parts) if len(parts) == len(chunks) else None
        if whole is not None:
            return whole
    return None


def _parts_of(chunk: Tokens, before: list[Amount]) -> list[Amount]:
    """Read one of the amounts, the likeliest first; what it is of may follow from those before it."""
    head = _number(chunk[:-1]) if before and len(chunk) > 1 else None
    if head and before[0].unit.is_money and chunk[-1].text == "分":
        return [replace(head, unit=replace(before[0].unit, size=Fraction(1, 100)))]
    if head and before[0].unit.degrees and chunk[-1].text in _TURNS:
        return [replace(head, unit=replace(before[0].unit, size=_TURNS[chunk[-1].text]))]
    if chunk[-1].text in _MARKS and len(chunk) > 1:
        chunk = (*chunk[:-1], Token("word", _MARKS[chunk[-1].text], spaced=True))
    readings = [one for one in _simple(chunk) if not one.percent and exact(one.tree) is not None]
    return sorted(readings, key=lambda one: bool(before) and one.unit.dimensions != before[0].unit.dimensions)


def _chunks(found: Tokens) -> list[Tokens]:
    """Cut before each number that follows a unit or a magnitude, with or without an and between them."""
    chunks, start = [], 0
    for place in range(1, len(found)):
        token, before = found[place], found[place - 1]
        spoken = (
            bool(known(before.text)) and token.kind == "word" and number_in_words(found[place : place + 1]) is not None
        )
        number_begins = token.kind == "number" or spoken or (token.is_sign("$", "€", "£") and place + 1 < len(found))
        joined = before.text.lower() in _AND or before.is_sign(",")
        last = found[place - 2] if joined and place >= 2 else before  # noqa: PLR2004 (what stands before the and)
        ends = last.kind == "word" or last.is_sign("°", "'", "''", '"', "¢") or (joined and last.kind == "number")
        if number_begins and ends and place > start and not (last.text in FUNCTIONS and last.text != "min"):
            chunks.append(found[start : place - 1 if joined else place])
            start = place
    return [*chunks, found[start:]]


def _of_magnitudes(chunks: list[Tokens], parts: list[Amount]) -> Amount | None:
    """Add 1 million 200 thousand."""
    if not all(one.unit.is_none for one in parts[:-1]) or not all(magnitude(chunk[-1]) for chunk in chunks[:-1]):
        return None
    values = [exact(one.tree) or Fraction(0) for one in parts]
    if any(low >= high for high, low in pairwise(values)):
        return None
    return Amount(number(sum(values, Fraction(0))), parts[-1].unit)


def _of_units(parts: list[Amount]) -> Amount | None:
    units = [one.unit for one in parts]
    fitting = all(one.dimensions == units[0].dimensions and one.dimensions for one in units)
    descending = all(low.size < high.size for high, low in pairwise(units))
    if not fitting or not descending:
        return None
    currencies = units[0].currencies
    for one in units[1:]:
        currencies &= one.currencies
    if units[0].currencies and not currencies:
        return None
    total: Tree = parts[0].tree
    sign = -1 if (exact(total) or 0) < 0 else 1
    value = sum(((exact(one.tree) or Fraction(0)) * one.unit.size / units[0].size * (sign if place else 1)
                 for place, one in enumerate(parts)), Fraction(0))  # fmt: skip
    whole = replace(units[0], currencies=currencies)
    return Amount(number(value), whole, parts=tuple(one.size for one in units))
