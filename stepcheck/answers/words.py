"""Words that are values: numbers in words, magnitudes, and answers such as yes, Tuesday, no solution, 偶数.

Owns these vocabularies, English and Chinese in full and of others what stands in answers. Refuses to guess: words that
are in no list are compared letter by letter, without case, articles and plural.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

from stepcheck.answers.tokens import Token
from stepcheck.answers.units import singular

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_OTHER_SMALL = (
    "null|cero|zéro|ноль", "eins|uno|один", "zwei|dos|deux|два", "drei|tres|trois|три",
    "vier|cuatro|quatre|четыре", "fünf|cinco|cinq|пять", "sechs|seis|шесть", "sieben|siete|sept|семь",
    "acht|ocho|huit|восемь", "neun|nueve|neuf|девять", "zehn|diez|dix|десять", "onze|одиннадцать",
    "zwölf|doce|douze|двенадцать", "dreizehn|trece|treize", "vierzehn|catorce|quatorze", "fünfzehn|quince|quinze",
    "sechzehn|dieciséis|seize", "siebzehn|diecisiete", "achtzehn|dieciocho", "neunzehn|diecinueve",
    "zwanzig|veinte|vingt|двадцать",
)  # fmt: skip
MAGNITUDES = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "quadrillion": 10**15, "dozen": 12, "dozens": 12, "score": 20, "gross": 144, "lakh": 10**5, "lakhs": 10**5,
    "crore": 10**7, "crores": 10**7, "mn": 10**6, "mln": 10**6, "bn": 10**9, "bln": 10**9, "trn": 10**12,
    "hundert": 10**2, "tausend": 10**3, "millionen": 10**6, "milliarde": 10**9, "milliarden": 10**9, "mio": 10**6,
    "mrd": 10**9, "dutzend": 12, "mil": 10**3, "millón": 10**6, "millones": 10**6, "docena": 12, "docenas": 12,
    "mille": 10**3, "milliard": 10**9, "milliards": 10**9, "douzaine": 12, "douzaines": 12,
    "тысяча": 10**3, "тысячи": 10**3, "тысяч": 10**3, "миллион": 10**6, "миллиона": 10**6, "миллионов": 10**6,
    "миллиард": 10**9, "миллиарда": 10**9, "миллиардов": 10**9, "milhão": 10**6, "milhões": 10**6, "bilhões": 10**9,
    "milione": 10**6, "milioni": 10**6, "miliardi": 10**9, "миллионы": 10**6, "млн": 10**6, "млрд": 10**9,
    "тыс": 10**3, "dúzia": 12, "tausende": 10**3, "hundreds": 10**2, "thousands": 10**3, "millions": 10**6,
    "billions": 10**9, "trillions": 10**12, "十": 10, "百": 100, "千": 10**3, "万": 10**4, "萬": 10**4, "亿": 10**8,
    "億": 10**8, "兆": 10**12, "百万": 10**6, "千万": 10**7, "万亿": 10**12, "百亿": 10**10, "千亿": 10**11,
    "十万": 10**5, "十亿": 10**9, "만": 10**4, "억": 10**8, "打": 12,
}  # fmt: skip
HUNDRED, TEN = 100, 10
LETTERS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12, "bn": 10**9, "mn": 10**6}
"""Behind an amount of money they are certainly magnitudes."""
_ORDINALS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "twelfth": 12, "viertel": 4, "drittel": 3, "tercio": 3, "cuarto": 4,
    "tiers": 3, "quart": 4, "hälfte": 2, "moitié": 2, "mitad": 2, "halb": 2, "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_HAN_DIGITS = {char: place for place, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_HAN_TENS = {"十": 10, "百": 100, "千": 1000}
_HAN_GROUPS = {"万": 10**4, "亿": 10**8, "兆": 10**12}

_MEANINGS = """
yes: yes yeah yep true correct 是 是的 对 正确 ja wahr oui vrai sí si verdadero sim да верно はい
no: no nope false incorrect wrong 否 不是 不对 错 错误 nein falsch non faux falso não нет неверно いいえ
monday: monday mon 星期一 周一 montag lunes lundi понедельник
tuesday: tuesday tue tues 星期二 周二 dienstag martes mardi вторник
wednesday: wednesday wed 星期三 周三 mittwoch miércoles mercredi среда
thursday: thursday thu thur thurs 星期四 周四 donnerstag jueves jeudi четверг
friday: friday fri 星期五 周五 freitag viernes vendredi пятница
saturday: saturday sat 星期六 周六 samstag sonnabend sábado samedi суббота
sunday: sunday sun 星期日 星期天 周日 sonntag domingo dimanche воскресенье
january: january jan 一月 januar enero janvier
february: february feb 二月 februar febrero février
march: march mar 三月 märz marzo mars
april: april apr 四月 abril avril
may: may 五月 mai mayo
june: june jun 六月 juni junio juin
july: july jul 七月 juli julio juillet
august: august aug 八月 agosto août
september: september sep sept 九月 septiembre septembre
october: october oct 十月 oktober octubre octobre
november: november nov 十一月 noviembre novembre
december: december dec 十二月 dezember diciembre décembre
even: even 偶数 gerade par pair чётное
odd: odd 奇数 ungerade impar impair нечётное
undefined: undefined dne 不存在 未定义
infinite: infinitely_many infinite infinitely_many_solutions 无数个 无穷多 无数
infinite: infinite_solutions infinite_number infinite_number_of_solutions
never: never
always: always
undetermined: cannot_be_determined can_not_be_determined cannot_determine not_enough_information
undetermined: indeterminate insufficient_information 无法确定 不能确定
"""
_EMPTY = frozenset({
    "no solution", "no solutions", "no real solution", "no real solutions", "no such number", "no such x", "none",
    "empty set", "the empty set", "there is no solution", "there are no solutions", "no solution exists", "nothing",
    "null set", "no real roots", "no roots", "no real root", "no root", "there are no real solutions",
    "there is no real solution", "no values", "no value", "no such value", "no x", "no answer",
    "no such real number", "not possible no solution", "no solution in real numbers", "inconsistent",
    "no real number", "no real numbers", "no integer solutions", "no integer solution", "无解", "空集", "无实数解",
    "无实根", "方程无解", "不等式无解", "keine lösung", "leere menge", "keine", "keine lösungen", "die leere menge",
    "aucune solution", "pas de solution", "ensemble vide", "sin solución", "no hay solución", "no tiene solución",
    "conjunto vacío", "нет решений", "решений нет", "нет решения", "пустое множество", "nessuna soluzione",
    "sem solução", "解なし", "해가 없다",
})  # fmt: skip
_REALS = frozenset({
    "all real numbers", "all reals", "all real", "every real number", "any real number", "real numbers",
    "the real numbers", "reals", "all x", "all real x", "all real values", "set of all real numbers",
    "all real values of x", "any real x", "every real x", "set of real numbers", "all numbers", "any number",
    "every number", "all values of x", "all real number", "全体实数", "实数集", "一切实数", "所有实数", "任意实数",
    "全体实数集", "alle reellen zahlen", "reelle zahlen", "tous les réels", "tous les nombres réels",
    "ensemble des réels", "todos los números reales", "todos los reales", "los números reales", "números reales",
    "все действительные числа", "все вещественные числа", "любое число", "любое действительное число",
    "tutti i numeri reali", "todos os números reais",
})  # fmt: skip
_ARTICLES = frozenset({"the", "a", "an"})
_ONE = frozenset({"a", "an", "ein", "eine", "un", "una", "une", "die", "la"})


@cache
def _numbers() -> dict[str, int]:
    found = {word: value for value, word in enumerate(_SMALL)}
    found |= {word: 20 + 10 * place for place, word in enumerate(_TENS)}
    for value, words in enumerate(_OTHER_SMALL):
        found |= dict.fromkeys(words.split("|"), value)
    return found


@cache
def _meanings() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _MEANINGS.strip().splitlines():
        meaning, _, words = line.partition(":")
        found |= {word.replace("_", " "): meaning for word in words.split()}
    return found


def meaning(text: str) -> str | None:
    """Return what words mean, if they are in the vocabulary: yes, tuesday, even, …; "empty" and "reals" are sets."""
    words = " ".join(re.sub(r"[.,!?;:\"()]", " ", text.lower()).split())
    bare = " ".join(word for word in words.split() if word not in _ARTICLES)
    placed = re.sub(r"^(?:on|in|am|le|el) ", "", bare)
    for one in (words, bare, placed):
        if one in _EMPTY:
            return "empty"
        if one in _REALS:
            return "reals"
        if one in _meanings():
            return _meanings()[one]
    return "undefined" if bare in {"does not exist", "not defined", "no limit"} else None


def plain_words(text: str) -> str:
    """Return words as they are compared: small letters, no articles, no plural."""
    found = re.sub(r"[^\w\s'-]", " ", text.lower()).replace("-", " ").split()
    return " ".join(singular(word) for word in found if word not in _ARTICLES)


def magnitude(token: Token) -> int | None:
    """Return what a word multiplies a number by; None if it is no magnitude."""
    if token.kind != "word":
        return None
    found = MAGNITUDES.get(token.text.lower())
    return found if found and (len(token.text) > 1 or not token.text.isascii()) else None


def number_in_words(found: Sequence[Token]) -> tuple[Fraction, int] | None:
    """Read the number in words with which tokens begin; return it and how many tokens it takes."""
    if not found or found[0].kind != "word":
        return None
    if re.fullmatch(r"[零一二两三四五六七八九十百千万亿兆〇]+", found[0].text):
        value = _han(found[0].text)
        return None if value is None else (Fraction(value), 1)
    if found[0].text == "一半":
        return Fraction(1, 2), 1
    return _english(found)


def _english(found: Sequence[Token]) -> tuple[Fraction, int] | None:
    total, group, at, seen = 0, 0, 0, False
    while at < len(found):
        token, word = found[at], found[at].text.lower()
        value = _numbers().get(word) if token.kind == "word" else None
        if seen and _joins(token, found[at + 1 : at + 2], group):
            at += 1
        elif value is not None and (
            not seen or group % HUNDRED == 0 or (group % 10 == 0 and 0 < value < TEN <= group % HUNDRED)
        ):
            group, seen, at = group + value, True, at + 1
        elif (size := magnitude(token)) and (seen or word in {"hundred", "thousand", "million", "dozen"}):
            group = group or (0 if seen and total else 1)
            (total, group) = (total, group * size) if size <= HUNDRED else (total + group * size, 0)
            seen, at = True, at + 1
        elif word in _ONE and not seen and at + 1 < len(found) and _follows_article(found[at + 1]):
            at += 1
        else:
            break
    return _with_fraction(found, total + group, at) if seen else _fraction(found)


def _joins(token: Token, following: Sequence[Token], group: int) -> bool:
    """Whether a hyphen, or an and behind hundreds, joins two number words: twenty-one, a hundred and five."""
    before_number = bool(following) and following[0].text.lower() in _numbers()
    return before_number and (token.is_sign("-") or (token.text.lower() == "and" and group >= HUNDRED))


def _follows_article(token: Token) -> bool:
    return bool(magnitude(token)) or token.text.lower() in _ORDINALS


def _fraction(found: Sequence[Token]) -> tuple[Fraction, int] | None:
    """Read half, a third, a quarter."""
    skip = 1 if found[0].text.lower() in _ONE and len(found) > 1 else 0
    bottom = _ORDINALS.get(found[skip].text.lower())
    if bottom and len(found) > skip + 2 and found[skip + 1].text == "a" and (size := magnitude(found[skip + 2])):
        return Fraction(size, bottom), skip + 3
    return None if bottom is None or (not skip and bottom > 2) else (Fraction(1, bottom), skip + 1)  # noqa: PLR2004


def _with_fraction(found: Sequence[Token], value: int, at: int) -> tuple[Fraction, int]:
    """Add what follows whole words: two thirds, three and a half."""
    rest = [token.text.lower() for token in found[at : at + 3]]
    skip = 1 if rest[:1] == ["-"] else 0
    bottom = next(
        (
            _ORDINALS[name]
            for name in (rest[skip : skip + 1] or [""])
            for name in (name, singular(name))
            if name in _ORDINALS
        ),
        0,
    )
    if bottom:
        return Fraction(value, bottom), at + skip + 1
    if rest[:2] in (["and", "a"], ["and", "one"]) and rest[2:] and rest[2] in _ORDINALS:
        return value + Fraction(1, _ORDINALS[rest[2]]), at + 3
    if rest[:1] == ["point"]:
        digits = ""
        while (
            at + 1 + len(digits) < len(found)
            and (digit := _numbers().get(found[at + 1 + len(digits)].text.lower(), TEN)) < TEN
        ):
            digits += str(digit)
        if digits:
            return Fraction(f"{value}.{digits}"), at + 1 + len(digits)
    return Fraction(value), at


def _han(text: str) -> int | None:
    """Read a number in Chinese characters; None if it is only a magnitude, or no number."""
    if text[0] in _HAN_GROUPS or text[0] in "百千":
        return None
    if re.fullmatch("[零一二三四五六七八九〇]+", text):
        return int("".join(str(_HAN_DIGITS[char]) for char in text))
    total = group = digit = 0
    for char in text:
        if char in _HAN_DIGITS:
            digit = _HAN_DIGITS[char]
        elif char in _HAN_TENS:
            group, digit = group + (digit or 1) * _HAN_TENS[char], 0
        else:
            total, group, digit = (total + group + digit) * _HAN_GROUPS[char], 0, 0
    return total + group + digit
