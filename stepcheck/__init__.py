"""stepcheck: which step of a mathematical solution is wrong, judged locally by a process reward model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepcheck.checker import Checker
    from stepcheck.document import Document, Step, Unread, read
    from stepcheck.errors import StepcheckError
    from stepcheck.judge import Review, Unscored

__version__ = "0.1.0"
__all__ = ["Checker", "Document", "Review", "Step", "StepcheckError", "Unread", "Unscored", "__version__", "read"]

_HOMES = {
    "Checker": "stepcheck.checker",
    "Review": "stepcheck.judge",
    "Unscored": "stepcheck.judge",
    "Document": "stepcheck.document",
    "Step": "stepcheck.document",
    "Unread": "stepcheck.document",
    "read": "stepcheck.document",
    "StepcheckError": "stepcheck.errors",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562 asks for it)
    """Import a public name on first use, so that `stepcheck --version` pays for none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'stepcheck' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
