"""The process that reckons and that math-verify runs in: `python -m stepcheck.answers.prover`.

A question is a line of JSON: ["same", tree, tree], ["factor", tree, tree, positive], ["load"], or in LaTeX ["verify",
gold, given]; the answer a line: true, false or null. Trees are reckoned (reckoning.py). Only math-verify's LaTeX
grammar reads texts (a parser, which builds expressions); its reader of Python-like expressions, which evaluates them,
is left out, and its word is checked: equal numbers to many digits, sets in both directions, expressions at points. A
watchdog in C ends the process when a question outlasts its parent's patience, whatever holds it up, so that none stays
behind when the parent is killed.
"""

import faulthandler
import json
import logging
import os
import sys
import threading
from typing import Any

from stepcheck.bounds import bound_memory

PATIENCE_SECONDS = 6.0
"""More than the parent's: usually that kills first."""
MOST_ADDRESS_SPACE = 4 << 30
DIGITS = 60


def main() -> None:
    """Answer until the questions end."""
    logging.disable(logging.CRITICAL)
    bound_memory(MOST_ADDRESS_SPACE)
    from stepcheck.answers import reckoning

    reckoning.same(["num", "1/3"], ["num", "1/3"])
    _say("ready")
    for line in sys.stdin.buffer:
        question = json.loads(line)
        if question[0] == "load":  # may take its time
            _say(json.dumps(_answer(["verify", "1", "1"])))
            continue
        faulthandler.dump_traceback_later(PATIENCE_SECONDS, exit=True)
        answer = _answer(question)
        faulthandler.cancel_dump_traceback_later()
        _say(json.dumps(answer))


def _answer(question: list[Any]) -> bool | None:
    """Answer one question; None if it has no answer."""
    from stepcheck.answers import reckoning

    try:
        if question[0] == "same":
            return reckoning.same(question[1], question[2])
        if question[0] == "factor":
            return reckoning.proportional(question[1], question[2], positive=question[3])
        return _verified(str(question[1]), str(question[2]))
    except Exception:  # noqa: BLE001 (the worker's edge: whatever is raised here, the question has no answer)
        return None


def _verified(gold: str, given: str) -> bool | None:
    """Compare two texts as math-verify does, and check its word; None if one cannot be read or it cannot be checked."""
    from math_verify import verify

    ours, theirs = _parse(gold), _parse(given)
    if not ours or not theirs:
        return None
    said = all(
        verify(left, right, timeout_seconds=None, raise_on_error=True, float_rounding=DIGITS, numeric_precision=DIGITS)
        for left, right in ((ours, theirs), (theirs, ours))
    )
    return _checked(ours[0], theirs[0], said=said)


def _checked(ours: object, theirs: object, *, said: bool) -> bool | None:
    """Reckon with what was read: numbers and expressions alike; what cannot be reckoned counts as said if unequal."""
    from sympy import Basic, Expr, Float

    if not isinstance(ours, Basic) or not isinstance(theirs, Basic):
        return None
    if ours == theirs:
        return True
    if not isinstance(ours, Expr) or not isinstance(theirs, Expr):
        return True if said else None
    names = sorted(ours.free_symbols | theirs.free_symbols, key=str)
    found = []
    for count in range(4):
        point = {name: Float(0.37 + 0.41 * place + 0.73 * count, DIGITS) for place, name in enumerate(names)}
        left, right = (side.evalf(DIGITS, subs=point, maxn=4 * DIGITS) for side in (ours, theirs))
        if not (left.is_number and right.is_number and left.is_finite and right.is_finite):
            return None
        size = max(abs(left), abs(right))
        found.append(bool(abs(left - right) <= size * Float(10, DIGITS) ** (10 - DIGITS // 2)))
    return all(found)


def _parse(text: str) -> list[Any]:
    from math_verify import LatexExtractionConfig, parse

    found = parse(
        f"${text}$",
        extraction_config=[LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,  # switched off: the parent has the clock
    )
    return list(found)


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    threading.stack_size(64 << 20)  # deep nesting ends in RecursionError, not in a crash
    sys.setrecursionlimit(3_000)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    os._exit(0)
