"""Documents: a problem and the steps of one solution, read from files and stdin.

values.py       Document, Step, Unread
reading.py      read: a source → documents
sources.py      opening: suffix or first line → text, JSON or JSONL; limits
frontmatter.py  the YAML block at the top
parts.py        headings → problem and solution
rows.py         JSON, JSONL, logs, Parquet → rows
dialects.py     the forms of rows by name; own.py: rows without one
marked.py       rows with a label for each step; logs.py: of harnesses and servers; talks.py: messages
contents.py     what a row holds; given.py: its fields, undecoded; labels.py: labels → the first wrong step
parquet.py      tables → JSON rows
saving.py       save: a changed document back into its file
"""

from stepcheck.document.reading import read, reread
from stepcheck.document.sources import Format, text_or_file
from stepcheck.document.values import Document, Step, Unread

__all__ = ["Document", "Format", "Step", "Unread", "read", "reread", "text_or_file"]
