"""Themes, and the last boundary between the app and the terminal.

Owns every colour, and the two filters that all lines pass: no control character leaves (widgets make them visible
before; this one catches what an editor holds), and with NO_COLOR no colour leaves.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from stepcheck.errors import UsageError
from stepcheck.patterns import regex
from stepcheck.report.band import Band
from stepcheck.report.clean import HOSTILE

if TYPE_CHECKING:
    from textual.app import App

DEFAULT: Final = "okabe-ito"


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of good, doubtful and bad; empty where glyphs alone speak."""

    good: str
    doubtful: str
    bad: str

    def style(self, kind: Band | None, *, late: bool = False, bold: bool = False) -> Style:
        """A band's style; late steps are dimmed, for they build on an error."""
        colour = "" if kind is None else {Band.good: self.good, Band.doubtful: self.doubtful, Band.bad: self.bad}[kind]
        strong = bold or (not colour and kind is Band.bad)
        return Style(color=colour or None, dim=late or None, bold=strong or None)


_PALETTES: Final = {
    # Okabe and Ito, https://jfly.uni-koeln.de/color; on a light ground their blue and a darker orange
    "okabe-ito": Palette(Band.good.colour, Band.doubtful.colour, Band.bad.colour),
    "okabe-ito-light": Palette("#0072B2", "#9A6700", "#C04000"),
    # samples of cividis (Nuñez, Anderton, Renslow 2018, doi 10.1371/journal.pone.0199239), its dark end lightened
    "cividis": Palette("#FEE838", "#BCAF6F", "#8E9BC8"),
    "cividis-light": Palette("#00224E", "#7D7C78", "#A07800"),
    "mono": Palette("", "", ""),
    "mono-light": Palette("", "", ""),
}
_DARK: Final = {"foreground": "#D8DEE4", "background": "#0F1419", "surface": "#161C23", "panel": "#222B35"}
_LIGHT: Final = {"foreground": "#1F2933", "background": "#FBFBF9", "surface": "#F2F2EE", "panel": "#E2E4E0"}


def _theme(name: str, palette: Palette) -> Theme:
    dark = not name.endswith("-light")
    ground = _DARK if dark else _LIGHT
    grey = ground["foreground"]
    bar = "#3A4754" if dark else "#C4C8C4"
    variables = {"scrollbar": bar, "scrollbar-hover": grey, "scrollbar-active": grey}
    variables |= dict.fromkeys(
        ("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active", "scrollbar-corner-color"),
        ground["background"],
    )
    variables |= {"footer-key-foreground": palette.good or grey, "block-cursor-text-style": "bold"}
    if not palette.good:
        variables |= {"block-cursor-text-style": "reverse", "input-selection-text-style": "reverse"}
        variables |= {"block-cursor-blurred-text-style": "reverse", "block-hover-background": ground["panel"]}
    return Theme(
        name,
        primary=palette.good or grey,
        secondary=palette.doubtful or grey,
        accent=palette.doubtful or grey,
        warning=palette.doubtful or grey,
        error=palette.bad or grey,
        success=palette.good or grey,
        dark=dark,
        variables=variables,
        foreground=grey,
        background=ground["background"],
        surface=ground["surface"],
        panel=ground["panel"],
    )


THEMES: Final = tuple(_theme(name, palette) for name, palette in _PALETTES.items())


def palette(theme: Theme) -> Palette:
    """The palette of a theme; Textual's own themes get Okabe and Ito's."""
    return _PALETTES.get(theme.name) or _PALETTES["okabe-ito" if theme.dark else "okabe-ito-light"]


def dress(app: "App[None]", theme: str, origin: str = "theme") -> None:
    """Give an app the themes, the one that is asked for (with NO_COLOR: none), and the filters.

    Raises:
        UsageError: no theme is called so; `origin` begins the message, which names the nearest.
    """
    for each in THEMES:
        app.register_theme(each)
    if theme not in app.available_themes:
        near = get_close_matches(theme, app.available_themes, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(sorted(app.available_themes))}"
        raise UsageError(f"{origin}: no theme is called {theme!r}; {hint}")
    app.theme = "mono" if app.no_color else theme
    app._filters.insert(0, Clean())  # noqa: SLF001 (Textual has no public place for a filter)
    if app.no_color:
        app._filters[1:] = [NoColour(frozenset())]  # noqa: SLF001 (as above)


class Clean(LineFilter):
    """Drop control and direction characters; those with a width of their own become a space."""

    _TABS = regex("[\t\n]")

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (the base's)
        """Filter one line before it leaves."""
        if not any(HOSTILE.search(segment.text) for segment in segments):
            return segments
        return [
            Segment(HOSTILE.sub("", self._TABS.sub(" ", segment.text)), segment.style, segment.control)
            for segment in segments
        ]


class NoColour(LineFilter):
    """Take all colours away; bold, dim, reverse and underline stay. A ground that differs becomes reverse video."""

    def __init__(self, marked: frozenset[str]) -> None:
        super().__init__()
        self._marked = marked

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (the base's)
        """Take colours off a line."""
        return [
            Segment(segment.text, self._plain(segment.style) if segment.style else None, segment.control)
            for segment in segments
        ]

    def _plain(self, style: Style) -> Style:
        ground = style.bgcolor.name if style.bgcolor is not None else ""
        plain = style.without_color
        return plain + Style(reverse=True) if ground.lower() in self._marked and not style.reverse else plain
