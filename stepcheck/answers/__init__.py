"""Final answers: out of a response, and equal or not. Nothing that stands in an answer is ever executed.

extract.py   a response → its final answer, and how it was found; final/ holds what that takes
forms.py     an answer → one canonical way of writing it
numbers.py   an answer → a number with its unit
compare.py   two answers → equal, unequal or could not be told
algebra.py   the last resort: math-verify, asked in a process that can be killed
prover.py    that process
"""

from stepcheck.answers.compare import Grader, Outcome
from stepcheck.answers.extract import FinalAnswer, extract

__all__ = ["FinalAnswer", "Grader", "Outcome", "extract"]
