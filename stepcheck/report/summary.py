"""Counts over many results: what is said after a long list, and what decides the exit code."""

from dataclasses import dataclass

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

    def add(self, result: Judged | Unscored) -> None:
        """Count one result."""
        self.done += 1
        if isinstance(result, Unscored):
            self.unscored += 1
            self.first_failure = self.first_failure or result
            return
        self.tokens += result.tokens
        self.wrong += result.verdict.first_error is not None
        self.silent += not result.verdict.decided
        self.lowest = min((self.lowest, *result.rewards))
