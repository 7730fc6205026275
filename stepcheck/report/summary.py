"""Counts over many results: what is said after a long list, and what decides the exit code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepcheck.errors import InputError
from stepcheck.judge import Judged, Unscored


@dataclass(slots=True)
class Summary:
    """Results counted as they pass."""

    done: int = 0
    wrong: int = 0
    """Documents with a step that was judged wrong."""
    unscored: int = 0
    silent: int = 0
    """Judged by a critic without a verdict that could be read: neither right nor wrong."""
    first_failure: Unscored | None = None
    lowest: float = 1.0
    """The lowest reward of any step."""
    tokens: int = 0
    seconds: float = 0.0
    """By the clock, for all of them together; set by whoever ran them."""
    kept: int = 0
    """Of `done`, those whose results an earlier session wrote."""

    def add(self, result: Judged | Unscored) -> None:
        """Count one result as it passes."""
        self.done += 1
        if isinstance(result, Unscored):
            self.unscored += 1
            self.first_failure = self.first_failure or result
            return
        self.tokens += result.tokens
        self.wrong += result.verdict.first_error is not None
        self.silent += not result.verdict.decided
        self.lowest = min((self.lowest, *result.rewards))

    def keep(self, record: Mapping[str, Any]) -> None:
        """Count one result by its JSON record, as an earlier session wrote it."""
        self.done += 1
        self.kept += 1
        if "error" in record:
            self.unscored += 1
            self.first_failure = self.first_failure or failure_of(record)
            return
        critic = record.get("critic")
        self.wrong += record.get("first_error") is not None
        self.silent += critic is not None and critic.get("index") is None
        rewards = (step["reward"] for step in record["steps"])
        self.lowest = min((self.lowest, *(reward for reward in rewards if reward is not None)))


def failure_of(record: Mapping[str, Any]) -> Unscored:
    """An error that an earlier session wrote down."""
    error = InputError(str(record["error"].get("message")))
    return Unscored(str(record["source"]), error, record.get("line"), record.get("id"), record.get("candidate"))
