r"""The final answer of a response: which statement counts, what of it is the answer, and by which rule it was found."""

import json
import random
import time
from pathlib import Path

import pytest

from stepcheck.answers import FinalAnswer, extract

WORK = "3 * 4 = 12 and 12 + 5 = 17.\n\n"
"""Reasoning whose last number is no answer below."""


def said(text: str, *, guess: bool = True) -> tuple[str, str] | None:
    found = extract(text, guess=guess)
    return (found.text, found.rule) if found else None


BOXES = [
    (r"So the sum is $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
    (r"First \boxed{1}, no: \boxed{\sqrt{\frac{a}{b_{1}}}}", r"\sqrt{\frac{a}{b_{1}}}"),
    (r"The set is \boxed{\{1, 2\}}.", r"\{1, 2\}"),
    (r"It is \boxed{\left\{ x : x > 0 \right.}", r"\left\{ x : x > 0 \right."),
    (r"\boxed 7 is it", "7"),
    (r"The roots are $\boxed{2}$ and $\boxed{-3}$.", "2, -3"),
    (r"First \boxed{2}. After that we find \boxed{3}", "3"),
    (r"\boxed{\text{(B)}}", r"\text{(B)}"),
    (r"$\boxed{\boxed{C}}$", "C"),
    (r"\fbox{\boxed{12}}", "12"),
    (r"\boxed{\text{\boxed{12}}}", "12"),
    (r"\boxed{x = \boxed{12}}", "12"),
    (r"The answer is $\boxed{C}$. (I was asked to write \boxed{answer}.)", "C"),
    (r"\boxed{12} (please put your answer in \boxed{})", "12"),
    (r"\boxed{12}, as `\boxed{...}` was asked for", "12"),
    (r"\boxed{12} in the form \boxed{\text{your answer}}", "12"),
    (r"\boxed{12} in the form \boxed{[answer]}", "12"),
    (r"我把 \boxed{12} 放在 \boxed{答案} 里", "12"),
    (r"Therefore, the final answer is: $\boxed{x=3}$ and $\boxed{y=4}$.", "x=3, y=4"),
    (r"Therefore, the final answer is: $\boxed{x=3}$ and that is it.", "x=3"),
    (r"Die Lösungen sind $\boxed{3}$ und $\boxed{4}$.", "3, 4"),
    (r"\[ \boxed{3} \quad \text{or} \quad \boxed{4} \]", "3, 4"),
    (r"\boxed{3 \times 4 = 12}", "12"),
    (r"\boxed{\text{Total} = 12}", "12"),
    (r"\boxed{y = 2x + 1}", "y = 2x + 1"),
    (r"\boxed{The answer is 12}", "12"),
    (r"\boxed{\{\}}", r"\{\}"),
    ("**Answer:** $\\boxed{12}$ apples", "12"),
    (r"So \boxed{12}. I am confident that this is correct.", "12"),
    (r"So \boxed{12}. The wrong answer is 13.", "12"),
    (r"So \boxed{12}. If the answer were 13, we would have 13 + 5 = 18.", "12"),
    (r"So \boxed{12}. Is the answer 13?", "12"),
    (r"So \boxed{12}. This answer is correct.", "12"),
    (r"So \boxed{12}. The answer is reasonable because 3 * 4 = 12.", "12"),
    (r"So \boxed{12}. The answer is not 13.", "12"),
    ("\x08oxed{12}", "12"),
]  # fmt: skip
PHRASES = [
    ("The answer is 18.", "18"),
    ("The answer is 3.5.", "3.5"),
    ("**Final Answer:** 42", "42"),
    ("The final answer is: $\\frac{3}{4}$. I hope it is correct.", r"\frac{3}{4}"),
    ("Therefore, the answer is (B) 12 apples. Done", "(B) 12 apples"),
    ("The answer is that x equals $5$", "5"),
    ("answer: 5\nThe answer is 6\n", "6"),
    # a name, and the number behind it
    ("Final Answer: The largest $n$ is 34. I hope it is correct.", "34"),
    ("The answer is that $n$ is 34.", "34"),
    ("The answer is $n$ = 34.", "n = 34"),
    ("Final Answer: The smallest value of $k$ is $7$.", "7"),
    ("Final Answer: There are 34 such values of $n$.", "34 such values"),
    ("Answer: The number $N$ of ways equals 1,024.", "1,024"),
    ("The answer is that the roots $a$ and $b$ are $2$ and $3$.", "2, 3"),
    # a clause behind it
    ("The answer is 72, as asked.", "72"),
    ("The answer is 72, in total, for both days.", "72"),
    ("The answer is 72 because 24 + 48 = 72.", "72"),
    ("The answer is 72 (since 24 + 48 = 72).", "72"),
    ("The answer is 72 clips, which is 3 times 24.", "72 clips"),
    ("The answer is 72 - this is what 24 and 48 make.", "72"),
    ("The answer is 72; we added 24 and 48.", "72"),
    ("The answer is $72$ when we add $24$ and $48$.", "72"),
    ("Die Antwort ist 72, weil 24 + 48 = 72.", "72"),
    ("La réponse est 72, car 24 + 48 = 72.", "72"),
    ("La respuesta es 72, porque 24 + 48 = 72.", "72"),
    ("答案是72，因为24+48=72。", "72"),
    # what is denied
    ("The answer is not 5 but 7.", "7"),
    ("The answer is not $5$, but $7$.", "7"),
    ("The answer isn't 5 but 7.", "7"),
    ("The answer is not 5, it is 7.", "7"),
    ("The answer is 7, not 5.", "7"),
    ("The answer is 7 rather than 5.", "7"),
    ("The answer is 7 and not 5.", "7"),
    ("Die Antwort ist nicht 5, sondern 7.", "7"),
    ("La réponse n'est pas 5 mais 7.", "7"),
    ("La respuesta no es 5 sino 7.", "7"),
    ("La risposta non è 5 ma 7.", "7"),
    ("A resposta não é 5, mas sim 7.", "7"),
    ("Ответ не 5, а 7.", "7"),
    ("答案不是5，而是7。", "7"),
    # several
    ("So the answer is $5$ or $7$.", "5, 7"),
    ("So the answers are 5 and 7.", "5 and 7"),
    ("The answers are $x = 5$, $x = 7$ and $x = 9$.", "x = 5, x = 7, x = 9"),
    ("Die Antworten sind $5$ und $7$.", "5, 7"),
    ("Les réponses sont $5$ et $7$.", "5, 7"),
    ("Las respuestas son $5$ y $7$.", "5, 7"),
    ("答案是 $5$ 或 $7$。", "5, 7"),
    # money, units, time
    ("The answer is: Ben started with $100 - $40 = $60.", "$60"),
    ("The answer is $100 - $40 = $60.", "$60"),
    ("Answer: She pays $5 and $7, so $12 in all.", "$12"),
    ("The answer is $18.50.", "$18.50"),
    ("The answer is US$15.", "US$15"),
    ("The answer is 5 km.", "5 km"),
    ("The answer is $5$ km.", r"5\text{ km}"),
    ("The answer is 18 dollars and 50 cents.", "18 dollars and 50 cents"),
    ("The answer is 4:30 p.m.", "4:30 p.m"),
    ("The answer is 1,200 people.", "1,200 people"),
    ("The answer is approx. 3.14.", "3.14"),
    # choices
    ("Answer: A. 5 cm", "A. 5 cm"),
    ("Answer: (A) 5 cm", "(A) 5 cm"),
    ("The answer is B. We checked the others.", "B"),
    ("The answer is option C.", "C"),
    ("The correct answer is choice (C).", "C"),
    ("**Answer: D**", "D"),
    ("Answer: ABD", "ABD"),
    ("Answer: A, B and D", "A, B and D"),
    # colons, dashes, quotes, markup, JSON, fences
    ("**Answer**: 12", "12"),
    ("**Answer: 12**", "12"),
    ("*Answer:* `12`", "12"),
    ("> **Answer:** <b>12</b>", "12"),
    ("Answer — 12", "12"),
    ("Answer = 12", "12"),
    ("Answer -> 12", "12"),
    ("Ans: 12", "12"),
    ('Answer: "12"', "12"),
    ('{"reasoning": "3 * 4", "answer": "12"}', "12"),
    ('{"answer": 12}', "12"),
    ("```\nAnswer: 12\n```", "12"),
    ("【答案】12", "12"),
    ("[Answer] 12", "12"),
    ("Final answer: **12** apples", "12 apples"),
    # within a formula
    ("The last digits are:\n\\[Answer: 009\\]", "009"),
    ("\\[\\text{Answer: } 009\\]", "009"),
    ("\\(\\text{Answer: 009}\\)", "009"),
    ("$$Answer: 009$$", "009"),
    ("$\\textbf{Answer: } \\frac{1}{2}$", r"\frac{1}{2}"),
    # what stands between
    ("The answer to part (b) is 12.", "12"),
    ("The answer to the question is therefore 12.", "12"),
    ("The answer, rounded to two decimals, is 5.67.", "5.67"),
    ("The answer (in meters) is 12.", "12"),
    ("The answer in simplest form is $\\frac{1}{2}$.", r"\frac{1}{2}"),
    ("The final answer is therefore:\n\\[\n12\n\\]", "12"),
    ("So 12 is the answer.", "12"),
    ("So (C) is the correct answer.", "(C)"),
    ("The final answer is:\n\n12", "12"),
    ("Thus $\\frac{1}{2}$ is our final answer.", r"\frac{1}{2}"),
    ("The answer is x = 3.", "x = 3"),
    ("The answer is $18 \\cdot 22 = 396$.", "396"),
    ("The answer is 18 * 22 = 396 seats.", "396 seats"),
    ("The answer is no solution.", "no solution"),
    ("Answer: Yes, because 5 > 3.", "Yes"),
    ("The answer is 2x + 1.", "2x + 1"),
    ("The answer is (3, 4).", "(3, 4)"),
    ("The answer is [2, 5).", "[2, 5)"),
    # languages
    ("6 * 7 = 42.\n\nAntwort: 42", "42"),
    ("Die Antwort ist also 42.", "42"),
    ("Die Antwort lautet: 42 Hefte", "42 Hefte"),
    ("Antwort: 12,75 €", "12,75 €"),
    ("La réponse est donc 42.", "42"),
    ("**Réponse finale :** 42", "42"),
    ("La réponse correcte est $42$.", "42"),
    ("La respuesta es 42.", "42"),
    ("Respuesta final: 42", "42"),
    ("La risposta è 42.", "42"),
    ("**Risposta:** 42 mele", "42 mele"),
    ("A resposta é 42.", "42"),
    ("Resposta final: 42", "42"),
    ("Ответ: 42", "42"),
    ("Ответ — 42.", "42"),
    ("Правильный ответ: 42", "42"),
    ("因此，答案是：12。", "12"),
    ("所以最终答案为 $x=3$", "x=3"),
    ("故答案为：12．", "12"),
    ("3×4=12。\n答：共有 12 个苹果。", "12 个苹果"),
    ("3×4=12，\n故选：12．", "12"),
    ("答えは 42 です。", "42"),
    ("答え：42", "42"),
    ("正解は 42 個です。", "42 個"),
    ("따라서 답은 42입니다.", "42"),
    ("정답: 42", "42"),
]  # fmt: skip
HEADINGS = [
    ("### Final Answer\n\n**12 meters**", "12 meters"),
    ("**Answer**\n\n12", "12"),
    ("**Final Answer**\n\\[\n12\n\\]", "12"),
    ("## Answer:\n12", "12"),
    ("#### Final answer\n12", "12"),
    ("**Answer:**\n\nThe wall is 12 m long.", "12 m"),
    ("Final Answer\n============\n\n12", "12"),
    ("## ✅ Final Answer\n\n$$12$$", "12"),
    ("## 4. Final Answer\n\n`12`", "12"),
    ("__Answer__\n12", "12"),
    ("Answer\n\n12", "12"),
    ("## Answer\n\n- $x = 3$\n- $y = 4$\n", "x = 3, y = 4"),
    ("## Answer\n\nA. 5 cm", "A. 5 cm"),
    ("## Endergebnis\n\n12", "12"),
    ("## Antwort\n\n12", "12"),
    ("**Réponse finale**\n\n12", "12"),
    ("### Respuesta final\n\n12", "12"),
    ("## Risposta\n\n12", "12"),
    ("## Ответ\n\n12", "12"),
    ("## 答案\n\n12", "12"),
    ("【答案】\n12", "12"),
    ("## 答え\n\n12", "12"),
    ("## 정답\n\n12", "12"),
]  # fmt: skip
TAGS = [
    ("<answer>210</answer>", "210"),
    ("**<answer>210</answer>**", "210"),
    ("<answer> 210 </answer>", "210"),
    ("<Answer>\n210\n</Answer>", "210"),
    ("<final_answer>210</final_answer>", "210"),
    ("<answer>\\boxed{210}</answer>", "210"),
    ("<answer>$210$ eggs</answer>", r"210\text{ eggs}"),
    ("<answer>The answer is 210.</answer>", "210"),
    ("<answer>14 * 3 = 42.\n42 * 5 = 210</answer>", "210"),
    ("<answer><answer>210</answer></answer>", "210"),
    ("<answer>(B)</answer>", "(B)"),
    ("<answer>no solution</answer>", "no solution"),
    ("<answer>210", "210"),
    ("<answer>210</answer><|im_end|>", "210"),
    ("The answer is 209.\n<answer>210</answer>", "210"),
]  # fmt: skip


@pytest.mark.parametrize(("response", "answer"), BOXES)
def test_boxes(response: str, answer: str) -> None:
    """The last box that holds an answer; neighbours are a list, nested ones are one, placeholders are none."""
    assert said(response) == (answer, "box")
    assert said(WORK + response) == (answer, "box")


@pytest.mark.parametrize(("response", "answer"), PHRASES)
def test_phrases(response: str, answer: str) -> None:
    """A sentence or a label in ten languages; what is around the value is left out. It is no guess."""
    for text in (response, WORK + response, WORK + response + "\n", WORK.replace("\n", "\r\n") + response):
        found = extract(text, guess=False)
        assert found is not None
        assert found.text == answer
        assert found.rule in {"phrase", "choice", "heading"}


@pytest.mark.parametrize(("response", "answer"), HEADINGS)
def test_headings(response: str, answer: str) -> None:
    """What stands under a heading that is the name of an answer."""
    assert said(WORK + response, guess=False) == (answer, "heading")


@pytest.mark.parametrize(("response", "answer"), TAGS)
def test_tags(response: str, answer: str) -> None:
    """`<answer>`, with whatever is in it; GLM's box tags are read likewise, and keep their rule."""
    found = said(WORK + response, guess=False)
    assert found is not None
    assert found[0] == answer
    if "answer>" in response and "boxed" not in response:
        glm = response.replace("<answer>", "<|begin_of_box|>").replace("</answer>", "<|end_of_box|>")
        if "begin_of_box" in glm and glm.count("begin_of_box") == 1:
            assert said(WORK + glm, guess=False) == (answer, "box tag")


CHOSEN = [
    ("综上所述，故选：B。", "B"), ("故选 C", "C"), ("故选：BCD", "BCD"), ("故选：A、C", "AC"), ("所以选 B。", "B"),
    ("应选（D）", "D"), ("选项 C 正确。", "C"), ("Option C is correct.", "C"),
]  # fmt: skip


@pytest.mark.parametrize(("response", "answer"), CHOSEN)
def test_choices(response: str, answer: str) -> None:
    """A choice that is named, one or several."""
    assert said(WORK + response, guess=False) == (answer, "choice")


HASHES = [
    ("Natalia sold 48/2 = <<48/2=24>>24 clips.\n#### 72", "72"), ("#### 1,200\n", "1,200"), ("#### $5$", "5"),
    ("#### -3", "-3"), ("so 72 in all #### 72", "72"), ("#### The answer is 72", "72"), ("#### (B)", "(B)"),
    ("#### 72\n\n#### \n", "72"),
]  # fmt: skip


@pytest.mark.parametrize(("response", "answer"), HASHES)
def test_hashes(response: str, answer: str) -> None:
    """The last line of GSM8K; titles of level four, before or behind it, are none."""
    found = said("#### Step 1: Multiply\n\n#### 2. Add 3\n\n" + WORK + response, guess=False)
    assert found is not None
    assert found[0] == answer


LATER = [
    (r"We have \boxed{\langle H \rangle \ll \Delta}, so the gap is larger.\n\n**Answer: D**", "D"),
    ("\\boxed{5}\n\nWait, that is wrong.\n\n**Answer:** 7", "7"),
    ("\\boxed{5}, no.\n\n## Final answer\n\n7", "7"),
    ("The answer is 5.\n\n#### 7", "7"),
    ("#### 5\nThe answer is: 7", "7"),
    ("<answer>5</answer> I must correct that: \\boxed{7}", "7"),
    ("Answer: 5\n\n故选：B", "B"),
    ("The answer is 5. Hmm, no: the answer is 7.", "7"),
    ("\\boxed{5} and later 7 is the answer.", "7"),
]


@pytest.mark.parametrize(("response", "answer"), LATER)
def test_the_last_statement_wins(response: str, answer: str) -> None:
    """Whatever its rule, over boxes in the reasoning too."""
    found = extract(response, guess=False)
    assert found is not None
    assert found.text == answer


RESTATED = [
    "Give your answer as a fraction: a/b.\n\n",
    "The final answer should be given in simplest form.\n\n",
    "The answer should be a whole number.\n\n",
    "The answer should be rounded to 2 decimal places.\n\n",
    "Answer the following question: how many are 3 and 4?\n\n",
    "To find the answer, we multiply 3 and 4.\n\n",
    "The answer is the product of 3 and 4.\n\n",
    "If the answer is 5, then something is wrong.\n\n",
    "A wrong answer is 5.\n\n",
    "Is the answer 5?\n\n",
    "\\boxed{}\n\n",
    "<answer></answer>\n\n",
    "Put it in \\boxed{answer}.\n\n",
]


@pytest.mark.parametrize("middle", RESTATED)
def test_what_states_nothing(middle: str) -> None:
    """Restated tasks, plans, suppositions, empty answers: what comes before or after them counts."""
    assert said(middle + "So there are 12 of them.") == ("12", "last number")
    assert said(middle + "The answer is 12.") == ("12", "phrase")
    before = said(f"So it is \\boxed{{12}}.\n\n{middle}Done.", guess=False)
    assert before == ("12", "box")


THINKING = [
    ("<think>\n14 * 3 = 42. The answer is 42.\n</think>\n\n<answer>210</answer>", ("210", "answer tag")),
    ("<think>The answer is \\boxed{42}.</think>\nSo there are 210 eggs.", ("210", "last number")),
    ("The answer is 42.</think>\nThe answer is 210.", ("210", "phrase")),
    ("<think>\\boxed{42}</think>", ("42", "box")),
    ("<think>So the answer is 42.</think>\n", ("42", "phrase")),
    ("<think>So the answer is 42. But then 43", None),
    ("<think>So it is \\boxed{42}. But", ("42", "box")),
    ("◁think▷ maybe 42 ◁/think▷ The answer is 210.", ("210", "phrase")),
    ("<thinking>The answer is 42.</thinking>The answer is 210.", ("210", "phrase")),
    ("```python\nanswer = 42\nprint(f'The answer is {answer}')\n```\nSo there are 210.", ("210", "last number")),
]


@pytest.mark.parametrize(("response", "found"), THINKING)
def test_thinking_and_programs(response: str, found: tuple[str, str] | None) -> None:
    """They are not searched, but where there is nothing else; thinking that was cut off has its box at most."""
    assert said(response) == found


CUT = [
    "The answer is", "Answer:", "The answer is $\\frac{1}{2", "Therefore, the answer is 18 * 22 =",
    "The answer is \\(x = ", "The answer is the", "So the answer is \\[",
]  # fmt: skip


@pytest.mark.parametrize("response", CUT)
def test_a_reply_that_is_cut_off(response: str) -> None:
    """No phrase is read that stops in the middle; nor is a number guessed for a box that does."""
    assert said(WORK + response, guess=False) is None
    assert said(WORK + "The answer is 5. No.\n" + response, guess=False) == ("5", "phrase")
    assert said(WORK + r"torn: \boxed{\frac{1}{2") is None


LAST = [
    ("There are 18 rows.\n\nThe cinema has 18 * 22 = 396 seats.", "396"),
    ("Therefore, the number of seats is 396.", "396"),
    ("They pay 339 * 6 = $2034.", "$2034"),
    ("The chance is 3/4.", "3/4"),
    ("The chance is $\\frac{3}{4}$.", r"\frac{3}{4}"),
    ("Thus $x = 2\\sqrt{3}$.", r"2\sqrt{3}"),
    ("Thus $x = -5$.", "-5"),
    ("We have 10 - 15 = -5.", "-5"),
    ("That leaves 1,200 people.", "1,200"),
    ("That is 12.5%.", "12.5%"),
    ("The train leaves at 4:30.", "4:30"),
    ("It is 396, as we saw in step 2.", "396"),
    ("It is 396, by equation (2).", "396"),
    ("共有396个。", "396"),
    ("Es sind 396 Plätze.", "396"),
    ("Das macht 12,75 Euro.", "12,75"),
]


@pytest.mark.parametrize(("response", "answer"), LAST)
def test_the_last_number(response: str, answer: str) -> None:
    """Of a response that states nothing: a guess, marked as such, and refused where guesses are not wanted."""
    assert said(response) == (answer, "last number")
    assert extract(response, guess=False) is None


@pytest.mark.parametrize("response", ["We do not know.", "", " \n", "Hmm.", "<think>", "\\boxed{}", "####", "</think>"])
def test_nothing(response: str) -> None:
    """A text without an answer and without a number has none."""
    assert extract(response) is None


JUNK = [
    "\\boxed{", "{", "}", "answer is ", "the answer is 5. ", "Answer:", "answer" + " " * 40, "$", "$$", "\\[", "\\(",
    "#### ", "####\n", "<answer>", "<think>", "</think>", "<|begin_of_box|>", "```python\n", "1", "1,", "1.", " ", "\n",
    "答案", "答：", "故选：", "\\begin{a}", "x = ", "=", "*", "**", "`", "(", "[", "Answer\n\n", "## Answer\n",
    "is the answer ", "Option A is ", "\x00", "é", "𝟙", "٣", "½", "-",
    "answer, ", "not ", "the final answer to a ", "US$", "\\frac{1}{",
]  # fmt: skip


@pytest.mark.parametrize("size", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("junk", JUNK)
def test_junk(junk: str, size: int) -> None:
    """Any text is read in time that grows with its length (a second for a million characters), and none raises."""
    text = junk * (size // len(junk))
    start = time.process_time()
    for response in (text, f"The answer is {text}", f"{text} the answer is 5"):
        extract(response)
    assert time.process_time() - start < 3 + size / 100_000


def test_random_texts() -> None:
    """Pieces of everything that is read above, in any order: nothing is raised, and what is found is not blank."""
    rng = random.Random(1)
    pieces = [*JUNK, *(text for text, _ in (*BOXES, *PHRASES, *HEADINGS, *TAGS)), *RESTATED]
    for _ in range(2_000):
        found = extract("".join(rng.choices(pieces, k=rng.randint(1, 9))))
        assert found is None or found.text.strip()


def test_what_is_found_is_a_value() -> None:
    """The answer and the rule, side by side."""
    assert extract("#### 5") == FinalAnswer("5", "hashes")


def test_samples_of_a_small_model(shared: Path) -> None:
    """The last box, or the last number: what a model of half a billion writes is read as its maker read it."""
    rows = [json.loads(line) for line in (shared / "bon/math_cot_100.jsonl").read_text(encoding="utf-8").splitlines()]
    missing = [text for row in rows for text in row["code"] if extract(text, guess=False) is None]
    assert len(missing) <= 8


RESULTS = [
    ("The solutions are x = 2 or x = 3.", "x = 2 or x = 3"), ("Hence the roots are 2 and 3.", "2 and 3"),
    ("Thus the possible values of $x$ are $-1$ and $4$.", "-1, 4"), ("So the solution set is $[2,5)$.", "[2,5)"),
    ("The point of intersection is (1, 2).", "(1, 2)"), ("So the vertex is at (2, 3).", "(2, 3)"),
    ("The probability is 1/3, or about 33.3%.", "1/3"), ("Las soluciones son 2 y 3.", "2, 3"),
    ("Die Lösungen sind x=2 und x=3.", "x=2 und x=3"), ("故取值范围是$[2,5)$。", "[2,5)"),
    ("所以方程的解为x=1或x=3。", "x=1或x=3"),
]  # fmt: skip
CONCLUSIONS = [
    ("Therefore $x = 5$ or $x = 7$.", "x = 5, x = 7"), ("Thus, $a < 5$.", "a < 5"), ("So $x=3$ and $y=4$.", "x=3, y=4"),
    ("解得 x=2 或 x=3。", "x=2 或 x=3"), ("Therefore, 5 people ate 10 apples.", "10"),
    ("So $2 < 3$, which is true.", "3"),
    ("The sum of the roots is 5, and their product is 6.", "6"), ("The values are 2 and 3. Their sum is 5.", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("response", "answer"), RESULTS)
def test_results(response: str, answer: str) -> None:
    """Solutions, roots and values are stated by the sentence that ends a reply; no guess is needed."""
    found = extract(f"We add 24 and 48.\n\n{response}", guess=False)
    assert found == FinalAnswer(answer, "phrase")


@pytest.mark.parametrize(("response", "answer"), CONCLUSIONS)
def test_conclusions(response: str, answer: str) -> None:
    """A reply that ends in `Therefore` and formulas means all of them; it is a guess, and refused as one."""
    assert said(f"We add 24 and 48.\n\n{response}") == (answer, "last number")
    assert extract(f"We add 24 and 48.\n\n{response}", guess=False) is None


REPEATED = [
    ("\\boxed{7}\n\nThe final answer is \\boxed{}.", "7"), ("\\boxed{7}\n\n**Final answer:** \\boxed{}", "7"),
    ("The final answer is 7 and I put it in \\boxed{}.", "7"), ("答案是：A、C", "A、C"), ("正确选项为B和D。", "BD"),
    ("所以选择B选项。", "B"), ("A resposta correta é a alternativa B.", "B"),
]  # fmt: skip


@pytest.mark.parametrize(("response", "answer"), REPEATED)
def test_empty_boxes_and_listed_choices(response: str, answer: str) -> None:
    """A box left empty takes no answer away; choices joined in Chinese are all of them."""
    found = extract(f"2 + 5 = 7.\n\n{response}")
    assert found is not None
    assert found.text == answer


PLAIN_FORMULAS = [
    "cbrt(27)", "arctan(1)", r"99! \cdot 100", r"x\leqslant 3", "|x-0.5|>1.5", "a·a^n", "x·10⁸", "x_1=2, x_2=3", "24!",
    r"a = 2 \text{ and } b = -5", "does not exist", "99! + 1",
    "negative five", "all real numbers except 0",
]  # fmt: skip


@pytest.mark.parametrize("formula", PLAIN_FORMULAS)
def test_plain_formulas(formula: str) -> None:
    """What is written without dollars is taken whole: functions, factorials, signs, names with numbers."""
    assert said(f"We get it at once.\n\nThe answer is {formula}.") == (formula, "phrase")
