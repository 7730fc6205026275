"""The words that decide how a number or an equation is meant: units, operators, guesses, other systems of numbers."""

import re
from collections.abc import Iterable
from fractions import Fraction


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_DIMENSIONS = (
    (
        "s:60,3600 sec:60,3600 second:60,3600 min:60,1440 minute:60,1440 h:60,3600,24 hr:60,3600,24 hour:60,3600,24 "
        "day:24,1440,7,28,30,31,365,366 week:7,52,4,168 month:12,30,31,28,4 year:12,365,366,52,10,100 yr:12,365 "
        "decade:10 century:100 mph:60,3600 kph:60,3600 hourly:24,60 daily:7,30,365 weekly:7,52,4 monthly:12,30 "
        "yearly:12,365"
    ),
    (
        "mm:10,100,1000 cm:10,100,1000 m:10,100,1000 km:1000 meter:10,100,1000 metre:10,100,1000 kilometer:1000 "
        "kilometre:1000 millimeter:10,1000 centimeter:10,100 kph:1000"
    ),
    (
        "inch:12,36,144 foot:12,3,5280,9,144 feet:12,3,5280,9,144 ft:12,3,5280,9,144 yd:3,36,9,27 yard:3,36,9,27 "
        "mi:5280,1760 mile:5280,1760 mph:5280"
    ),
    "mg:1000 g:1000 kg:1000 gram:1000 kilogram:1000 milligram:1000 tonne:1000",
    "lb:16,2000 pound:16,2000 ounce:16 oz:16 ton:2000",
    "$:100 dollar:100 cent:100 ¢:100 euro:100 penny:100 pennies:100 pence:100 buck:100",
    "quarter:25,4 dime:10 nickel:5,20 coin:100",
    "ml:1000 l:1000 liter:1000 litre:1000 milliliter:1000",
    "gallon:4,8,16,128 quart:4,2,32 pint:2,8,16 cup:2,4,16,8 tablespoon:3,16 teaspoon:3,48 tbsp:3,16 tsp:3",
    "dozen:12 pair:2 score:20 gross:144 couple:2",
    (
        "kb:8,1000,1024 mb:8,1000,1024 gb:8,1000,1024 tb:1000,1024 kilobyte:8,1000,1024 megabyte:8,1000,1024 "
        "gigabyte:8,1000,1024 byte:8 bit:8"
    ),
    "degree:180,360 radian:180,360 rad:180,360 revolution:360",
)
"""What each unit measures, a line each, and by how much it may differ from others of its line."""
UNITS: dict[str, frozenset[int]] = {}
_RATIOS: dict[str, frozenset[int]] = {}
for _index, _line in enumerate(_DIMENSIONS):
    for _entry in _line.split():
        _name, _, _numbers = _entry.partition(":")
        for _form in (_name, _name + "s", _name + "es"):
            UNITS[_form] = UNITS.get(_form, frozenset()) | {_index}
            _RATIOS[_form] = _RATIOS.get(_form, frozenset()) | set(map(int, _numbers.split(",")))


def converts(ratio: Fraction, units: Iterable[str], *, twice: bool = False) -> bool:
    """Whether a result differs by what a change of these units makes of it, or a change of two of them."""
    ratio = abs(ratio)
    ratios = {1, *(number for unit in units for number in _RATIOS.get(unit, ()))}
    if any(ratio == r or ratio * r == 1 for r in ratios if r > 1):
        return True
    return twice and any(ratio * a == b for a in ratios for b in ratios)


SCALES = _words(
    "hundred hundreds thousand thousands million millions billion billions trillion halves thirds fourths fifths",
    "quarters k mil mln bn",
)
"""Words that multiply the number before them: a claim with one is left unread."""

NOT_BEFORE = _words(
    "of times than minus plus over divided multiplied from mod modulo to per into power root squared cubed half third",
    "thirds quarter quarters fourth fourths fifth fifths twice double triple thrice percent less more fewer between",
    "log sin cos tan ln log2 exp lg mean median average choose under out every most least about version no number",
    "base negative point sqrt",
)
"""A calculation directly after one of these may be a part of a longer one."""

NOT_OF = _words(
    "half third thirds quarter quarters fourth fourths fifth fifths sixth sixths eighth tenth percent twice double",
    "triple average mean median root square cube ratio factor factors multiple multiples digit digits remainder",
    "logarithm power reciprocal inverse negative value values out most rest percentage % fraction portion maximum",
    "minimum max min floor ceiling",
)
"""`total of 3 + 4` is a sum; `half of 3 + 4` is not."""

NOT_AFTER = _words(
    "times plus minus over divided multiplied mod modulo remainder choose squared cubed to or x percent percentage",
    "less more fewer greater with r rem out half per of and a",
)
NOT_AFTER |= SCALES
"""A number directly before one of these may be a part of something longer."""

FINE_AFTER = _words(
    "times and less more fewer greater with or to out a of per half",
)
"""Of these, the ones that only matter after a bare `is`."""

FINE_TO = _words(
    "amount amounts amounted come comes came equal equals add adds added sum sums up total translates translate lead",
    "leads simplifies reduces work works price cost bill balance out",
)
"""`comes to 3 + 4`."""

LABELS = _words(
    "day days week weeks month months year years step steps part parts case cases section chapter chapters page pages",
    "grade grades class room question questions problem problems number numbers figure example method option equation",
    "eq line row column game round test team group company store shop person item level stage phase trip version no",
    "type set bag box bucket jar train car house floor block student child sample quarter season",
)
"""`week 3` is a name, not a number of weeks."""

DETERMINERS = _words(
    "the a an his her their its our your my this that these those each every all another",
)
"""What may stand between a word and what it governs."""

VERBS = _words(
    "is are was were be been has have had having get gets got gives gave give make makes made pay pays paid spend",
    "spends spent earn earns earned cost costs sell sells sold buy buys bought need needs needed leave leaves left",
    "take takes took eat eats ate use uses used do does did will would can could should must then so that which who",
    "and but because since thus hence therefore now in on at for as if when while he she it they we you i there here",
    "this these those equals equal total totals totaling yields yield becomes become find finds found calculate",
    "compute add simplify before after during until around near without within through receives receive received",
    "contains contain holds hold drives drove runs ran walks walked works worked",
)
"""Words that are no unit, and after which a calculation can begin."""

_NO_NUMBERS = re.compile(
    r"\\[bp]?mod(?![a-z])|\\equiv|≡|\bmod(?:ulo|ular|ulus)?\b"
    r"|\bremainders?\s+(?:when|upon|after|if|on|is|by|are|\d)"
    r"|\bcongruen|\bbase[- ]?(?:\d|_|\$|\\\(|two\b|three\b|four\b|five\b|six\b|seven\b|eight\b|nine\b|ten\b|b\b)"
    r"|\bbases\b|\bbinary\b|\boctal\b|\bhexadecimal\b|\bcryptarithm|_\{?\d+\}?\s*[-+=]|\d_\{?\w",
    re.IGNORECASE,
)
_OTHER_SIGNS = re.compile(
    r"\boperation\b|\bdefine[sd]?\b|\bstands? for\b|\binterchang|\bmeans? (?:add|subtract|multipl|divi)|\bsymbols?\b"
    r"|\b(?:insert|plac)\w* (?:parenthes|bracket|plus|minus|sign|operat)"
    r"|\b(?:equation|statement|addition|sum|calculation)"
    r"s? (?:is|are|below is|shown is) (?:incorrect|wrong|false|not)",
    re.IGNORECASE,
)
_GUESS = re.compile(
    r"\b(?:whether|suppose|supposing|assume[sd]?|assuming|guess\w*|try|tries|trying|test(?:ing|ed)?|hypothe\w*"
    r"|incorrect\w*|wrong\w*|mistake\w*|false\w*)\b|\bnot\b(?:\W+\w+){0,2}\W*$"
    r"|\\neq?(?![a-z])|≠|[?？]|✗|✘|假设|如果|矛盾|不",
    re.IGNORECASE,
)
"""Before a claim, in its sentence: it is only tried, or denied."""
_REVOKED = re.compile(
    r"\b(?:contradict\w*|impossib\w*|not possible|not (?:true|equal|valid|correct|right|hold|work|satisf\w*|match"
    r"|a solution|consistent|what)|(?:doesn't|does not|don't|do not) (?:hold|work|equal|satisf\w*|match|make sense"
    r"|add up)|invalid|inconsisten\w*|incorrect\w*|(?:is|was|be|are) (?:wrong|false)|mistake|untrue"
    r"|actually,|wait,|no (?:real |integer )?"
    r"solutions?|fails to)\b|\\neq?(?![a-z])|≠|矛盾",
    re.IGNORECASE,
)
"""After it, and in the next sentence: it is taken back."""
_DENIAL = re.compile(
    r"[?？]|✗|✘|不|^\W*(?:(?:which|and|but|that|this|is|are|was|does|do)\W+){0,3}(?:not|n't)\b", re.IGNORECASE
)
"""Directly after it, or anywhere up to the end of its sentence."""
_ROUGH = re.compile(
    r"\b(?:approx\w*|about|around|roughly|nearly|almost|estimat\w*|round\w*|nearest|close to|truncat\w*"
    r"|(?:floor|ceiling) (?:of|function)|significant|decimal places?)\b|\\approx|≈|\\sim|\\lfloor|\\lceil|约",
    re.IGNORECASE,
)


def other_numbers(text: str) -> bool:
    """Whether remainders, other bases or a clock may be reckoned with."""
    return _NO_NUMBERS.search(text) is not None


def other_signs(problem: str) -> bool:
    """Whether the problem gives the usual signs another meaning, or shows equations that are wrong."""
    return _OTHER_SIGNS.search(problem) is not None


def denied(before: str, after: str, later: str) -> bool:
    """Whether what stands near a claim denies it, or only tries it: its sentence up to it and from it, and the next."""
    near = ((_GUESS, before), (_DENIAL, after), (_REVOKED, after), (_REVOKED, later))
    return any(pattern.search(text) is not None for pattern, text in near)


def rough(text: str) -> bool:
    """Whether numbers may be meant roughly."""
    return _ROUGH.search(text) is not None


def singular(word: str) -> str:
    """Take an s from the end."""
    return word[:-1] if word.endswith("s") and len(word) > 2 else word  # noqa: PLR2004 (s and ms are no plurals)
