"""What a critic is asked.

The question for a verdict is ProcessBench's, word for word, since figures are comparable only with it: arXiv
2412.06559; the file code/templates/critique_template.txt of QwenLM/ProcessBench. Steps stand as paragraphs between
tags, counted from 0; the answer is the index of the first wrong one in a box, or -1. The question why a step is wrong
is our own.
"""

from typing import Final

from stepcheck.document import Document
from stepcheck.evidence import examine
from stepcheck.patterns import regex

QUESTION: Final = (
    "The following is a math problem and a solution (split into paragraphs, enclosed with tags and indexed from 0):\n\n"
    "[Math Problem]\n\n{problem}\n\n[Solution]\n\n{solution}\n\n"
    "Your task is to review and critique the solution paragraph by paragraph. Once you identify an error in a"
    " paragraph, return the index of the paragraph where the earliest error occurs. Otherwise, return the index of -1"
    ' (which typically denotes "not found").\n\n'
    "Please put your final answer (i.e., the index) in \\boxed{{}}."
).replace("{{}}", "{}")
WHY: Final = (
    "Below are a math problem and the beginning of a solution, in numbered steps. Somebody doubts step {number}.\n\n"
    "Problem:\n{problem}\n\nSteps:\n{solution}\n\n"
    "{facts}Check step {number} against the problem and the steps before it. If it is wrong, say in a few sentences"
    " what is wrong and what it should have been. If it is right, say so and why."
)
FACTS: Final = "These facts were reckoned exactly; build on them, and do not reckon them again:\n{facts}\n\n"
_PART: Final = regex(r"\{(problem|solution|number|facts)\}")


def verdict_question(document: Document) -> str:
    """Ask for the first wrong step, the published way."""
    tagged = (f"<paragraph_{index}>\n{step.text}\n</paragraph_{index}>" for index, step in enumerate(document.steps))
    return _fill(QUESTION, problem=document.problem, solution="\n\n".join(tagged))


def why_question(document: Document, index: int) -> str:
    """Ask what is wrong with a step (0-based); what comes after it is not shown, what is false for certain is told."""
    steps = (f"{number}. {step.text}" for number, step in enumerate(document.steps[: index + 1], 1))
    told = _facts(document, index)
    facts = _fill(FACTS, facts=told) if told else ""
    return _fill(WHY, problem=document.problem, solution="\n\n".join(steps), number=str(index + 1), facts=facts)


def _facts(document: Document, index: int) -> str:
    """Say what is shown to be false in the steps up to this one, a line each."""
    examined = examine(document.problem, [step.text for step in document.steps[: index + 1]])
    return "\n".join(
        f"- step {number}: {finding.sentence}" for number, step in enumerate(examined, 1) for finding in step.findings
    )


def _fill(form: str, **parts: str) -> str:
    """Put texts in their places, in one pass: what looks like a place inside a text stays what it is."""
    return _PART.sub(lambda found: parts.get(found[1], found[0]), form)
