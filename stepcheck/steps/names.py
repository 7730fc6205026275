"""Names: what people and models call the parts of a solution and its steps, in the languages that models write.

Owns the one table of words, and the patterns that are made of it. Refuses to decide where such a word is a name:
`marks.py` knows of steps, `document/parts.py` of parts.
"""

from stepcheck.patterns import folded, regex

PARTS: dict[str, str] = {
    "problem": r"""
        problem(?:[ ]statement)? | question | exercise | task
      | aufgabe(?:nstellung)? | frage(?:stellung)? | énoncé | problème | exercice
      | problema | enunciado | pregunta | ejercicio | esercizio | domanda | quesito | testo[ ]del[ ]problema
      | exercício | questão | pergunta | задача | вопрос | условие(?:[ ]задачи)? | упражнение | задание
      | 问题 | 题目 | 题干 | 原题 | 例题 | 题 | 问 | 問題(?:文)? | 題目 | 設問 | 問 | 문제 | 질문""",
    "solution": r"""
        (?:(?:worked|my|the|full|complete|detailed|model|sample|official|suggested|step[- ]by[- ]step)[ ])?solution
      | proof | response | (?:muster|beispiel)?lösung(?:sweg)? | beweis
      | résolution | corrigé | preuve | démonstration
      | solución | resolución | demostración | soluzione | svolgimento | risoluzione | dimostrazione
      | solução | resolução | demonstração | решение | доказательство
      | 解答过程 | 解题过程 | 解答過程 | 解題過程 | 解答 | 解题 | 解析 | 解法 | 解説 | 解き方 | 解
      | 证明 | 證明 | 証明 | 证 | 풀이(?:[ ]?과정)? | 해설 | 해답 | 증명""",
    "answer": r"""
        (?:(?:the|my|final)[ ]){0,2}answer | (?:endgültige[ ])?antwort | (?:end)?ergebnis
      | réponse(?:[ ]finale)? | respuesta(?:[ ]final)? | risposta(?:[ ]finale)? | resposta(?:[ ]final)?
      | (?:(?:окончательный|итоговый)[ ])?ответ
      | 最终答案 | 最后答案 | 最終答案 | 答案 | (?:最終的な|最終)?(?:答え|解答|回答) | 答
      | (?:최종[ ]?)?(?:정답|답안|답)""",
}  # fmt: skip
"""What names a part. Where one word names two, the first that fits counts: the final 解答 only with 最終 in front."""

_STEP_WORDS = (
    r"steps? | schritt | [ée]tape | paso | passo | passaggio | etapa | шаг | этап | ステップ | 手順 | 단계 | 스텝"
)
_CASE_WORDS = r"case | fall | cas | caso | случай | ケース | 場合 | 경우 | 情况 | 情況 | 情形"
_CARDINALS = (
    "one eins un une uno um uma один",
    "two zwei deux dos due dois duas два",
    "three drei trois tres tre três три",
    "four vier quatre cuatro quattro quatro четыре",
    "five fünf cinq cinco cinque пять",
    "six sechs seis sei шесть",
    "seven sieben sept siete sette sete семь",
    "eight acht huit ocho otto oito восемь",
    "nine neun neuf nueve nove девять",
    "ten zehn dix diez dieci dez десять",
)
_ORDINALS = (
    "first erster premier première primer primero primo primeiro primeira первый",
    "second zweiter deuxième seconde segundo secondo segunda второй",
    "third dritter troisième tercer tercero terzo terceiro terceira третий",
    "fourth vierter quatrième cuarto quarto quarta четвёртый четвертый",
    "fifth fünfter cinquième quinto quinta пятый",
    "sixth sechster sixième sexto sesto sexta шестой",
    "seventh siebter septième séptimo settimo sétimo sétima седьмой",
    "eighth achter huitième octavo ottavo oitavo oitava восьмой",
    "ninth neunter neuvième noveno nono nona девятый",
    "tenth zehnter dixième décimo decimo décima десятый",
)
_LAST = "final last letzter dernière último ultimo última последний"
_HAN = "一二三四五六七八九十"
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_VALUES = {
    word: value for table in (_CARDINALS, _ORDINALS) for value, words in enumerate(table, 1) for word in words.split()
} | {word: value for value, word in enumerate(ROMAN, 1)}


def _words(*tables: str) -> str:
    return "|".join(word for table in tables for word in table.split())


_OF = r"(?:[ \t]*(?:/|of|von|de|di|из)[ \t]*\d{1,3})?"
_NUMBER = (
    rf"(?:\d{{1,4}}(?:\.\d{{1,2}}){{0,2}}(?!\d)(?:\ufe0f?\u20e3)?|(?:{_words(*_CARDINALS, ' '.join(ROMAN))})(?!\w))"
)
_HAN_NUMBER = r"[一二三四五六七八九十百零\d]{1,5}"
_PLACE = r"(?:[.ªº°]|er|re|ère|ème|st|nd|rd|th|e|-?(?:й|ый))?"
ENGLISH_STEP = (
    rf"(?i:(?x:{_STEP_WORDS})[ \t]*(?:[-#№][ \t]*)?{_NUMBER}{_OF}"
    rf"|\d{{1,2}}{_PLACE}[ \t]*(?x:{_STEP_WORDS})(?![\w])"
    rf"|(?:{_words(*_ORDINALS, _LAST)})[ \t]+(?x:{_STEP_WORDS})(?![\w]|[ \t]*\.[ \t]*(?:\n|\Z)))"
)
"""`Step 3`, `STEP 3/5`, `Step Three`, `3. Schritt`, `Première étape`, `3단계`: what needs a stop behind it."""
CHINESE_STEP = (
    rf"(?:第[ ]?{_HAN_NUMBER}[ ]?(?:步|段階|ステップ)|(?:步骤|步驟)[ ]?{_HAN_NUMBER}|제?[ ]?\d{{1,2}}[ ]?단계)"
)
STEP = rf"(?:{ENGLISH_STEP}|{CHINESE_STEP})"
"""The words that number a step, wherever they stand."""
CASE = (
    rf"(?:(?i:(?x:{_CASE_WORDS})[ \t]*(?:{_NUMBER}|\([a-z\d]{{1,4}}\)|[A-Z](?!\w)))"
    rf"|(?:情况|情況|情形|场合|場合){_HAN_NUMBER}|第{_HAN_NUMBER}种?(?:情况|情形))"
)
"""The words that number a case: what begins a paragraph, wherever a line begins with it."""
ANOTHER = (
    r"(?i:(?:alternat(?:e|ive)|another|second|third|2nd|3rd|zweite|andere|alternative|autre|deuxième|seconde|otra|segunda"
    r"|altra|seconda|outra|второе|другое)[ ])|另一?种?|另|別|别|다른[ ]"
)
"""What stands before the name of a solution that is not the first: `Alternative solution`, 另解."""

_HINTS = tuple("step schritt tape paso passo passa etapa шаг этап ステップ 手順 단계 스텝 第 步骤 步驟".split())  # noqa: SIM905 - as above
_CASE_HINTS = tuple("cas fall случай ケース 場合 场合 경우 情况 情況 情形".split())  # noqa: SIM905 - as above
_PART_HINTS = tuple(
    """problem question exercise task aufgabe frage énoncé problème exercice enunciado pregunta ejercicio esercizio
    domanda quesito exercício questão pergunta задача вопрос условие упражнение задание 题 问 問 題 문제 질문
    solution proof response lösung beweis résolution corrigé preuve démonstration solución resolución demostración
    soluzione svolgimento risoluzione dimostrazione solução resolução demonstração решение доказательство 解 证 證 証
    풀이 해설 해답 증명 answer antwort ergebnis réponse respuesta risposta resposta ответ 答 정답 답
    method approach méthode método metodo способ 法""".split()  # noqa: SIM905 - as above
)
_LETTER = regex(r"[QA](?=[ \t]*(?:[^\w \t]|[_\dNn№IVXA-D一二三四五六七八九十]|\Z))")
"""`Q:` and `A 2.`, where they may name a part."""
_DIGITS = regex(r"\d+")
_LETTERS = regex(r"[^\W\d_]+")


def names_steps(text: str) -> bool:
    """Whether a text may name a step at all: most do not, and need no long look."""
    low = text.lower()
    return any(hint in low for hint in _HINTS)


def names_cases(text: str) -> bool:
    """Whether a text may name a case at all."""
    low = folded(text)
    return any(hint in low for hint in _CASE_HINTS)


def names_parts(text: str) -> bool:
    """Whether a text may name one of its parts at all: of most rows' solutions none is looked for."""
    low = folded(text)
    return any(hint in low for hint in _PART_HINTS) or _LETTER.search(text) is not None


def number(name: str) -> int | None:
    """The number in the name of a step, None where it has none that is known (`Final step`, more than ten in words)."""
    if digits := _DIGITS.search(name):
        return int(digits[0])
    han = "".join(char for char in name if char in _HAN)
    if han:
        return _han(han)
    return next((_VALUES[word] for word in _LETTERS.findall(name.lower()) if word in _VALUES), None)


def _han(digits: str) -> int:
    """`三`, `十二`, `二十`: numbers under a hundred."""
    tens, ten, ones = digits.rpartition("十")
    return (_HAN.index(tens[0]) + 1 if tens else 1) * 10 * bool(ten) + (_HAN.index(ones[0]) + 1 if ones else 0)
