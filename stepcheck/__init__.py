"""stepcheck: which step of a mathematical solution is wrong, judged locally by a process reward model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepcheck.checker import AtMarks, Checker, Marked, open_checker
    from stepcheck.document import Document, Step, Unread, read
    from stepcheck.engine.base import EngineOptions, Reader, Rows, Sampling
    from stepcheck.errors import InputError, StepcheckError
    from stepcheck.evidence import Examined, Finding
    from stepcheck.judge import Cost, Critique, Gives, Identity, Judge, Judged, Review, Unscored, by_rewards
    from stepcheck.prm.card import ModelCard
    from stepcheck.prm.prompt import Prompt, Segment, Want
    from stepcheck.prm.readout import Head
    from stepcheck.prm.verdict import Aggregates, Verdict
    from stepcheck.remote.asking import Patience
    from stepcheck.remote.opening import open_server

__version__ = "0.1.0"
__all__ = [
    "Aggregates",
    "AtMarks",
    "Checker",
    "Cost",
    "Critique",
    "Document",
    "EngineOptions",
    "Examined",
    "Finding",
    "Gives",
    "Head",
    "Identity",
    "InputError",
    "Judge",
    "Judged",
    "Marked",
    "ModelCard",
    "Patience",
    "Prompt",
    "Reader",
    "Review",
    "Rows",
    "Sampling",
    "Segment",
    "Step",
    "StepcheckError",
    "Unread",
    "Unscored",
    "Verdict",
    "Want",
    "__version__",
    "by_rewards",
    "open_checker",
    "open_server",
    "read",
]

_HOMES = {
    "stepcheck.checker": ("AtMarks", "Checker", "Marked", "open_checker"),
    "stepcheck.document": ("Document", "Step", "Unread", "read"),
    "stepcheck.engine.base": ("EngineOptions", "Reader", "Rows", "Sampling"),
    "stepcheck.evidence": ("Examined", "Finding"),
    "stepcheck.errors": ("InputError", "StepcheckError"),
    "stepcheck.judge": ("Cost", "Critique", "Gives", "Identity", "Judge", "Judged", "Review", "Unscored", "by_rewards"),
    "stepcheck.prm.card": ("ModelCard",),
    "stepcheck.prm.prompt": ("Prompt", "Segment", "Want"),
    "stepcheck.prm.readout": ("Head",),
    "stepcheck.prm.verdict": ("Aggregates", "Verdict"),
    "stepcheck.remote.asking": ("Patience",),
    "stepcheck.remote.opening": ("open_server",),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562 asks for it)
    """Import a public name on first use, so that `stepcheck --version` pays for none of them."""
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'stepcheck' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
