"""What a server says, as words for a message: the beginning of foreign bytes, or the reason in a refusal."""

import json


def error_words(data: bytes) -> str:
    """Return what a server says went wrong, in its own words."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return shown(data)
    error = (value.get("error") or value.get("detail") or value) if isinstance(value, dict) else value
    message = error.get("message") if isinstance(error, dict) else error
    return str(message)[:300] if message else shown(data)


def shown(data: bytes) -> str:
    """Return the beginning of foreign bytes, for a message."""
    text = data[:200].decode(errors="replace").strip()
    return repr(text) if text else "nothing"
