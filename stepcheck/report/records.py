"""Results → JSON records, schema 1: a contract with programs.

Owns the keys, their order and the rounding. Keys may be added under the same schema number, never renamed or dropped.
"""

import json
from functools import cache
from typing import Any

from stepcheck.judge import Judged, Unscored
from stepcheck.prm.verdict import AGGREGATES
from stepcheck.report import evidence
from stepcheck.report.clean import clean_json
from stepcheck.report.judgements import fields

SCHEMA = 1


def record(result: Judged | Unscored) -> dict[str, Any]:
    """Describe a result; see the README for an example of each kind."""
    if isinstance(result, Unscored):
        return _unscored(result)
    return _review(result) if result.rewards else _around(result, fields(result))


def encode(value: dict[str, Any], *, ascii_only: bool = False) -> str:
    """Write a record as one line of JSON that no terminal can be moved by, without its newline."""
    return clean_json(_encoder(ascii_only).encode(value))


@cache
def _encoder(ascii_only: bool) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=ascii_only, allow_nan=False)


def _unscored(result: Unscored) -> dict[str, Any]:
    error = {"kind": result.error.kind, "message": str(result.error)}
    return {
        "schema": SCHEMA,
        "source": result.source,
        "line": result.line,
        "id": result.id,
        "candidate": result.candidate,
        "error": error,
    }


def _review(review: Judged) -> dict[str, Any]:
    verdict, sums, threshold = review.verdict, review.aggregates, review.threshold
    steps = [
        {
            "index": index,
            "text": step.text,
            "start": step.start,
            "end": step.end,
            "reward": rounded(reward, threshold),
            **({"uncertainty": _short(review.uncertainty[index])} if review.uncertainty else {}),
            **evidence.fields(review, index),
        }
        for index, (step, reward) in enumerate(zip(review.document.steps, review.rewards, strict=True))
    ]
    return _around(
        review,
        {
            "steps": steps,
            "first_error": verdict.first_error,
            "threshold": threshold,
            "aggregates": {name: _short(getattr(sums, name)) for name in AGGREGATES},
        },
    )


def _around(result: Judged, judged: dict[str, Any]) -> dict[str, Any]:
    """Put what both kinds of judges tell around what they say of the steps."""
    document = result.document
    return {
        "schema": SCHEMA,
        "source": document.source,
        "line": document.line,
        "id": document.id,
        "candidate": document.candidate,
        "problem": document.problem,
        **judged,
        "model": {"name": result.model.name, "sha256": result.model.sha256},
        "tokens": result.tokens,
        "seconds": round(result.seconds, 4),
        "notes": list(document.notes),
        **({"first_error_by": "evidence"} if result.verdict.shown else {}),
    }


def rounded(reward: float, threshold: float) -> float:
    """Round to 6 decimals, unless that would carry the reward across the threshold: a reader judges as we did."""
    short = round(reward, 6)
    return short if (short < threshold) == (reward < threshold) else reward


def _short(value: float) -> float:
    """Keep six significant digits: the product of many rewards is small, and zero only if one of them is."""
    return float(f"{value:.6g}")
