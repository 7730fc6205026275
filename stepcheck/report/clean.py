"""The one place where text that is not ours is made safe to show.

Owns which characters may reach a terminal. Refuses to judge what text means: brackets, LaTeX and markup stay.
"""

import re

from stepcheck.patterns import regex

TAB = "    "

# Everything that can act on a terminal, reorder a line or hide in it: C0, DEL and C1 controls, the Arabic letter mark
# and the directional marks, embeddings, overrides and isolates (UAX #9), line and paragraph separators, zero-width
# space and byte-order mark, invisible operators and deprecated formatting characters, annotation anchors, tags, lone
# surrogates. The zero-width joiners stay: Persian and emoji are written with them, and they do nothing else.
HOSTILE = regex(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
"""What `clean` makes visible."""
_PICTURES = 0x2400  # the block "Control Pictures": ␀ ␁ … ␛ …
_DELETE = 0x7F


def clean(text: str) -> str:
    """Make control and direction characters visible; newlines stay, a tab becomes spaces.

    ESC becomes `␛`, characters without a picture become their number, e.g. `<U+202E>`.
    """
    return HOSTILE.sub(_visible, text.replace("\r\n", "\n"))


def clean_line(text: str) -> str:
    """As `clean`, and on one line: runs of white space become one space."""
    return clean(" ".join(text.split()))


def clean_json(text: str) -> str:
    r"""Escape in JSON text (`\uXXXX`) what `clean` would make visible; what the JSON says stays the same."""
    return text if text.isprintable() else HOSTILE.sub(_escaped, text)  # a fifth of the time


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] == "\t":
        return TAB
    if code < ord(" "):
        return chr(_PICTURES + code)
    return "␡" if code == _DELETE else f"<U+{code:04X}>"


def _escaped(found: re.Match[str]) -> str:
    if ord(found[0]) <= 0xFFFF:  # noqa: PLR2004 (the last character that one \u escape can name)
        return f"\\u{ord(found[0]):04x}"
    high, low = divmod(ord(found[0]) - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
