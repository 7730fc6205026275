"""What every layout for people shares: the signs of a terminal, and a text beside its label."""

from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from stepcheck.report.band import Band


@dataclass(frozen=True, slots=True)
class Symbols:
    """The signs of one kind of terminal."""

    good: str = Band.good.glyph
    doubtful: str = Band.doubtful.glyph
    bad: str = Band.bad.glyph
    bar: str = "█"
    rest: str = "·"
    dot: str = "·"
    pointer: str = "◀"

    def glyph(self, kind: Band) -> str:
        """Return a band's sign; colour is never alone."""
        return {Band.good: self.good, Band.doubtful: self.doubtful, Band.bad: self.bad}[kind]


ASCII = Symbols(good="+", doubtful="~", bad="x", bar="#", rest=".", dot="|", pointer="<-")


def symbols_for(encoding: str) -> Symbols:
    """Choose signs that the encoding can carry: a console of code page 1252 has no ✗."""
    usual = Symbols()
    try:
        (usual.good + usual.bad + usual.bar + usual.rest + usual.pointer).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return usual


def labelled(label: str, text: str) -> RenderableType:
    """Lay out a text beside its label."""
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(Text(label, style="bold"), Text(text))
    return grid
