"""Units: what a word, a sign or a composition of them measures, and how much of it.

Owns the table, with its spellings, plurals and languages. Units of one dimension are converted exactly: 5 m are 500 cm.
Nouns that are counted (15 toys) are labels: they measure nothing, but two different ones cannot be compared.
Refuses conversions that depend on something (a month in days, °C in °F, euros in dollars).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

from stepcheck.answers.tokens import Token, Tokens
from stepcheck.patterns import regex

Dimensions = tuple[tuple[str, int], ...]
MOST_WORDS = 12
"""A longer tail is a sentence, not a unit."""
LONGEST_SIGN = 4
"""Of a currency."""
SHORTEST_NOUN = 3

# dimension | size in the base of the dimension | names; a name of one or two letters counts as it is written
_TABLE = """
length | 1 | m meter meters metre metres metro metros mètre mètres Meter Metern метр метра метров 米
length | 1/10 | dm decimeter decimeters decimetre decimetres Dezimeter 分米
length | 1/100 | cm centimeter centimeters centimetre centimetres Zentimeter centímetros
length | 1/100 | centimètres сантиметров см 厘米 公分
length | 1/1000 | mm millimeter millimeters millimetre millimetres Millimeter milímetros millimètres мм 毫米
length | 1/1000000 | μm um micrometer micrometers micrometre micrometres micron microns 微米
length | 1/1000000000 | nm nanometer nanometers nanometre nanometres 纳米
length | 1000 | km kilometer kilometers kilometre kilometres Kilometer Kilometern kilómetro
length | 1000 | kilómetros kilomètre kilomètres км километров 千米 公里
length | 127/5000 | in inch inches Zoll 英寸
length | 381/1250 | ft foot feet 英尺
length | 1143/1250 | yd yds yard yards 码
length | 1609344/1000 | mi mile miles Meile Meilen 英里
mass | 1 | kg kgs kilogram kilograms kilogramme kilogrammes kilo kilos Kilogramm kilogramo kilogramos кг 千克 公斤
mass | 1/1000 | g gr gram grams gramme grammes Gramm gramo gramos грамм 克
mass | 1/1000000 | mg milligram milligrams Milligramm 毫克
mass | 1000 | t ton tons tonne tonnes Tonne Tonnen tonelada toneladas 吨
mass | 1/2 | 斤
mass | 45359237/100000000 | lb lbs pound pounds 磅
mass | 45359237/1600000000 | oz ounce ounces 盎司
time | 1 | s sec secs second seconds Sekunde Sekunden segundo segundos seconde secondes секунд 秒 秒钟
time | 1/1000 | ms millisecond milliseconds 毫秒
time | 60 | min mins minute minutes Minute Minuten minuto minutos минут 分 分钟 分鐘
time | 3600 | h hr hrs hour hours Stunde Stunden Std hora horas heure heures час часа часов 小时 个小时 時間 钟头 时 時
time | 86400 | d day days Tag Tage Tagen día días dia dias jour jours день дней 天 日
time | 604800 | week weeks wk wks Woche Wochen semana semanas semaine semaines 周 星期 个星期 礼拜
months | 1 | month months mo Monat Monate Monaten mes meses mois 个月 月
months | 12 | year years yr yrs Jahr Jahre Jahren año años ano anos année années an ans лет года год 年 岁
angle | 1 | rad radian radians 弧度
angle | deg | ° degree degrees deg degs Grad grado grados degré degrés градусов 度
celsius | 1 | °C celsius 摄氏度
fahrenheit | 1 | °F fahrenheit 华氏度
kelvin | 1 | K kelvin kelvins
area | 10000 | ha hectare hectares Hektar 公顷
area | 40468564224/10000000 | acre acres 英亩
area | 2000/3 | 亩
volume | 1/1000 | L l liter liters litre litres Liter litro litros литров 升
volume | 1/1000000 | mL ml milliliter milliliters millilitre millilitres Milliliter mililitros cc 毫升
volume | 1/100000 | cL cl centiliter centiliters
volume | 1/10000 | dL dl deciliter deciliters
volume | 473176473/125000000000 | gal gallon gallons
volume | 473176473/500000000000 | qt quart quarts
volume | 473176473/1000000000000 | pt pint pints
volume | 473176473/2000000000000 | cup cups
volume | 473176473/16000000000000 | floz
force | 1 | N newton newtons 牛 牛顿
force | 1000 | kN kilonewton kilonewtons
energy | 1/10000000 | erg ergs
energy | 1 | J joule joules 焦 焦耳
energy | 1000 | kJ kilojoule kilojoules 千焦
energy | 3600000 | kWh 千瓦时
energy | 4184/1000 | cal calorie calories
energy | 4184 | kcal kilocalorie kilocalories
electronvolt | 1 | eV electronvolt electronvolts
electronvolt | 1000 | keV
electronvolt | 1000000 | MeV
power | 1 | W watt watts 瓦
power | 1000 | kW kilowatt kilowatts 千瓦
power | 1000000 | MW megawatt megawatts
pressure | 1 | Pa pascal pascals 帕
pressure | 1000 | kPa
pressure | 101325 | atm atmosphere atmospheres
voltage | 1 | V volt volts 伏
current | 1 | A amp amps ampere amperes 安
resistance | 1 | ohm ohms Ω Omega 欧姆
charge | 1 | C coulomb coulombs 库仑
capacity | 1 | F farad farads
substance | 1 | mol mole moles 摩尔
frequency | 1 | Hz hertz 赫兹
frequency | 1000 | kHz
frequency | 1000000 | MHz
dataset | 1 | bit bits
dataset | 8 | byte bytes B 字节
dataset | 8000 | kB KB kilobyte kilobytes
dataset | 8000000 | MB megabyte megabytes
dataset | 8000000000 | GB gigabyte gigabytes
speed | 44704/100000 | mph
speed | 5/18 | kph kmh kmph
"""
_DERIVED: dict[str, Dimensions] = {
    "area": (("length", 2),), "volume": (("length", 3),), "speed": (("length", 1), ("time", -1)),
    "force": (("length", 1), ("mass", 1), ("time", -2)), "energy": (("length", 2), ("mass", 1), ("time", -2)),
    "power": (("length", 2), ("mass", 1), ("time", -3)), "pressure": (("length", -1), ("mass", 1), ("time", -2)),
    "frequency": (("time", -1),), "charge": (("current", 1), ("time", 1)),
}  # fmt: skip

# sizes of main unit | currencies | signs and names
_MONEY = """
1 | USD CAD AUD NZD HKD SGD TWD | $ dollar dollars buck bucks Dollar dólar dólares dólars доллар долларов 美元 刀
1 | USD | US$ USD U.S.$ $USD
1 | CAD | C$ CA$ CAD
1 | AUD | A$ AU$ AUD
1 | NZD | NZ$ NZD
1 | HKD | HK$ HKD 港元 港币
1 | SGD | S$ SGD
1 | TWD | NT$ TWD 新台币
1 | BRL | R$ BRL real reais
1 | MXN | MX$ MXN
1 | EUR | € EUR euro euros Euro Euros евро 欧元
1 | GBP | £ GBP quid sterling 英镑
1 | CNY JPY | ¥
1 | CNY | RMB CNY CN¥ yuan yuans renminbi 人民币
1 | CNY TWD JPY | 元 圆
1 | CNY | 块 块钱 元钱
1 | JPY | JPY JP¥ yen 円 日元
1 | INR PKR LKR | ₹ Rs INR rupee rupees Rupees 卢比
1 | KRW | ₩ KRW won 원 韩元
1 | RUB | ₽ RUB ruble rubles rouble roubles рубль рубля рублей руб 卢布
1 | CHF | CHF Fr franken francs
1 | MXN ARS CLP COP PHP | peso pesos PHP ₱
1 | ILS | ₪ shekel shekels
1 | VND | ₫ VND dong
1 | TRY | ₺ lira liras
1 | NGN | ₦ naira
1/100 | USD CAD AUD NZD HKD SGD EUR | ¢ cent cents Cent centavo centavos céntimo céntimos centime centimes 美分
1/20 | USD CAD | nickel nickels
1/10 | USD CAD | dime dimes
1/100 | GBP | penny pence p
1/100 | USD CAD GBP | pennies
1/10 | CNY | 角 毛 角钱 毛钱
1/100 | CNY | 分钱
1/100 | INR PKR | paise paisa
1/100 | RUB | копеек копейка копейки kopeck kopecks
"""
_SQUARE = frozenset(
    {"square", "sq", "squared", "Quadrat", "平方", "квадратных", "cuadrados", "cuadrado", "carré", "carrés"}
)
_CUBIC = frozenset({"cubic", "cu", "cubed", "Kubik", "立方", "кубических", "cúbicos", "cúbico", "cube", "cubes"})
_PER = frozenset({"per", "pro", "por", "par", "每"})
_ARTICLES = frozenset({
    "of", "the", "a", "an", "in", "total", "altogether", "all", "each", "more", "only", "exactly", "left", "de",
})  # fmt: skip
_GLUED = regex(r"(Quadrat|Kubik|平方|立方)(.+)")
_PREPOSITIONS = frozenset({
    "in", "at", "on", "to", "by", "for", "and", "or", "with", "from", "because", "since", "so", "is", "are", "if",
    "as", "when", "than", "that", "which", "was", "were",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """What an amount is of: `dimensions` with `size` in their base (`degrees`: of an angle, whose size is irrational).

    `currencies` are those that the sign may mean; `label` is the noun of what is counted.
    """

    dimensions: Dimensions = ()
    size: Fraction = Fraction(1)
    degrees: bool = False
    currencies: frozenset[str] = field(default_factory=frozenset)
    label: str = ""

    @property
    def is_none(self) -> bool:
        """Whether nothing is said of what is measured or counted."""
        return not self.dimensions and not self.label

    @property
    def is_money(self) -> bool:
        """Whether it is an amount of money, or of money for something."""
        return bool(self.currencies)


NONE = Unit()
Entry = tuple[Dimensions, Fraction, bool, frozenset[str]]


@cache
def table() -> dict[str, Entry]:
    """Return the names of all units, as they are written."""
    found: dict[str, Entry] = {}
    for line in _TABLE.strip().splitlines():
        dimension, size, names = (part.strip() for part in line.split("|"))
        dimensions = _DERIVED.get(dimension, ((dimension, 1),))
        entry = dimensions, Fraction(1) if size == "deg" else Fraction(size), size == "deg", frozenset[str]()
        found |= dict.fromkeys(names.split(), entry)
    for line in _MONEY.strip().splitlines():
        size, currencies, names = (part.strip() for part in line.split("|"))
        money = (("money", 1),), Fraction(size), False, frozenset(currencies.split())
        found |= dict.fromkeys(names.split(), money)
    return found


@cache
def currency_signs() -> tuple[str, ...]:
    """Return the signs that stand before an amount of money, the longest first."""
    signs = [
        name
        for name, entry in table().items()
        if entry[3] and entry[1] == 1 and not name.islower() and len(name) <= LONGEST_SIGN
    ]
    return tuple(sorted((sign for sign in signs if not _is_word(sign)), key=len, reverse=True))


def _is_word(text: str) -> bool:
    return bool(re.fullmatch(r"[^\W\d_]+", text)) and not (text.isascii() and text.isupper()) and text != "Rs"


def money_too(name: str) -> Entry | None:
    """Return what a unit of mass or time may be as money: pounds, 分; None for others."""
    currencies = {"pound": "GBP", "pounds": "GBP", "分": "CNY"}.get(name)
    size = Fraction(1, 100) if name == "分" else Fraction(1)
    return ((("money", 1),), size, False, frozenset({currencies})) if currencies else None


def known(name: str) -> Entry | None:
    """Look a name up: as it is written, or, if it is longer, in small letters."""
    entry = table().get(name)
    if entry is None and len(name) > 1 and name.lower() not in {"in", "mb", "m", "pt", "an", "ha"}:
        entry = table().get(name.lower()) or table().get(name.capitalize())
    return entry


def unit(found: Tokens) -> Unit | None:
    """Read tokens as a unit or a label; None if they are neither."""
    if not found:
        return NONE
    if len(found) > MOST_WORDS * 2:
        return None
    return _Composition(found).read() or _label(found)


class _Composition:
    """Reads a composition of units: powers, products, quotients."""

    def __init__(self, found: Sequence[Token]) -> None:
        self.tokens = [token for token in found if not token.is_sign("{", "}")]
        self.quotient = any(token.is_sign("/") or token.text.lower() in _PER for token in found)
        self.at = 0
        self.dimensions: dict[str, int] = {}
        self.size = Fraction(1)
        self.degrees = False
        self.currencies: frozenset[str] = frozenset()
        self.labels: list[str] = []

    def read(self) -> Unit | None:
        sign, power_ahead = 1, 1
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
            a_unit = token.text in {"a", "an"} and self.at and following is not None and known(following.text)
            if token.is_sign("/") or token.text.lower() in _PER or a_unit:
                if sign < 0 and token.is_sign("/"):
                    return None
                sign, self.at = -1, self.at + 1
            elif token.is_sign("*", ".", "-") and self.at:
                self.at += 1
            elif token.text.lower() in _SQUARE | _CUBIC and self.at + 1 < len(self.tokens):
                power_ahead, self.at = 2 if token.text.lower() in _SQUARE else 3, self.at + 1
                self.at += self.at < len(self.tokens) and self.tokens[self.at].is_sign(".")
            elif not self._one(sign, power_ahead):
                return None
            else:
                power_ahead = 1
        if power_ahead != 1 or not (self.dimensions or self.labels):
            return None
        dimensions = tuple(sorted((name, power) for name, power in self.dimensions.items() if power))
        return Unit(dimensions, self.size, self.degrees, self.currencies, " ".join(self.labels))

    def _one(self, sign: int, power: int) -> bool:
        """Take one unit with its power."""
        token = self.tokens[self.at]
        name, self.at = token.text, self.at + 1
        glued = _GLUED.fullmatch(name)
        if glued and name not in table():
            name, power = glued[2], 2 if glued[1] in {"Quadrat", "平方"} else 3
        following = self.tokens[self.at] if self.at < len(self.tokens) else None
        if name == "°" and following is not None and following.text.upper() in {"C", "F"}:
            name, self.at = "°" + following.text.upper(), self.at + 1
        if (
            following is not None
            and name.lower() == "degrees"
            and following.text.lower() in {"celsius", "fahrenheit", "c", "f"}
        ):
            name, self.at = "°" + following.text[0].upper(), self.at + 1
        if (
            name.lower() in {"fl", "fluid"}
            and following is not None
            and following.text.lower() in {"oz", "ounce", "ounces"}
        ):
            name, self.at = "floz", self.at + 1
        entry = known(name)
        if (
            entry is None
            and self.quotient
            and token.kind == "word"
            and len(name) >= SHORTEST_NOUN
            and name.lower() not in _PREPOSITIONS
        ):
            entry = ((singular(name.lower()), 1),), Fraction(1), False, frozenset()
        if entry is None or (token.kind == "command" and name != "Omega") or token.kind == "number":
            return False
        power *= self._power()
        dimensions, size, degrees, currencies = entry
        for dimension, exponent in dimensions:
            self.dimensions[dimension] = self.dimensions.get(dimension, 0) + exponent * power * sign
        self.size *= size ** (power * sign)
        self.degrees = self.degrees or (degrees and not self.dimensions.keys() - {"angle"})
        self.currencies |= currencies
        return True

    def _power(self) -> int:
        """The power behind a unit: `^2`, `^{-1}`, squared."""
        following = self.tokens[self.at] if self.at < len(self.tokens) else None
        if following is None:
            return 1
        if following.text.lower() in {"squared", "cubed", "cuadrados", "cúbicos", "carrés"}:
            self.at += 1
            return 2 if following.text.lower() in _SQUARE else 3
        rest = "".join(token.text for token in self.tokens[self.at : self.at + 3])
        written = re.match(r"\^(-?)([1-9])(?!\d)", rest)
        if written is None:
            bare = following.kind == "number" and not following.spaced and following.text in {"2", "3"}
            self.at += bare
            return int(following.text) if bare else 1
        self.at += 3 if written[1] else 2
        return int(written[1] + written[2])


def _label(found: Tokens) -> Unit | None:
    """Read words as what is counted: apples, 个苹果, toys in total, dollars a day."""
    if len(found) > MOST_WORDS or not all(_is_label_word(token) for token in found):
        return None
    if found[0].text.lower() in _PREPOSITIONS and len(found) > 1 and found[0].text.lower() != "in":
        return None
    for end in range(min(len(found) - 1, 4), 0, -1):  # a known unit, then words: dollars in total, meters long
        head = _Composition(found[:end]).read()
        if head is not None and head.dimensions and found[0].text != "in":
            return head
    words = [token.text.lower() for token in found if token.text.lower() not in _ARTICLES and token.kind == "word"]
    if any(word in _PREPOSITIONS for word in words[:1]):
        return NONE
    cut = next((place for place, word in enumerate(words) if word in _PREPOSITIONS), len(words))
    return Unit(label=" ".join(singular(word) for word in words[:cut]))


def _is_label_word(token: Token) -> bool:
    return (token.kind == "word" and (len(token.text) > 1 or token.text in "aA" or not token.text.isascii())) or (
        token.is_sign("-", "'")
    )


def singular(word: str) -> str:
    """Return the singular of an English noun, as well as a rule can."""
    if len(word) > 4 and word.endswith("ies"):  # noqa: PLR2004 (ties, pies)
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):  # noqa: PLR2004 (shoes)
        return word[:-2]
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):  # noqa: PLR2004 (as, is)
        return word[:-1]
    return {"people": "person", "children": "child", "men": "man", "women": "woman", "feet": "foot"}.get(word, word)


def same_label(a: str, b: str) -> bool:
    """Whether two labels name the same thing: they share a word, or one holds the other."""
    if not a or not b:
        return True
    ours, theirs = set(a.split()), set(b.split())
    return bool(ours & theirs) or (not a.isascii() and not b.isascii() and (a in b or b in a))
