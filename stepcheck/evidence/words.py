"""The words that decide how a number or an equation is meant: units, operators, guesses, other systems of numbers."""

import re
from collections.abc import Iterable
from fractions import Fraction

from stepcheck.patterns import regex


def listed(*lines: str) -> frozenset[str]:
    """Make a set of the words in some lines."""
    return frozenset(" ".join(lines).split())


_DIMENSIONS = (
    (
        "s=1:60 sec=1:60 second=1:60 min=60:60 minute=60:60 h=3600:60,24 hr=3600:60,24 hour=3600:60,24 "
        "day=86400:24,7,30,365 week=604800:7,52,4 month=2592000:12,30,4 year=31536000:12,365,52 "
        "yr=31536000:12,365 decade=315360000:10 century=3153600000:100 mph=3600:60,3600 kph=3600:60,3600 "
        "hourly=3600:24 daily=86400:7,30,365 weekly=604800:7,52 monthly=2592000:12 yearly=31536000:12"
    ),
    (
        "mm=1:10,100,1000 cm=10:10,100 m=1000:10,100,1000 km=1000000:1000 meter=1000:10,100,1000 "
        "metre=1000:10,100,1000 kilometer=1000000:1000 kilometre=1000000:1000 millimeter=1:10,1000 "
        "centimeter=10:10,100 kph=1000000:1000"
    ),
    (
        "inch=1:12,36 foot=12:12,3,5280 feet=12:12,3,5280 ft=12:12,3,5280 yd=36:3,36 yard=36:3,36 "
        "mi=63360:5280,1760 mile=63360:5280,1760 mph=63360:5280"
    ),
    (
        "mg=1:1000 g=1000:1000 kg=1000000:1000 gram=1000:1000 kilogram=1000000:1000 milligram=1:1000 "
        "tonne=1000000000:1000"
    ),
    "lb=16:16 pound=16:16 ounce=1:16 oz=1:16 ton=32000:2000",
    ("$=100:100 dollar=100:100 cent=1:100 ¢=1:100 euro=100:100 penny=1:100 pennies=1:100 pence=1:100 buck=100:100"),
    "quarter=25:25,4 dime=10:10 nickel=5:5,20 coin=1:100",
    "ml=1:1000 l=1000:1000 liter=1000:1000 litre=1000:1000 milliliter=1:1000",
    (
        "gallon=768:4,8,16,128 quart=192:4,2 pint=96:2,8 cup=48:2,4,16 tablespoon=3:3,16 teaspoon=1:3 tbsp=3:3,16 "
        "tsp=1:3"
    ),
    "dozen=12:12 pair=2:2 score=20:20 gross=144:144 couple=2:2",
    (
        "kb=1000:8,1000,1024 mb=1000000:8,1000,1024 gb=1000000000:8,1000,1024 tb=1000000000000:1000,1024 byte=8:8 "
        "bit=1:8 kilobyte=1000:8,1000,1024 megabyte=1000000:8,1000,1024 gigabyte=1000000000:8,1000,1024"
    ),
    "degree=1:180,360 radian=1:180,360 rad=1:180,360 revolution=360:360",
)
"""What each unit measures, a line each: its size, and by how much it may differ from one that is not named."""
UNITS: dict[str, dict[int, Fraction]] = {}
"""The size of each unit, by what it measures."""
_RATIOS: dict[str, frozenset[int]] = {}
for _index, _line in enumerate(_DIMENSIONS):
    for _entry in _line.split():
        _name, _size, _numbers = re.split("[=:]", _entry)
        for _form in (_name, _name + "s", _name + "es"):
            UNITS.setdefault(_form, {})[_index] = Fraction(_size)
            _RATIOS[_form] = _RATIOS.get(_form, frozenset()) | set(map(int, _numbers.split(",")))


def converts(ratio: Fraction, units: Iterable[str]) -> bool:
    """Whether a result differs by what a change of units makes of it: from one named to another, or to one that is not.

    Of two things that are measured (kilometres, and hours) both may have been changed.
    """
    ratio, units = abs(ratio), set(units)
    hidden = {number for unit in units for number in _RATIOS.get(unit, ())}
    if any(ratio == number or ratio * number == 1 for number in hidden if number > 1):
        return True
    made = changes(units)
    once = [change for found in made for change in found]
    twice = [a * b for i, found in enumerate(made) for other in made[i + 1 :] for a in found for b in other]
    return ratio in once or ratio in twice


def hidden(unit: str) -> frozenset[int]:
    """By how much a unit of several words may differ from one that is not named: 12 for `dozen eggs`."""
    return frozenset(ratio for word in unit.split() for ratio in _RATIOS.get(word, ()) if ratio > 1)


def changes(units: Iterable[str]) -> list[set[Fraction]]:
    """List, for everything that is measured, the ratios of its named units to one another."""
    sizes: dict[int, set[Fraction]] = {}
    for unit in units:
        for dimension, size in UNITS.get(unit, {}).items():
            sizes.setdefault(dimension, set()).add(size)
    return [{a / b for a in found for b in found if a != b} for found in sizes.values() if len(found) > 1]


SCALES = listed(
    "hundred hundreds thousand thousands million millions billion billions trillion halves thirds fourths fifths",
    "quarters k mil mln bn am pm a.m p.m o'clock o’clock noon midnight",
)
"""Words that multiply the number before them, or make it an hour of the day: a claim with one is left unread."""

NOT_BEFORE = listed(
    "of times than minus plus over divided multiplied from mod modulo to per into power root squared cubed half third",
    "thirds quarter quarters fourth fourths fifth fifths twice double triple thrice percent less more fewer between",
    "log sin cos tan ln log2 exp lg mean median average choose under out every most least about version no number",
    "base negative point sqrt",
)
"""A calculation directly after one of these may be a part of a longer one."""

NOT_OF = listed(
    "half third thirds quarter quarters fourth fourths fifth fifths sixth sixths eighth tenth percent twice double",
    "triple average mean median root square cube ratio factor factors multiple multiples digit digits remainder",
    "logarithm power reciprocal inverse negative values out most rest percentage % fraction portion",
    "floor ceiling",
)
"""`total of 3 + 4` is a sum; `half of 3 + 4` is not."""

NOT_AFTER = listed(
    "times plus minus over divided multiplied mod modulo remainder choose squared cubed to or x percent percentage",
    "less more fewer greater with r rem out half per of and a",
)
NOT_AFTER |= SCALES
"""A number directly before one of these may be a part of something longer."""

FINE_AFTER = listed(
    "times and less more fewer greater with or to out a of per half",
)
"""Of these, the ones that only matter after a bare `is`."""

FINE_TO = listed(
    "amount amounts amounted come comes came equal equals add adds added sum sums up total translates translate lead",
    "leads simplifies reduces work works price cost bill balance out",
)
"""`comes to 3 + 4`."""

LABELS = listed(
    "day days week weeks month months year years step steps part parts case cases section chapter chapters page pages",
    "grade grades class room question questions problem problems number numbers figure example method option equation",
    "eq line row column game round test team group company store shop person item level stage phase trip version no",
    "type set bag box bucket jar train car house floor block student child sample quarter season",
)
"""`week 3` is a name, not a number of weeks."""

DETERMINERS = listed(
    "the a an his her their its our your my this that these those each every all another",
)
"""What may stand between a word and what it governs."""

PHRASES = listed("on in at for from during of the his her their a an this that each per with")
"""What may stand in the middle of a unit: `48 cookies in the morning + 29 cookies at lunch`."""

WITH_ONE = listed(
    "weigh weighs mine mines total totals exactly only just now additional extra deliver delivers collect collects",
    "that’s that's it’s it's there’s there's he’s she’s bake bakes save saves cook cooks plant plants read reads write",
    "writes paint paints catch catches drink drinks walk walks run runs drive drives travel travels visit visits",
    "produce produces average averages want wants carry carries hold holds lose loses win wins score",
    "scores add adds raise raises charge charges finish finishes grow grows bring brings order orders include includes",
    "complete completes serve serves owe owes with sold by to sent tell tells last lasts left measure measures",
)
"""Words after which a number before an equals sign stands for itself: `weighs 13 = 9 + 4`."""

VERBS = listed(
    "is are was were be been has have had having get gets got gives gave give make makes made pay pays paid spend",
    "spends spent earn earns earned cost costs sell sells sold buy buys bought need needs needed leave leaves",
    "take takes took eat eats ate use uses used do does did will would can could should must then so that which who",
    "and but because since thus hence therefore now in on at for as if when while he she it they we you i there here",
    "this these those equals equal totaling yields yield becomes become find finds found calculate",
    "compute add simplify before after during until around near without within through receives receive received",
    "contains contain holds hold drives drove runs ran walks walked works worked",
)
"""Words that are no unit, and after which a calculation can begin."""

_NO_NUMBERS = regex(
    r"\\[bp]?mod(?![a-z])|\\equiv|≡|\bmod(?:ulo|ulus|ular arithmetic)?\b"
    r"|\bremainders?\s+(?:when|upon|after|by|of \d|\d)"
    r"|\\mathbb\s*\{?[FZ]\}?\s*_|\b[ZF]_\{?\d|\\oplus|\bxor\b|\bnim\b|\bfinite field"
    r"|\b(?:12|24)-hour clock|\bclock arithmetic"
    r"|\b(?:units?|ones|last|final|tens|hundreds|rightmost|leading) (?:two |three )?digits?\b"
    r"|\b(?:number of|how many) digits\b|\bcongruen"
    r"|\bbase[- ]?(?:\d|_|\$|\\\(|two\b|three\b|four\b|five\b|six\b|seven\b|eight\b|nine\b|ten\b|b\b)"
    r"|\bbases\b|\bbinary\b|\boctal\b|\bhexadecimal\b|\bcryptarithm|_\{?\d+\}?\s*[-+=]|\d_\{?\w",
    re.IGNORECASE,
)
_OTHER_SIGNS = regex(
    r"\boperations?\b[^.]*[=@#\\]|\bdefine[sd]?\b[^.]*=|\bsymbols?\b[^.]*[=@#\\]"
    r"|\bstands? for\b|\binterchang|\bmeans? (?:add|subtract|multipl|divi)"
    r"|\b(?:insert|plac)\w* (?:parenthes|bracket|plus|minus|sign|operat)"
    r"|\b(?:equation|statement|addition|sum|calculation)"
    r"s? (?:is|are|below is|shown is) (?:incorrect|wrong|false|not)",
    re.IGNORECASE,
)
_ANSWERS = r"(?!\s+(?:answers|questions|items|ones|problems|responses|guesses)\b)"
"""So many wrong answers were given: what is reckoned with them is not wrong for that."""
_GUESS = regex(
    r"\b(?:whether|suppose|supposing|assume[sd]?|assuming|guess(?:ing|ed)?|(?:try|tries|trying)(?!\s+to\b)|test(?:ing|ed)|hypothe\w*"
    rf"|(?:incorrect|(?<!\d )wrong){_ANSWERS}|incorrectly|wrongly|mistake(?:n\w*)?|false\w*"
    r"|(?:common|usual|typical|frequent|possible|these|those|such|the) mistakes"
    r"|(?:we|to|us|let's|me|can|now|then|and) test|not (?:true|right|correct|the case|possible|equal|valid))\b"
    r"|^\W*test\b|\bnot\b(?:\W+(?!(?:is|are|was|were|but)\b)\w+){0,2}[^\w(（:：]*$"
    r"|\\neq?(?![a-z])|≠|[?？]|✗|✘|假设|如果|矛盾|不",
    re.IGNORECASE,
)
"""Before a claim, in its sentence: it is only tried, or denied."""
_REVOKED = regex(
    r"\b(?:contradict\w*|impossib\w*|not possible|not (?:true|equal|valid|correct|right|hold|work|satisf\w*|match"
    r"|a solution|consistent|what)|(?:doesn't|does not|don't|do not) (?:hold|work|equal|satisf\w*|match|make sense"
    rf"|add up)|invalid|inconsisten\w*|incorrect{_ANSWERS}|incorrectly|(?:is|was|be|are) (?:wrong|false)|mistake|untrue"
    r"|actually,|wait,|no (?:real |integer )?"
    r"solutions?|fails to)\b|\\neq?(?![a-z])|≠|矛盾",
    re.IGNORECASE,
)
"""After it, and in the next sentence: it is taken back."""
_DENIAL = regex(r"[?？]|✗|✘|不|^\W*(?:(?:which|and|but|that|this|is|was|does)\W+){0,3}(?:not|n't)\b", re.IGNORECASE)
"""Directly after it, or anywhere up to the end of its sentence."""
_ROUGH = regex(
    r"\b(?:approx\w*|about|around(?!\s+(?:the|his|her|their|its|it|this|that|a|each|every|all|town|here|there)\b)|roughly|nearly"
    r"|almost|estimat\w*|round(?:ed|ing|s)?(?=[\s*]+(?:up|down|off|to|it|this|that|the result|our)\b|[\s,.;:)]*$)"
    r"|round(?:ed|ing)|nearest|close to|truncat\w*"
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


_SCALED = regex(r"\b(?:hundreds?|thousands?|millions?|billions?|trillions?|k)\b|千|万|亿", re.IGNORECASE)


def scaled(ratio: Fraction, near: str) -> bool:
    """Whether a result is so many thousands of what was reckoned, and the words near it say so."""
    ratio = max(abs(ratio), 1 / abs(ratio))
    return ratio in (100, 1000, 10**6, 10**9, 10**4, 10**8) and _SCALED.search(near) is not None


def singular(word: str) -> str:
    """Take an s from the end."""
    return word[:-1] if word.endswith("s") and len(word) > 2 else word  # noqa: PLR2004 (s and ms are no plurals)
