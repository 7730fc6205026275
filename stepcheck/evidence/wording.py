"""What stands in words before a calculation and between its numbers: `sold 30 cups that were full + 15 in the evening`.

Owns what such words may be, and the numbers among them. Leaves alone what reckons itself: halves, times, averages.
"""

from collections.abc import Sequence
from fractions import Fraction

from stepcheck.evidence import words
from stepcheck.evidence.tokens import Token

MOST_BETWEEN = 12
"""Words between a number and what is done with it."""
MOST_BEFORE = 3
"""Numbers in the sentence before a calculation of which one has to be sure."""

_COUNTS = "one two three four five six seven eight nine ten eleven twelve"
_RECKON = words.listed(
    "half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths eighth eighths tenth tenths",
    "twice double doubled triple tripled thrice quadruple times percent percentage squared cubed root cube power log",
    "mean median ratio ratios fraction fractions remainder mod modulo digit digits minus plus than each every both",
    "less fewer apiece respectively multiple multiples factor factors square squares cubes proportion per-cent dozen",
    "dozens",
    "sin cos tan ln exp lg choose between degrees logarithm reciprocal inverse factorial halved if whether",
    "hundred hundreds thousand million billion",
    _COUNTS,
)
"""Words that reckon with the numbers beside them, or are numbers."""
_JOINS = words.listed("or because so since then hence thus therefore while when but where whereas as unless if")
"""Between them stand two statements."""
_SHARED = words.listed("each every both", _COUNTS)
"""Harmless in the words before a calculation: what is given to each is reckoned after it, or the numbers tell."""
_CLAUSES = words.listed(
    "is are was were has have had get gets got gives gave makes made pays paid spends spent earns earned costs cost",
    "sells sold buys bought needs needed leaves left takes took eats ate uses used does did will would can could that",
    "who which so because since then thus hence therefore but equals requires required receives received becomes",
    "be have get give make pay spend earn sell buy need leave take eat use do require receive become leaving making",
    "totaling giving meaning adds contains contain consists consist holds hold sum totals wins win covers",
)
"""Words after which the numbers before them are no part of what is reckoned."""
_CHANGES = words.listed(
    "add adding added adds subtract subtracting subtracted subtracts multiply multiplying multiplied multiplies divide",
    "dividing divides compare comparing compared from between ratio scaled",
)
"""`adding it to 4 + 5`."""
_OWN = words.DETERMINERS - {"the", "these", "those"} | {"per"}
"""`that day 30 + 40`: not a day with a number."""
MODALS = words.listed("can could will would to must should may might")
"""`can store 30 * 4`: not a store with a number."""
_FITS = words.listed("goes go going fit fits went")
"""`goes into 4 + 5`."""
_PICKS = words.listed(
    "maximum minimum max min larger smaller greater lesser largest smallest greatest gcd lcm hcf divisor common",
)
"""`the larger of 3 and 4 + 5`."""
_TAKEN = words.listed(
    "a an the his her their its our my your this that these those another other more additional extra original",
    "remaining initial first last new old all",
)
"""What may stand between a sign and its number: `+ her original $275`."""
_NUMBERS = {name: Fraction(worth) for worth, name in enumerate(_COUNTS.split(), start=1)} | {
    "twice": Fraction(2),
    "double": Fraction(2),
    "triple": Fraction(3),
    "half": Fraction(1, 2),
    "both": Fraction(2),
}


def numbers_before(tokens: Sequence[Token]) -> tuple[Fraction, ...]:
    """The numbers before a calculation, written out or not, that may belong to it."""
    found: list[Fraction] = []
    for token in tokens:
        if token.kind == "number":
            found.append(token.value)
        elif token.kind == "word" and token.text in _NUMBERS:
            found.append(_NUMBERS[token.text])
    return tuple(dict.fromkeys(found[-MOST_BEFORE:]))


def picks(before: Sequence[Token]) -> bool:
    """Whether one of several numbers is taken, of which the calculation is one."""
    return any(token.text in _PICKS for token in before)


def apart(before: Sequence[Token]) -> bool:
    """Whether a verb or a new clause stands between the last number before a calculation and the calculation."""
    if len(before) > 1 and before[-1].text == "of" and before[-2].text in ("total", "difference"):
        return True
    for token in reversed(before):
        if token.kind == "word" and token.text in _CLAUSES:
            return True
        if token.kind in ("number", "close") or (token.kind == "word" and token.text in _NUMBERS):
            return False
    return True


def begins(before: Sequence[Token], run: Sequence[Token]) -> bool:
    """Whether a calculation begins after these words that nothing shows to be a part of a longer one."""
    said = {token.text for token in before if token.kind == "word"}
    if run[0].kind == "operator" or said & _RECKON - _SHARED or any(token.kind == "unknown" for token in before):
        return False
    while before and (before[-1].text in words.DETERMINERS or _article(before[-1])):
        before = before[:-1]
    if not before or before[-1].kind == "comma":
        return True
    return before[-1].kind == "word" and _introduces(before[-1], before[:-1], run[0], said)


def _changes(before: Sequence[Token]) -> bool:
    """Whether something but one number is added to a calculation, or taken from it: `adding it to 4 + 5`."""
    at = [index for index, token in enumerate(before) if token.text in _CHANGES]
    return bool(at) and sum(token.kind == "number" for token in before[at[-1] :]) != 1


def _introduces(word: Token, before: Sequence[Token], number: Token, said: set[str]) -> bool:
    """Whether the last word before a calculation lets one begin."""
    last = before[-1] if before else None
    if last is not None and last.kind in ("number", "close"):
        return False  # `6 ft 2 in + 3 in`
    if word.text in words.LABELS and number.kind == "number":
        return last is not None and last.text in MODALS | _OWN
    before_it = last.text if last is not None and last.kind == "word" else ""
    match word.text:
        case "to":
            lets = not _changes(before)
        case "into":
            lets = not said & _FITS
        case "from":
            lets = before_it == "made"
        case "of":
            lets = before_it not in words.NOT_OF | {""}
        case _:
            lets = word.text not in words.NOT_BEFORE - {"most", "least", "about"} | {"by"}
    return lets


def condensed(tokens: Sequence[Token]) -> tuple[tuple[Token, ...], int]:
    """Leave out the words of the calculation that ends with the tokens, but one behind each number; tell its beginning.

    The calculation is empty where the words reckon themselves.
    """
    kept: list[Token] = []
    at = len(tokens)
    while (gap := _gap(tokens, at)) is not None:
        run_end, unit = gap
        run_start = _run_start(tokens, run_end)
        if run_start == run_end:
            break
        run = tokens[run_start:run_end]
        counts = run[-1].kind in ("number", "close") or run[-1].text == "%"
        joins = run[-1].kind == "operator" and not counts
        if kept and (kept[0].kind == "operator") == joins:
            break  # two numbers side by side, or two signs
        if joins and not _introduced(tokens[run_end:at]):
            break
        if not (counts or joins):
            break
        kept = [*run, *([unit] if counts and unit is not None else []), *kept]
        at = run_start
        if run[0].kind != "operator" and not goes_on(tokens, run_start):
            break
    return tuple(kept), at


def goes_on(tokens: Sequence[Token], at: int) -> bool:
    """Whether a sign stands before the words before this place."""
    while at > 0 and tokens[at - 1].kind == "word" and _takes(tokens[at - 1].text):
        at -= 1
    return at > 0 and tokens[at - 1].kind == "operator"


def _introduced(between: Sequence[Token]) -> bool:
    return all(token.kind == "word" and _takes(token.text) for token in between)


def _takes(word: str) -> bool:
    return word in _TAKEN or word.endswith(("'s", "’s"))


def _gap(tokens: Sequence[Token], end: int) -> tuple[int, Token | None] | None:
    """Go back over words; tell where they begin, and the first of them. None where they reckon, or are too many."""
    at, first = end, None
    while at > 0:
        token = tokens[at - 1]
        if token.kind == "word" or (at < end and _article(token) and tokens[at].kind == "word"):
            if token.text in _RECKON | _JOINS:
                return None
            first = token if token.kind == "word" and token.text not in words.VERBS | words.NOT_AFTER else first
            at -= 1
        elif token.text == "/" and at < end and at > 1 and {tokens[at].kind, tokens[at - 2].kind} == {"word"}:
            at -= 1  # `blocks/walk`
        elif token.kind == "close" and token.text == ")" and (noted := _note(tokens, at)) is not None:
            at = noted
        else:
            break
    return None if end - at > MOST_BETWEEN else (at, first)


def _article(token: Token) -> bool:
    return token.kind == "letter" and token.text in "aAI" and not token.maths and token.spaced


def _note(tokens: Sequence[Token], end: int) -> int | None:
    """Find where a note in brackets begins: `(from 3 miles)`, behind a number or a word."""
    for at in range(end - 2, max(0, end - 2 - MOST_BETWEEN), -1):
        token = tokens[at]
        if token.kind == "open":
            noted = tokens[at + 1].kind == "word" and at > 0 and tokens[at - 1].kind in ("number", "word")
            return at if noted else None
        if token.kind not in ("word", "letter", "number", "comma") and token.text != "/":
            return None
    return None


def _run_start(tokens: Sequence[Token], end: int) -> int:
    """Find where the tokens without words begin that end here."""
    at, depth = end, 0
    while at > 0:
        token = tokens[at - 1]
        depth += {"close": 1, "open": -1}.get(token.kind, 0)
        if depth < 0 or token.maths or (depth == 0 and token.kind not in _CALCULATED):
            break
        if depth == 1 and token.text == ")" and _note(tokens, at) is not None:
            break
        if token.kind == "letter" and not (depth or token.text in "xX"):
            break
        at -= 1
    return at


_CALCULATED = ("number", "operator", "open", "close", "command", "vulgar", "letter")
