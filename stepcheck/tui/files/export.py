"""What is seen → a file: Markdown, HTML, SVG or JSON, by the suffix of its name."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from stepcheck.document.saving import write
from stepcheck.errors import InputError
from stepcheck.patterns import regex
from stepcheck.report import html, markdown, records, svg
from stepcheck.report.place import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepcheck.judge import Judged, Unscored

_HEAD_BYTES = 8192
"""A note of the model and a heading stand before what tells an export."""
_MADE = regex(r"""\A\s*\[?\s*\{\s*"schema"\s*:\s*\d|\A(?:> .*\n\n)?## .*\n\n\*\*(?:Problem\.|✗ Not scored:)\*\* """)
FORMATS: Final = {"m": ".md", "h": ".html", "s": ".svg", "j": ".json"}


def export(path: Path, results: "Sequence[Judged | Unscored]", *, source_shown: bool) -> None:
    """Write results; what they say of threshold and verdict is what is written.

    Raises InputError: an unknown suffix, or the file cannot be written.
    """
    text = render(path, results, source_shown=source_shown)
    try:
        write(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def made_here(path: Path) -> bool:
    """Whether a file holds results that were written here, or by `stepcheck score`: no solution to be judged."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return _MADE.match(head.decode("utf-8", "replace").replace("\r\n", "\n")) is not None


def render(path: Path, results: "Sequence[Judged | Unscored]", *, source_shown: bool) -> str:
    """Results in the format of a file's name. Raises InputError: an unknown suffix."""
    title = place(results[0].document if hasattr(results[0], "document") else results[0]) if results else path.name
    notice = next((result.model.notice for result in results if hasattr(result, "model")), "")
    match path.suffix.lower():
        case ".md" | ".markdown":
            head = markdown.notice(notice) if notice else ""
            return head + "".join(map(markdown.render, results))
        case ".html" | ".htm":
            body = "".join(html.render(result, source_shown=source_shown) for result in results)
            return html.begin(title, notice) + body + html.end()
        case ".svg":
            blocks = [svg.lay_out(result, source_shown=source_shown) for result in results]
            return svg.picture([svg.note(notice), *blocks] if notice else blocks, title)
        case ".json":
            lines = [records.encode(records.record(result)) for result in results]
            return (lines[0] if len(lines) == 1 else "[\n" + ",\n".join(lines) + "\n]") + "\n"
    raise InputError(f"{path}: unknown kind of file; name it .md, .html, .svg or .json")
