"""The real command with a fake checker, for tests that kill it or take its disk away.

    python -m tests.robustness.bench_program LOG SECONDS [stepcheck's arguments]

LOG gets a line `asked ID` before a case is judged, and `kept ID` when its row was committed; each is one write, which
the death of the process cannot take back. SECONDS is how long a judgement takes.
"""

import os
import sys
import time
from collections.abc import Sequence

import stepcheck.checker
import stepcheck.cli.progress
from stepcheck.bench.cases import Row
from stepcheck.cli.main import main
from stepcheck.document import Document
from stepcheck.judge import Judged
from tests.fakes import FakeChecker

LOG = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
SECONDS = float(sys.argv[2])


class LoggingChecker(FakeChecker):
    """Says which cases it was asked for."""

    def check(self, document: Document) -> Judged:
        """Judge after a while."""
        os.write(LOG, f"asked {document.id}\n".encode())
        time.sleep(SECONDS)
        return super().check(document)


class LoggingProgress(stepcheck.cli.progress.Progress):
    """Says which rows were kept."""

    def committed(self, rows: Sequence[Row]) -> None:
        """Say it, before anybody else hears it."""
        os.write(LOG, "".join(f"kept {row.id}\n" for row in rows).encode())
        super().committed(rows)


if __name__ == "__main__":
    stepcheck.checker.Checker = LoggingChecker  # type: ignore[assignment,misc]
    stepcheck.cli.progress.Progress = LoggingProgress  # type: ignore[misc]
    sys.exit(main(sys.argv[3:]))
