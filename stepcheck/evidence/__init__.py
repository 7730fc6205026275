"""What can be shown to be false in a solution, without a model. Nothing that stands in it is ever executed.

findings.py     Finding: a false claim, where it stands, what is true instead
words.py        the words that tell units, guesses and other readings
tokens.py       a step → tokens with their places
expressions.py  what a formula is
parsing.py      tokens → an expression, or nothing where it could be read in no way
amounts.py      exact numbers and bounds, with limits on their size
values.py       an expression of numbers → every amount that it may mean
wording.py      the words before a calculation and between its numbers
sides.py        tokens beside an equals sign → the expression there
links.py        a step → its equals signs with their two sides
spoken.py       calculations told in words → links
meanings.py     what a calculation that does not come out may have been meant to be
arithmetic.py   false links between numbers
polynomials.py  expressions with letters, exactly
algebra.py      false identities, and equations turned into ones with other solutions
memory.py       numbers that are carried on, changed in copying, or boxed instead of the one found
examination.py  a problem and steps → the findings of each step

Few findings, each of them certain: what could be read in more than one way is false only if it is so in all of them.
"""

from stepcheck.evidence.examination import examine
from stepcheck.evidence.findings import KINDS, Examined, Finding, Kind

__all__ = ["KINDS", "Examined", "Finding", "Kind", "examine"]
