"""Calculations among words: what is read of them, and what is left alone because it may be meant otherwise."""

import pytest

from stepcheck.evidence import examine


def truths(step: str, problem: str = "") -> list[str]:
    return [finding.truth for finding in examine(problem, [step])[0].findings]


@pytest.mark.parametrize(
    ("step", "truth"),
    [
        ("Half of 48 apples is 25 apples.", "24"),
        ("Two-thirds of 90 is 50.", "60"),
        ("Twice 24 equals 50.", "48"),
        ("So three times 24 is 75.", "72"),
        ("five plus seven is thirteen", "12"),
        ("The sum of 24 and 48 is 82.", "72"),
        ("The difference of 48 and 20 is 22.", "28"),
        ("The product of 6 and 7 is 48.", "42"),
        ("24 added to 48 is 82", "72"),
        ("If you add 24 and 48 you get 82.", "72"),
        ("We divide 48 by 2 to get 26.", "24"),
        ("48 - 24 gives 22", "24"),
        ("7 squared is 48", "49"),
        ("2 to the power of 5 is 30", "32"),
        ("The square root of 144 is 14.", "12"),
        ("10 choose 3 is 110", "120"),
    ],
)
def test_a_calculation_told_in_words_is_read(step: str, truth: str) -> None:
    """Fractions, sums, products, powers and roots as they are spoken."""
    assert truths(step) == [truth]


@pytest.mark.parametrize(
    ("step", "truth"),
    [
        ("The chips were divided into 4+6=**12** parts.", "10"),
        ("47 green and pink hard hats + 24 yellow hard hats = 11 hard hats", "71"),
        ("He needs to average 150 ÷ 5 = 3 points per game.", "30"),
        ("Max can deliver a maximum of 35 * 7 = 225 packages.", "245"),
        ("She would have to walk to 8500 + 6375 = 14895 steps.", "14875"),
        ("There are 45 - 5 = 38 layers of rock that are not limestone.", "40"),
        ("The rotten apples which were not smelling are 80 - 60 = 22", "20"),
        ("The total of the fourth test is 300-230=**71**", "70"),
        ("She makes 81 mistakes because 81=6*3", "18"),
        ("So, Rose got 85 + 2 = 81 of the items correctly. Thus she had 8 incorrect answers.", "87"),
        ("On a round trip they drive 250 + 250 = 499 miles around the lake.", "500"),
        ("40 bones at the end - 10 received = 31 on Sunday.", "30"),
        ("There are 33 patrons who came in cars + 27 from a bus = 6 patrons", "60"),
        ("Lexi will have to run 12 (from the park) + 1 (from the street) = **23** laps.", "13"),
        ("Aaron eats 1/2*70 sweets + 1/2*90 sweets + 1/2*50 sweets = 103 candy sweets.", "105"),
        ("There are 1200 miles / 400 miles = 800 sets of 400 miles.", "3"),
        ("It costs 1 plus 3 is $3 to make each bracelet.", "4"),
        ("A bear would eat 5,040 / 126 = 4 “Victors” worth of food.", "40"),
        ("The wall is 4 * 160 sq. ft. = 643 sq. ft.", "640"),
        ("He is left with 54,100 = 60,000 - 6,000.", "54000"),
        ("Currently, the hospital is 45 - 5 = 4 years old.", "40"),
        (r"- \(3 \cdot 6 = 19\)", "18"),
        ("The rest:\n- $3 + 6 = 19$", "9"),
        ("12 times (6 x 3=21)", "18"),
        ("1/2 + 1/3 = 2/5", "5/6"),
        ("The library sold 9900-6600=3310 books over the summer.", "3300"),
        ("Donny saves $15 + $28 + $13 = $54 across all 3 days", "56"),
        ("They add Caleb’s 7 gallons + Cynthia’s 8 gallons = 14 gallons.", "15"),
        ("She drives 8 miles to her home + the first 8 miles = 19 miles", "16"),
        ("The time he spends trying to get off the freeway: 2 hours * 4 = 3 hours", "8"),
        (r"There were 601 beans that are not red: $$812 - 203 = 601$$", "609"),
        ("They added 171 people bringing the population to 684 + 171 = 852 people", "855"),
        ("8 minutes/day + 2 minutes/day = 19 minutes/day", "10"),
        ("Mike spent that day 30+30+90=510.", "150"),
        ("5x + 3x = 9x", "8x"),
        (r"\[ 24 + 48 = \boxed{82} \]", "72"),
        (r"$24 + 48 = \mathbf{82}$", "72"),
        ("小明有24＋48＝82个", "72"),
        (r"$\frac{6!}{4!2!} = 16$", "15"),
        ("So $2x = 14$ and thus $x = 8$.", "x = 7"),
        ("7 more than 5 is 13", "12"),
        (r"\((-3)(-4) = -12\)", "12"),
        ("(-2)^3 = 8", "-8"),
        (r"\(2 / 8 = 0.26\)", "0.25"),
        ("Also sind es 5 Äpfel + 7 Äpfel = 13 Äpfel.", "12"),
    ],
)
def test_words_between_numbers_do_not_hide_a_false_result(step: str, truth: str) -> None:
    """Phrases behind a number, denials and approximations that are of something else, lists, German words."""
    assert truths(step) == [truth]


@pytest.mark.parametrize(
    "step",
    [
        "She has 3 apples and 4 pears + 5 plums = 12 fruits",
        "There are 3 boxes with 5 apples each + 2 = 17",
        "She read 3 books of 5 pages and 4 books of 6 pages + 10 = 49",
        "3 dozen eggs + 4 eggs = 40 eggs",
        "1 hour + 30 = 90",
        "2 km + 500 = 2500",
        "12 - 1 dozen = 0",
        "2 pairs + 3 = 7 shoes",
        "6 ft 2 in + 3 in = 77 in",
        "10 pm + 3 hours = 1 am",
        "9 am + 5 hours = 2 pm",
        "He works 9 - 5 = 8 hours",
        "1.200 + 300 = 1.500 Euro",
        "2^3^2 = 512",
        "2^3^2 = 64",
        "Adding 3 to 4 + 5 = 12",
        "Danai will also add 20 + 10 decorations to the 29 + 24 decorations already up = 83",
        "The average of 3 + 5 = 4",
        "The larger of 10 and 4 * 2 = 10",
        "5 goes into 20 + 5 = 5 times",
        "A*A=25 or A^2=25",
        "Therefore X = 9 because - 18/-2 = 9",
        "Remaining 10 = 62,300/10 = 6230",
        "Week 3 = 4 + 5 apples",
        "sum of 2 and 3 times 4 is 20",
        "The product of 3 and 4 plus 5 is 27",
        "The sum of 3 and twice 4 is 11",
        "More than half of 48 is 25",
        "The other half of 24 is 13",
        "half of 48 + 12 is 30",
        "Half of 24 is 12 and half of 12 is 6",
        "A third of 100 is 33.3",
        "We solve 5x + 3x = 9x",
        "x + 2x = 30",
        "This is not 7 but 3 + 4 = 8, which is not right",
        "Half of 3 hours is 90 minutes",
        "three times more than 24 is 96",
        "20 percent off 50 is 40",
        "The difference between 3 and 8 is 5",
        "5 and 7 squared is 54",
        "He got 24 and 48 added to 10 is 82",
        "It is not true that (3+4=8)",
        "A common mistake is 3 + 4 = 8",
        "Rounded to tens, 3 * 33 = 100",
        "The number of digits in 24 + 48 = 2",
    ],
)
def test_what_belongs_to_more_than_it_seems_is_left_alone(step: str) -> None:
    """A number before it, a unit that nobody changed, an hour of the clock, a list, a part of a sum told in words."""
    assert truths(step) == []


def test_a_percentage_of_the_problem_is_no_rounded_decimal() -> None:
    """47 % is 0.47 and nothing between 0.46 and 0.48: 0.47 · 200 is 94; without the problem 0.47 may be rounded."""
    step = "0.47 × 200 = 96 people"
    assert truths(step, "If 47% of 200 people vote, how many is that?") == ["94"]
    assert truths(step) == []


@pytest.mark.parametrize("digits", [61, 5_000])
def test_a_number_of_very_many_digits_is_none_in_words_either(digits: int) -> None:
    r"""In `\text{…}` as outside of it: with thousands of digits Python itself refuses to read one."""
    for number in ("1" * digits, rf"\text{{{'1' * digits}}}"):
        assert truths(f"${number} + 1 = 5$") == []


@pytest.mark.parametrize(
    ("step", "truth"),
    [
        ("nıne plus two is twelve", "11"),
        ("One thırd of 48 is 15.", "16"),
        ("A ſixth of 48 is 9.", "8"),
        ("TWİCE 24 is 50.", "48"),
        ("15 mınus 3 = 13", "12"),
    ],
)
def test_a_word_is_known_in_whatever_letters_its_pattern_takes_it(step: str, truth: str) -> None:
    """Without regard to case the Turkish ı and İ are an i, the long ſ is an s."""
    assert truths(step) == [truth]
