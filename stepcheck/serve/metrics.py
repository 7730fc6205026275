"""What has been done, counted, as Prometheus reads it (text format 0.0.4). One thread counts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepcheck.checker import AtMarks
    from stepcheck.judge import Judged, Unscored

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds, in seconds."""


@dataclass(slots=True)
class Metrics:
    """Counts since the start."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    read: int = 0
    decoded: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """Of each route, how many took no longer than each bucket, and how long all took."""

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests[route, status] += 1
        sums = self.seconds.setdefault(route, [0.0] * (len(BUCKETS) + 2))
        for i, bound in enumerate(BUCKETS):
            sums[i] += seconds <= bound
        sums[-2] += 1
        sums[-1] += seconds

    def count_row(self, result: "Judged | Unscored | AtMarks") -> None:
        """Count one row's result."""
        cost = getattr(result, "cost", None)
        self.rows["failed" if cost is None else "judged"] += 1
        if cost is not None:
            self.read += cost.tokens
            self.decoded += cost.decoded

    def lines(self, now: Mapping[str, tuple[str, float]]) -> Iterator[str]:
        """Yield the exposition's lines; `now` holds gauges: their meaning and value."""
        yield from _family("stepcheck_requests_total", "counter", "Requests answered, by route and status.")
        for (route, status), count in sorted(self.requests.items()):
            yield f'stepcheck_requests_total{{route="{route}",status="{status}"}} {count}'
        yield from _family("stepcheck_rows_total", "counter", "Rows judged, and those that could not be.")
        for outcome in ("judged", "failed"):
            yield f'stepcheck_rows_total{{outcome="{outcome}"}} {self.rows[outcome]}'
        yield from _family("stepcheck_tokens_read_total", "counter", "Tokens of the rows judged.")
        yield f"stepcheck_tokens_read_total {self.read}"
        yield from _family("stepcheck_tokens_decoded_total", "counter", "Of them, those that no other row shared.")
        yield f"stepcheck_tokens_decoded_total {self.decoded}"
        for name, (meaning, value) in now.items():
            yield from _family(name, "counter" if name.endswith("_total") else "gauge", meaning)
            yield f"{name} {value:g}"
        yield from _family("stepcheck_request_seconds", "histogram", "How long requests took.")
        for route, sums in sorted(self.seconds.items()):
            for bound, below in zip((*BUCKETS, "+Inf"), sums, strict=False):
                yield f'stepcheck_request_seconds_bucket{{route="{route}",le="{bound}"}} {below:.0f}'
            yield f'stepcheck_request_seconds_count{{route="{route}"}} {sums[-2]:.0f}'
            yield f'stepcheck_request_seconds_sum{{route="{route}"}} {sums[-1]:.6f}'


def _family(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
