"""Final answers: out of a response, and equal or not. Nothing that stands in an answer is ever executed.

extract.py      a response → its final answer, and how it was found; final/ holds what that takes
text.py         an answer → its text without looks
numerals.py     digits → numbers, and the one rule of thousands against lists
tokens.py       a text → tokens
expressions.py  tokens → a tree of mathematics (tree.py), by the names in functions.py; mixed.py
units.py        words and signs → what an amount is of
words.py        numbers, magnitudes and answers in words
amounts.py      tokens → numbers with units, money, compound amounts
sets.py         tokens → sets of real numbers, made of pieces.py
relations.py    tokens → names, equations, inequalities, ratios
spellings.py    choices, times of day, numbers in a base, words
sentences.py    a sentence → the one value in it
reading.py      an answer → all its readings (values.py: what an answer can be)
likeness.py     two values of one kind → equal or not (outcome.py)
apart.py        words that keep two answers of one value apart
compare.py      two answers → equal, unequal or could not be told
algebra.py      the door to a process that reckons and can be killed
prover.py       that process: reckoning.py, and math-verify for what is read by no reader here
"""

from stepcheck.answers.compare import Grader
from stepcheck.answers.extract import FinalAnswer, extract
from stepcheck.answers.outcome import Outcome

__all__ = ["FinalAnswer", "Grader", "Outcome", "extract"]
