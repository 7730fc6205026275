"""The progress of a conversion, on a terminal."""

import sys


class Progress:
    """Hears how far a conversion is and shows it on a terminal, one percent at a time."""

    def __init__(self) -> None:
        self._shown = -1
        self._silent = sys.stderr is None or not sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Show the share if it is another one than before."""
        percent = 100 * done // total
        if self._silent or percent == self._shown:
            return
        self._shown = percent
        sys.stderr.write(f"\rconverting: {percent} %" + ("\r\x1b[K" if done == total else ""))
        sys.stderr.flush()
