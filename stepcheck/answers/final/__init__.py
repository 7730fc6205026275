"""A response → where it states its final answer, and what it states there.

wording.py     the words of ten languages: what an answer is called, what says that it is one
formulas.py    where the formulas of a text are; a dollar sign before an amount is money
sides.py       of `18 * 22 = 396`, what it comes to; one formula or a list of them
stated.py      what a sentence states, and in which manner
leading.py     words that begin with a value → that value
within.py      words with a value somewhere → that value
sentence.py    a text that states an answer → the answer in its first sentence
marks.py       boxes, tags, `####`: answers that are marked as such
phrases.py     "the answer is …", headings, choices
lastnumber.py  the last number of a response that states nothing
"""
