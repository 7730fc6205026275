"""Documents: a problem and the steps of one solution, read from files and stdin.

values.py       Document, Step, Unread
reading.py      read: a source → documents; LineReader: lines as they come
sources.py      opening: suffix or first line → text, JSON or JSONL; limits
frontmatter.py  the YAML block at the top
parts.py        headings → problem and solution
rows.py         JSON, JSONL, logs, Parquet → rows
dialects.py     the forms of rows by name; own.py: rows without one
marked.py       rows with a label for each step; logs.py: of harnesses and servers; talks.py: messages
contents.py     what a row holds; given.py: its fields, undecoded; labels.py: labels → the first wrong step
parquet.py      tables → JSON rows
ranges.py       a file of rows → parts that are read apart
saving.py       save: a changed document back into its file
"""

from typing import TYPE_CHECKING, Any

from stepcheck.document.values import Document, Format, Step, Unread

if TYPE_CHECKING:
    from stepcheck.document.reading import LineReader, read, reread
    from stepcheck.document.sources import text_or_file

__all__ = ["Document", "Format", "LineReader", "Step", "Unread", "read", "reread", "text_or_file"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562 asks for it)
    """Import what reads on first use: the engine's process and most commands' help know documents as values only."""
    if name not in __all__:
        raise AttributeError(f"module 'stepcheck.document' has no attribute {name!r}")
    from stepcheck.document import reading, sources

    return getattr(sources if name == "text_or_file" else reading, name)
