"""What a number is, as a vector: the first columns of a number token's embedding row. No text and no model here.

A sum is a turn of phases. A product is one too, twice over: in the logarithm, roughly, and exactly in the discrete
logarithm modulo a prime, where casting out nines becomes an addition.
"""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 9999
"""The largest whole number that is one token."""

_FULL = (2, 3, 5, 7, 9, 10, 11)
_FIRST_TWO = (100, 1000, 10000)
_FIRST = (20, 50, 200, 400, 2000, 4000, 20000, 40000)
_LOG_PERIODS = tuple(0.05 * 2**i for i in range(10))
_CHARACTERS = {3: 1, 5: 2, 7: 3, 11: 2, 13: 2, 17: 2}
"""Primes, and how many harmonics of the discrete logarithm modulo each."""


def digit_strings() -> list[str]:
    """Every string of one to four digits, leading zeros included, shortest first: 11,110 of them."""
    return ["".join(digits) for length in range(1, 5) for digits in itertools.product("0123456789", repeat=length)]


@cache
def discrete_logarithms(prime: int) -> dict[int, int]:
    """The exponent of each residue but 0, to the smallest base whose powers reach all of them."""
    for base in range(2, prime):
        powers = {pow(base, exponent, prime): exponent for exponent in range(prime - 1)}
        if len(powers) == prime - 1:
            return powers
    return {1: 0}


def characters(n: int) -> list[float]:
    """Dirichlet characters of n for some primes: phases that add where numbers multiply; flags where one divides it."""
    found: list[float] = []
    for prime, harmonics in _CHARACTERS.items():
        exponent = discrete_logarithms(prime).get(n % prime)
        for k in range(1, harmonics + 1):
            turn = 0.0 if exponent is None else 2 * math.pi * k * exponent / (prime - 1)
            size = float(exponent is not None)
            found += [size * math.cos(turn)] if 2 * k == prime - 1 else [size * math.cos(turn), size * math.sin(turn)]
        found.append(1.0 - float(exponent is not None))
    return found


def describe(digits: str, *, spaced: bool) -> list[float]:
    """The features of one digit string: phases for several periods, of two logarithms, flags and sizes."""
    n = int(digits)
    log = math.log(max(n, 1))
    turns = [n * k / p for p in _FULL for k in range(1, p // 2 + 1)]
    turns += [n * k / p for p in _FIRST_TWO for k in (1, 2)]
    turns += [n / p for p in _FIRST]
    turns += [log / p for p in _LOG_PERIODS]
    waves = [wave(2 * math.pi * turn) for turn in turns for wave in (math.cos, math.sin)]
    lengths = [float(len(digits) == k) for k in range(1, 5)]
    flags = [float(n == 0), float(n == 1), float(len(digits) > 1 and digits[0] == "0"), float(spaced)]
    return [
        *waves,
        *characters(n),
        *lengths,
        *flags,
        log / 5,
        min(n / 20, 1.0),
        min(n / 100, 1.0),
        min(n / 1000, 1.0),
        n / 10000,
    ]


def table(*, spaced: bool) -> NDArray[np.float32]:
    """The features of all digit strings, in the order of `digit_strings`: [11110, F] float32."""
    return np.array([describe(digits, spaced=spaced) for digits in digit_strings()], dtype=np.float32)
