"""Documents: a problem and the steps of one solution, read from files and stdin.

values.py       Document, Step, Unread
reading.py      read: a source → documents
sources.py      opening: suffix or first line → text, JSON or JSONL; limits
frontmatter.py  the YAML block at the top
parts.py        headings → problem and solution
rows.py         JSON rows → problem and solutions
saving.py       save: a changed document back into its file
"""

from stepcheck.document.reading import read, reread
from stepcheck.document.sources import Format, text_or_file
from stepcheck.document.values import Document, Step, Unread

__all__ = ["Document", "Format", "Step", "Unread", "read", "reread", "text_or_file"]
