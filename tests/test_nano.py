"""What the built-in model learns from: its numbers, its slips, its renumbering and the ways of writing."""

import cmath
import math
import random
import re
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch (the test extra)")
pytest.importorskip("tokenizers", reason="training needs tokenizers (the test extra)")

from tokenizers import Tokenizer

from benchmarks.given.problems import PLAIN, said
from models.nano import documents, numbers, problems, slips, stream, templates, tokenizer, writing
from models.nano.chinese import Translator
from models.nano.equations import UnreadableError, invent, leaves, read, value
from models.nano.material import FIXED, RARE, Material
from tests.nano_texts import build_tokenizer, calculated, holds


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return build_tokenizer()


def test_every_number_to_9999_is_one_token_in_every_context(words: Tokenizer) -> None:
    """A number is one token after a space, a letter, a sign, a brace or a comma, also with leading zeros."""
    strings = numbers.digit_strings()
    assert len(strings) == 10 + 100 + 1000 + 10000
    chosen = [*strings[:1110], *random.Random(0).sample(strings[1110:], 1500)]
    for before in ("", " ", "$", "{", "(", "/", "=", "1,", "3.", "x ", "×", "\n", "apples "):
        for digits, encoding in zip(chosen, words.encode_batch([before + d for d in chosen]), strict=True):
            expected = tokenizer.SPACE + digits if before.endswith(" ") else digits
            assert encoding.tokens[-1] == expected, (before, digits, encoding.tokens)


def test_longer_numbers_and_any_text_survive_the_tokenizer(words: Tokenizer) -> None:
    """Decoding gives the text back: numbers of ten digits, LaTeX, Chinese, emoji and odd spaces."""
    for text in ("1234567890", "$1,234,567.89$", r"\frac{12345}{6} \times 7", "小明有 24 个苹果", "a  b\n\n c\t🙂"):
        assert words.decode(words.encode(text).ids) == text


def test_number_features_turn_sums_into_phases_and_products_into_logarithms() -> None:
    """The angle of 7+5 is the angle of 7 plus that of 5, modulo a turn; the logarithm of 6·4 is the sum of theirs."""
    table = {n: numbers.describe(str(n), spaced=False) for n in (4, 5, 6, 7, 12, 24)}
    angle = {n: math.atan2(row[1], row[0]) for n, row in table.items()}
    assert math.isclose((angle[7] + angle[5] - angle[12]) % (2 * math.pi) % math.pi, 0, abs_tol=1e-6)
    logarithm = {n: row[-5] for n, row in table.items()}
    assert math.isclose(logarithm[6] + logarithm[4], logarithm[24], abs_tol=1e-9)
    every = np.concatenate([numbers.table(spaced=False), numbers.table(spaced=True)])
    assert len(np.unique(every.round(4), axis=0)) == 2 * 11_110


@pytest.mark.parametrize("prime", [3, 5, 7, 11, 13, 17])
def test_characters_turn_products_into_sums_of_phases(prime: int) -> None:
    """Modulo a prime, the discrete logarithm of a product is the sum of those of its factors; 0 has none."""
    exponents = numbers.discrete_logarithms(prime)
    assert sorted(exponents) == list(range(1, prime))
    for a in range(1, prime):
        for b in range(1, prime):
            assert (exponents[a] + exponents[b]) % (prime - 1) == exponents[a * b % prime]


def test_characters_tell_wrong_products_from_right_ones() -> None:
    """37 × 46 = 1702: modulo 7 that is 2 × 4 = 1, in phases of the discrete logarithm; for 1703 they do not add up."""
    seven = slice(6, 8)  # after 3: one wave and a flag, and 5: two harmonics (three numbers) and a flag
    turned = {n: complex(*numbers.characters(n)[seven]) for n in (37, 46, 1702, 1703)}
    assert cmath.isclose(turned[37] * turned[46], turned[1702], abs_tol=1e-9)
    assert not cmath.isclose(turned[37] * turned[46], turned[1703], abs_tol=0.1)
    assert numbers.characters(17)[-1] == 1, "17 divides it, so there is no phase"
    assert numbers.characters(17)[-5:-1] == [0, 0, 0, 0]


def test_right_solutions_are_right_and_planted_slips_are_wrong() -> None:
    """By an independent evaluation of the plain text, in 300 invented problems and each kind of slip.

    A wrong result: just that equation is false. A wrong copy or operation: the equation holds, but says something else
    than the right solution does. Nothing before the first error differs; a carried slip changes what follows.
    """
    rng = random.Random(2)
    seen = dict.fromkeys((*slips.KINDS, "carried"), 0)
    for _ in range(300):
        problem = templates.compose(rng)
        worth = problems.carry(problem, {})
        assert worth is not None
        right = slips.right(problem, worth)
        assert all(holds(step) for step in right.steps)
        kind, carried = rng.choice(slips.KINDS), rng.random() < 0.5
        wrong = slips.plant(problem, worth, kind, rng, carried=carried)
        if wrong is None:
            continue
        seen[kind] += 1
        first = wrong.first_error
        assert first is not None
        assert wrong.question == right.question
        assert [said(step) for step in wrong.steps[:first]] == [said(step) for step in right.steps[:first]]
        if first == len(wrong.steps):
            assert wrong.answer.number != right.answer.number
            continue
        assert said(wrong.steps[first]) != said(right.steps[first])
        assert holds(wrong.steps[first]) == (kind != "result")
        if wrong.carried and first + 1 < len(wrong.steps):
            seen["carried"] += 1
            assert all(holds(step) for step in wrong.steps[first + 1 :])
            assert said(wrong.steps[first + 1]) != said(right.steps[first + 1])
    assert min(seen.values()) >= 20


def test_an_other_operation_with_the_same_result_is_no_slip() -> None:
    """2 + 2 and 2 * 2 are both 4: no slip is planted there, since nobody could call it wrong."""
    four, two = Fraction(4), Fraction(2)
    sum_ = problems.Equation(read("2+2"), four)
    problem = problems.Problem(("Two and ", problems.Number(two), "?"), ((sum_,),), four)
    rng = random.Random(3)
    for _ in range(100):
        draft = slips.plant(problem, {}, "operation", rng)
        assert draft is None or calculated(said(draft.steps[0]).split("=")[0]) != 4


def test_new_numbers_keep_problem_and_solution_together() -> None:
    """After drawing, operands equal what the question now says, equations hold, and words keep their numbers."""
    question = "Ida picks 36 plums each day for a week. She sells 40 of them for $3 each. How many dollars is that?"
    answer = (
        "She picks 36*7=<<36*7=252>>252 plums.\nShe keeps 252-40=<<252-40=212>>212.\n"
        "She gets $<<40*3=120>>120.\n#### 120"
    )
    problem = problems.parse(question, answer)
    assert problem.free == {36, 40, 3}
    rng, changed = random.Random(4), 0
    for _ in range(100):
        worth = problems.draw(problem, rng)
        assert worth is not None
        draft = slips.right(problem, worth)
        text = "".join(f.text for f in writing.write_step(draft.question, PLAIN))
        plums, sold, price = (Fraction(n) for n in re.findall(r"\d+", text))
        assert said(draft.steps[0]) == f"She picks {plums}*7={plums * 7} plums."
        assert said(draft.steps[1]) == f"She keeps {plums * 7}-{sold}={plums * 7 - sold}."
        assert "a week" in text
        assert draft.answer.number == sold * price
        changed += [plums, sold, price] != [Fraction(36), Fraction(40), Fraction(3)]
    assert changed == 100


def test_a_number_that_a_constant_leans_on_is_not_drawn_anew() -> None:
    """25 % is used as .25 and 75: both would be untrue for another percentage."""
    problem = problems.parse(
        "A coat of $80 is 25% off in May. What does it cost?",
        "25% off is 80*.25=<<80*.25=20>>20.\nIt costs 80-20=$<<80-20=60>>60.\n#### 60",
    )
    assert problem.free == {80}


def test_a_number_that_a_later_result_equals_keeps_its_worth() -> None:
    """A box holds 16 and two bags of 8 are 16 as well: the box's 16 does not follow the bags."""
    problem = problems.parse(
        "Two boxes hold 16 nuts each, 2 bags 8 each. How many nuts?",
        "The boxes hold 2*16=<<2*16=32>>32.\nThe bags hold 2*8=<<2*8=16>>16.\nIn all 32+16=<<32+16=48>>48.\n#### 48",
    )
    rng = random.Random(20)
    for _ in range(50):
        worth = problems.draw(problem, rng)
        if worth is None:
            continue
        for step in slips.right(problem, worth).steps:
            left, result = re.findall(r"\d+[*+]\d+|(?<==)\d+", said(step))
            assert calculated(left) == int(result)


@pytest.mark.parametrize("said_so", ["since 20+10=15*2", "with 20 + 10 of them"])
def test_a_problem_that_calculates_without_saying_so_keeps_its_numbers(said_so: str) -> None:
    """An equation without an annotation could not follow the others."""
    problem = problems.parse(
        "Ann has 60 pens, 20 red and 10 blue. She loses 4. How many?",
        f"Red and blue are 20+10=<<20+10=30>>30.\nSo 30 are left, {said_so} pens.\n"
        "She has 60-4=<<60-4=56>>56.\n#### 56",
    )
    assert not problem.free
    assert problems.draw(problem, random.Random(0)) is None


def test_a_calculation_without_an_annotation_follows_new_numbers() -> None:
    """`8 – 1 = 7` in a sentence is an equation as well, and so are the numbers that lead up to an annotated one."""
    problem = problems.parse(
        "A group of 8 has 1 guide. Each other one asks 30 times, all of them 5 times more. How often is that?",
        "There are 8 – 1 = 7 tourists, who ask 7 tourists x 30 times = <<7*30=210>>210 times.\n"
        "In all 210 + 5 = <<210+5=215>>215.\n#### 215",
    )
    assert problem.free == {8, 30, 5}
    rng = random.Random(21)
    for _ in range(50):
        worth = problems.draw(problem, rng)
        assert worth is not None
        first, last = (said(step) for step in slips.right(problem, worth).steps)
        group, guide, tourists, again, times, asked = (int(found) for found in re.findall(r"\d+", first))
        assert (tourists, again, asked) == (group - guide, tourists, tourists * times)
        more = worth.get(Fraction(5), 5)
        assert last == f"In all {asked}+{more}={asked + more}."


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("It is 10/3=<<10/3=3.33>>3.33.\n#### 3.33", "rounded"),
        ("It is 2+2=<<2+2=5>>5.\n#### 5", "wrong"),
        ("It is 2+2=<<2+2=4>>4.\n#### 7", "another answer"),
        ("It is 2^3=<<2^3=8>>8.\n#### 8", "no plain arithmetic"),
    ],
)
def test_rows_that_do_not_hang_together_are_left_out(answer: str, why: str) -> None:
    """A rounded, wrong, foreign or unreadable annotation would teach a wrong label."""
    with pytest.raises(UnreadableError):
        problems.parse(f"How many? ({why})", answer)


def test_invented_equations_have_short_results_that_are_right() -> None:
    """`value` agrees with an independent evaluation, and results have two decimals at most."""
    rng = random.Random(5)
    for _ in range(500):
        left = invent(rng)
        calculation = slips.Calculation(problems.Equation(left, value(left, {})), {}, value(left, {}), Fraction(0))
        text, result = "".join(f.text for f in writing.write_equation(calculation, PLAIN)).split("=")
        assert calculated(text) == Fraction(result)
        assert (Fraction(result) * 100).denominator == 1


def test_every_style_says_the_same(words: Tokenizer) -> None:
    """Whatever the style, the second loss's targets are what the right text has in those places."""
    rng, encoder = random.Random(6), documents.Encoder(words)
    known = {index: text for text, index in documents.classes().items()}
    signs = {"+": "+", "plus": "+", "-": "-", "minus": "-", "*": "*", "times": "*", "x": "*", "/": "/", "divided": "/"}
    checked = 0
    for _ in range(300):
        problem = templates.compose(rng)
        row = encoder.document(writing.write(slips.right(problem, {}), rng))
        for place, target in row.targets:
            token = words.decode([row.tokens[place + 1]]).strip()
            if token.isdigit():
                assert token == known[target]
                checked += 1
            elif token in signs:
                assert signs[token] == known[target]
                checked += 1
    assert checked > 1000


def test_plain_equations_are_always_written_alike(words: Tokenizer) -> None:
    """One operation, whole operands under a thousand, the result last; beside the right one up to three wrong ones."""
    rng, encoder = random.Random(18), documents.Encoder(words)
    for _ in range(60):
        operands = list(leaves(stream.draw_plain_sum(rng).equation.left))
        assert len(operands) == 2
        row = stream.make_equation(encoder, rng, plain=True)
        assert 2 <= len(row.marks) <= 4
        assert [label for _, label in row.marks] == [1] + [0] * (len(row.marks) - 1)
        trunk = words.decode([t for t, branch in zip(row.tokens, row.branches, strict=True) if branch == 0])
        assert re.fullmatch(r"\d{1,3} ?[-+*/] ?\d{1,3} ?= ?[\d.]+(<extra_0>)?", trunk), trunk


def test_a_slip_is_taught_with_the_right_token(words: Tokenizer) -> None:
    """Where the text shows a wrong result, the target is the right one: 48/2=25 teaches 24."""
    encoder = documents.Encoder(words)
    left = read("48/2")
    calculation = slips.Calculation(problems.Equation(left, Fraction(24)), {}, Fraction(25), Fraction(24))
    row = encoder.equation([(writing.write_equation(calculation, PLAIN), 0)])
    ((place, target),) = row.targets
    assert words.id_to_token(row.tokens[place + 1]) == "25"
    assert target == documents.classes()["24"]
    assert row.marks == [(len(row.tokens) - 1, 0)]


@pytest.mark.parametrize(
    ("left", "running"),
    [
        ("48/2", {"2": "24"}),
        ("12+14+13", {"14": "26", "13": "39"}),
        ("2+5*3", {"3": "15"}),
        ("(3+4)*5", {"4": "7", "5": "35"}),
        ("7/2+8", {}),
        ("90*900", {}),
    ],
)
def test_what_a_calculation_comes_to_so_far_is_taught_at_its_operands(
    words: Tokenizer, left: str, running: dict[str, str]
) -> None:
    """At the operand that ends a part of it, the inner one of two; no fraction, nothing over 9,999."""
    right = value(read(left), {})
    calculation = slips.Calculation(problems.Equation(read(left), right), {}, right + 1, right)
    row = documents.Encoder(words).equation([(writing.write_equation(calculation, PLAIN), 0)])
    known = {index: text for text, index in documents.classes().items()}
    found = {words.id_to_token(row.tokens[place]): known[worth] for place, worth in row.running}
    assert found == running


@pytest.mark.parametrize("kind", slips.KINDS)
def test_a_slip_is_marked_where_it_is_written(words: Tokenizer, kind: str) -> None:
    """Of the first wrong step's numbers and operators one is called wrong; of the steps before it none."""
    rng, encoder, seen = random.Random(16), documents.Encoder(words), 0
    for _ in range(80):
        problem = templates.compose(rng)
        draft = slips.plant(problem, {}, kind, rng)
        if draft is None or draft.first_error == len(draft.steps):
            continue
        row = encoder.document(writing.write(draft, rng, whole=False))
        assert all(place < row.marks[-1][0] for place, _ in row.checks)
        start = row.marks[-2][0] if len(row.marks) > 1 else 0
        wrong = [place for place, label in row.checks if not label]
        assert all(place > start for place in wrong), "the steps before are right"
        assert len({words.decode([row.tokens[place]]).strip() for place in wrong}) <= 1, "a result may stand twice"
        seen += len(wrong) > 0
    assert seen > 20, "a number beyond the number tokens is not marked, the others are"


def test_a_document_has_the_template_and_one_mark_for_each_step(words: Tokenizer) -> None:
    """The row is the short ChatML prompt; each step, stripped, is followed by the mark and nothing else."""
    rng, encoder = random.Random(7), documents.Encoder(words)
    for _ in range(50):
        problem = templates.compose(rng)
        written = writing.write(slips.right(problem, {}), rng)
        row = encoder.document(written)
        steps = ["".join(f.text for f in step) for step in written.steps]
        assert all(step == step.strip() for step in steps)
        text = words.decode(row.tokens, skip_special_tokens=False)
        head = f"<|im_start|>user\n{written.question}<|im_end|>\n<|im_start|>assistant\n"
        assert text == head + "".join(f"{step}<extra_0>" for step in steps)
        assert [row.tokens[place] for place, _ in row.marks] == [encoder.mark] * len(steps)
        assert row.tokens.count(encoder.mark) == len(steps)


def test_a_drill_differs_from_its_slip_in_the_result_alone() -> None:
    """Beside each equation stands the same one with another result, and the right result is what it teaches."""
    rng, seen = random.Random(13), 0
    for _ in range(40):
        drill = stream.make_drill([templates.compose(rng)], rng)
        assert len(drill.steps) == 9
        for at, slip in drill.slips:
            right = drill.steps[at]
            assert len(slip) == len(right)
            changed = [(ours, theirs) for ours, theirs in zip(slip, right, strict=True) if ours.text != theirs.text]
            ((ours, theirs),) = changed
            assert ours.right in (None, theirs.text)  # None: the result stands first, and so cannot be foretold
            seen += ours.right is not None
    assert seen > 300


def test_rare_words_become_others_of_their_kind_throughout() -> None:
    """Names become names and things become things; what says the calculation stays, and so does every number."""
    rare = [
        problems.parse(
            f"{name} packs 3 boxes of 5 {thing}. How many {thing} are packed?",
            f"{name} packs 3*5=<<3*5=15>>15 {thing} in total.\n#### 15",
        )
        for name, thing in (("Olaf", "lanterns"), ("Mirja", "saddles"), ("Tamsin", "kettles"))
    ]
    common = [problems.parse("There are 3 boxes of 5. How many?", "It is 3*5=<<3*5=15>>15 in total.\n#### 15")] * (
        RARE + 1
    )
    material, rng = Material([*rare, *common]), random.Random(22)
    seen = set()
    for _ in range(60):
        problem = material.reworded(rare[0], rng)
        question = "".join(piece if isinstance(piece, str) else "#" for piece in problem.question)
        found = re.fullmatch(r"(\w+) (\w+) # boxes of # (\w+)\. How many (\w+) are packed\?", question)
        assert found is not None, question
        name, verb, thing, again = found.groups()
        assert name in {"Olaf", "Mirja", "Tamsin"}
        assert {verb, thing} < {"packs", "lanterns", "saddles", "kettles"}
        assert thing == again
        assert said(slips.right(problem, {}).steps[0]) == f"{name} {verb} 3*5=15 {thing} in total."
        seen.add((name, thing))
    assert len(seen) > 4
    assert material.reworded(common[0], rng) == common[0]


def test_problems_whose_numbers_must_stay_are_shown_less_often() -> None:
    """They are remembered soon, and then nothing is calculated."""
    free = problems.parse("Ann has 31 pens and 44 nuts. How many?", "It is 31+44=<<31+44=75>>75.\n#### 75")
    fixed = problems.parse("Ann has twelve pens and 44 nuts. How many?", "It is 17+44=<<17+44=61>>61.\n#### 61")
    material, rng = Material([free, *[fixed] * 9]), random.Random(23)
    picked = [material.pick(rng)[0] for _ in range(400)]
    shown = sum(problem.answer == 61 for problem in picked) / sum(problem.answer in (61, 75) for problem in picked)
    assert FIXED - 0.1 < shown < FIXED + 0.1


def test_chinese_words_keep_the_arithmetic() -> None:
    """With Chinese words, every number, operator and LaTeX command is where it was, and no English word is left."""
    rng = random.Random(14)
    for _ in range(50):
        tree = stream.make_tree(Material([]), rng)
        translated = Translator(rng).tree(tree)
        for ours, theirs in zip((*translated.steps,), tree.steps, strict=True):
            assert [f for f in ours if f.right is not None] == [f for f in theirs if f.right is not None]
            text = "".join(f.text for f in ours if f.right is None)
            assert not re.search(r"(?<![\\A-Za-z])[A-Za-z]{2,}", text), text
        assert re.findall(r"\d", translated.question) == re.findall(r"\d", tree.question)
