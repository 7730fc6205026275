"""What a reward is called: good, doubtful or bad. Pure; knows no colours of a terminal and no layout.

The colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color), which colour-blind eyes tell apart; a colour
never stands without its glyph.
"""

from enum import Enum

MARGIN = 0.15
"""A reward less than this above the threshold is doubtful; never more than half of the way from the threshold to 1."""


class Band(Enum):
    """How a step is shown; `bad` is exactly what the verdict calls wrong."""

    good = ("ok", "✓", "#56B4E9")
    doubtful = ("doubtful", "~", "#E69F00")
    bad = ("wrong", "✗", "#D55E00")

    def __init__(self, word: str, glyph: str, colour: str) -> None:
        self.word = word
        self.glyph = glyph
        self.colour = colour


def band(reward: float, threshold: float) -> Band:
    """Name a reward in [0, 1]: under the threshold bad, within the margin above it doubtful, else good."""
    if reward < threshold:
        return Band.bad
    return Band.doubtful if reward < threshold + min(MARGIN, (1 - threshold) / 2) else Band.good
