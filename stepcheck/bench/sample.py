"""A small set of solutions of our own, right and wrong ones, for measurements that need some text and no dataset.

Owns the texts: a few forms of school problems, with numbers drawn the same way always. Nothing is tuned by them.
"""

import random
from collections.abc import Callable

from stepcheck.document import Document, Step

Form = Callable[[random.Random], tuple[str, list[str]]]
EACH = 8
"""Documents of every form; every second one has a wrong number in one step."""


def _shop(draw: random.Random) -> tuple[str, list[str]]:
    price, count, paid = draw.randint(2, 9), draw.randint(3, 9), 100
    cost = price * count
    return (
        f"A pen costs ${price}. Tom buys {count} pens and pays with a note of ${paid}. How much does he get back?",
        [
            f"{count} pens cost {count} · {price} = {cost} dollars.",
            f"He gets back {paid} − {cost} = {paid - cost} dollars.",
            f"The answer is \\boxed{{{paid - cost}}}.",
        ],
    )


def _line(draw: random.Random) -> tuple[str, list[str]]:
    a, x, b = draw.randint(2, 9), draw.randint(2, 12), draw.randint(1, 20)
    c = a * x + b
    return (
        f"Solve ${a}x + {b} = {c}$.",
        [f"Subtract {b} from both sides: ${a}x = {c - b}$.", f"Divide by {a}: $x = {x}$.", f"So $x = {x}$."],
    )


def _mean(draw: random.Random) -> tuple[str, list[str]]:
    middle, spread = draw.randint(20, 60), draw.randint(2, 9)
    numbers = [middle - spread, middle, middle + spread, middle]
    total = sum(numbers)
    return (
        f"What is the mean of {', '.join(map(str, numbers))}?",
        [
            f"The sum is {' + '.join(map(str, numbers))} = {total}.",
            f"There are {len(numbers)} numbers.",
            f"The mean is {total} / {len(numbers)} = {middle}.",
        ],
    )


def _train(draw: random.Random) -> tuple[str, list[str]]:
    speed, hours, rest = draw.randint(4, 12) * 10, draw.randint(2, 6), draw.randint(1, 9) * 10
    way = speed * hours
    return (
        f"A train goes {speed} km/h for {hours} hours, and then {rest} km more. How far does it go?",
        [
            f"In {hours} hours it goes {speed} · {hours} = {way} km.",
            f"With the rest it is {way} + {rest} = {way + rest} km.",
            f"It goes {way + rest} km in all.",
        ],
    )


FORMS: tuple[Form, ...] = (_shop, _line, _mean, _train)


def documents() -> list[Document]:
    """Return the documents of the set, in order."""
    draw, made = random.Random(1), []  # noqa: S311 (numbers of a text)
    for form in FORMS:
        for number in range(EACH):
            problem, steps = form(draw)
            if number % 2:
                wrong = draw.randrange(len(steps) - 1)
                steps[wrong] = _spoil(steps[wrong])
            name = f"{form.__name__.lstrip('_')}-{number + 1}"
            made.append(Document(problem, tuple(map(Step, steps)), source=name, id=name))
    return made


def _spoil(step: str) -> str:
    """Make the last number of a step a wrong one."""
    digits = [index for index, letter in enumerate(step) if letter.isdigit()]
    last = digits[-1]
    return step[:last] + str((int(step[last]) + 3) % 10) + step[last + 1 :]
