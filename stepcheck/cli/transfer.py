"""A pull as a person sees it: the preview, the question, and a line with bytes, rate and time left.

Owns the words. On stderr, and the line only on a terminal; elsewhere a sentence per step.
"""

import contextlib
import shutil
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

from stepcheck.report.clean import clean_line

if TYPE_CHECKING:
    from stepcheck.hub.net.watch import Progress
    from stepcheck.hub.pull.offer import Offer
    from stepcheck.prm.card import ModelCard

INTERVAL_S = 0.2
WINDOW_S = 10.0
"""The rate is that of the last seconds: an average over hours says nothing about now."""


def size(count: float) -> str:
    """Word a number of bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}" if count < 100 * factor else f"{count / factor:.0f} {unit}"
    return f"{count:.0f} bytes"


def clock(seconds: float) -> str:
    """Word a time as minutes and seconds, or hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def preview(offer: "Offer", *, available: int | None, needed: int | None) -> str:
    """Say what a pull would do. Pure; `available` and `needed` are the memory of this machine and of the model."""
    rows = [
        ("model", f"{offer.name}: {offer.card.title}"),
        ("from", f"{offer.snapshot.repository} at commit {offer.snapshot.commit[:12]}"),
        ("licence", offer.licence + (" (gated: its terms must be accepted)" if offer.snapshot.gated else "")),
        ("download", _download(offer)),
        ("result", f"{size(offer.result)} as {offer.weight_type}, in {offer.folder}"),
        ("disk", f"{size(offer.disk)} needed at most, {size(offer.free)} free"),
    ]
    if needed is not None and available is not None:
        fits = "" if needed <= available else ": it will not fit, choose a smaller type"
        rows.append(("memory", f"about {size(needed)} to run, {size(available)} available{fits}"))
    return "\n".join(f"{name:<9} {clean_line(text)}" for name, text in rows)


def preview_of_card(card: "ModelCard", weight_type: str, why: str) -> str:
    """Say what a pull would take as far as the card tells, and why the hub was not asked. Pure."""
    from stepcheck.hub.pull.estimate import estimates

    known = estimates(card)
    rows = [
        ("model", f"{card.name}: {card.title}"),
        ("from", card.origin.repository if card.origin else "no repository is known: convert a copy of your own"),
        ("licence", card.licence),
        *(("download", f"about {size(each.download)}: {each.what}") for each in known[:1]),
        *(
            ("wanted" if each.weight_type == weight_type else "or", f"{each.weight_type}, about {size(each.result)}")
            for each in sorted(known, key=lambda each: each.weight_type != weight_type)
        ),
    ]
    told = "by the card alone" if known else "the card has no table of sizes"
    rows.append(("hub", f"was not asked ({why}): {told}"))
    return "\n".join(f"{name:<9} {clean_line(text)}" for name, text in rows)


def _download(offer: "Offer") -> str:
    way = "the original weights, converted as they arrive"
    if offer.backbone:
        way = f"{offer.backbone.path}" + ("" if offer.head else " and the head's bytes out of the checkpoint")
    kept = f" ({size(offer.present)} are here already)" if offer.present else ""
    return f"{size(offer.download)}{kept}: {way}"


def line(done: int, total: int, rate: float | None, what: str) -> str:
    """Word a progress line. Pure; `rate` is in bytes per second."""
    return f"{min(100, 100 * done // max(1, total))} %, {amount(done, total, rate, what)}"


def amount(done: int, total: int, rate: float | None, what: str) -> str:
    """Word how much there is, without the share. Pure."""
    parts = [f"{size(done)} of {size(total)}"]
    if rate:
        parts += [f"{size(rate)}/s", f"{clock(max(0, total - done) / rate)} left"]
    return ", ".join([*parts, clean_line(what)] if what else parts)


class Tally:
    """Counts what has come of `total` bytes, of which an earlier run left `present`; times are in seconds."""

    def __init__(self, total: int, present: int) -> None:
        self.total, self._base = total + present, present
        self.what = ""
        self._fresh: dict[str, int] = {}
        self._times: deque[tuple[float, int]] = deque()

    @property
    def done(self) -> int:
        """Bytes that are here."""
        return self._base + sum(self._fresh.values())

    def count(self, heard: "Progress") -> None:
        """Count a file's bytes; what is converted or hashed meanwhile stays what is said."""
        self._fresh[heard.path] = heard.fresh
        if not self.what.startswith(("converting", "hashing")):
            self.what = heard.path

    def rate(self, at: float) -> float | None:
        """Bytes a second up to now; None while that would be a guess."""
        self._times.append((at, self.done))
        while at - self._times[0][0] > WINDOW_S:
            self._times.popleft()
        since, before = self._times[0]
        return (self.done - before) / (at - since) if at - since > 1 else None


class Transfer:
    """Hears of a pull and shows it."""

    def __init__(self, total: int, present: int, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream is not None and self._stream.isatty()
        self._tally = Tally(total, present)
        self._drawn, self._shown = 0.0, False

    def progress(self, heard: "Progress") -> None:
        """Count bytes; an earlier run's are in the total from the start."""
        self._tally.count(heard)
        self._draw(time.monotonic())

    def step(self, words: str) -> None:
        """Show what is done now."""
        self._tally.what = words
        if words and not self._terminal:
            self.note(words)
        self._draw(time.monotonic(), now=True)

    def note(self, sentence: str) -> None:
        """Say something that should stay on the screen."""
        from stepcheck.cli.output import say

        self.end()
        say(sentence)

    def end(self) -> None:
        """Take the line off the screen."""
        if self._shown:
            self._put("\r\x1b[K")
            self._shown = False

    def _draw(self, at: float, *, now: bool = False) -> None:
        if not self._terminal or (at - self._drawn < INTERVAL_S and not now):
            return
        tally = self._tally
        text = line(tally.done, tally.total, tally.rate(at), tally.what)
        self._put("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])
        self._drawn, self._shown = at, True

    def _put(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
