"""How a document is called in front of a person: `answers.jsonl:3[1]` is the second candidate on line 3."""

from stepcheck.document import Document
from stepcheck.judge import Unscored


def place(item: Document | Unscored) -> str:
    """Name a document: source, line of its row, and candidate where there are several."""
    source = "standard input" if item.source == "-" else item.source
    line = "" if item.line is None else f":{item.line}"
    candidate = "" if item.candidate is None else f"[{item.candidate}]"
    return f"{source}{line}{candidate}"


def sentence(item: Unscored) -> str:
    """Say why a document was not scored, and which: the message's own place is not repeated."""
    message = str(item.error)
    return message if message.startswith(item.source) else f"{place(item)}: {message}"
