"""The process that math-verify runs in: `python -m stepcheck.answers.prover`.

A question is a line of JSON, [gold, given] in LaTeX; the answer a line: true, false or null. Only math-verify's LaTeX
grammar reads the texts (a parser, which builds expressions); its reader of Python-like expressions, which evaluates
them, is left out. A watchdog in C ends the process when a question outlasts its parent's patience, whatever holds it
up, so that none stays behind when the parent is killed.
"""

import faulthandler
import json
import logging
import os
import sys
import threading
from typing import Any

PATIENCE_SECONDS = 6.0
"""More than the parent's: usually that kills first."""
MOST_ADDRESS_SPACE = 4 << 30


def main() -> None:
    """Answer until the questions end."""
    logging.disable(logging.CRITICAL)
    _limit_memory()
    _equal("1", "1")  # loads everything
    _say("ready")
    for line in sys.stdin.buffer:
        faulthandler.dump_traceback_later(PATIENCE_SECONDS, exit=True)
        gold, given = json.loads(line)
        answer = _equal(str(gold), str(given))
        faulthandler.cancel_dump_traceback_later()
        _say(json.dumps(answer))


def _equal(gold: str, given: str) -> bool | None:
    """Compare two expressions; None if one cannot be read."""
    from math_verify import verify

    try:
        ours, theirs = _parse(gold), _parse(given)
        if not ours or not theirs:
            return None
        return bool(verify(ours, theirs, timeout_seconds=None, raise_on_error=True))
    except Exception:  # noqa: BLE001 (the worker's edge: whatever SymPy raises, the question has no answer)
        return None


def _parse(text: str) -> list[Any]:
    from math_verify import LatexExtractionConfig, parse

    found = parse(
        f"${text}$",
        extraction_config=[LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,  # switched off: the parent has the clock
    )
    return list(found)


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard in (resource.RLIM_INFINITY, -1) or hard > MOST_ADDRESS_SPACE:
            resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESS_SPACE, hard))
        del soft


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
