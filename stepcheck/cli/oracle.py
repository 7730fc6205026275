"""What a model's oracle says: loaded, asked and told, for `models verify --oracle` and after a pull."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepcheck.bench.oracle import Consulted


def consult(card: Path) -> "Consulted":
    """Load a model and let it judge its oracle's solution.

    Raises:
        ModelError: its card has none, or the model cannot be used; OutOfMemoryError: it does not fit.
    """
    from stepcheck.bench import oracle
    from stepcheck.checker import Checker

    with Checker(card) as checker:
        return oracle.consult(checker, checker.card)


def words(name: str, found: "Consulted") -> str:
    """Say what came, beside what should."""
    pairs = ", ".join(
        f"{ours:.4f} ({theirs:.4f})" for ours, theirs in zip(found.rewards, found.oracle.rewards, strict=True)
    )
    if found.right:
        how = f"within {found.oracle.tolerance:g}" if found.close else "the same verdicts, as few bits allow"
        return f"{name}: does as its oracle says, {how}; rewards here (there): {pairs}"
    wrong = (
        f"step {', '.join(map(str, found.turned))} has the other verdict"
        if found.turned
        else f"off by {found.difference:.4f}, allowed is {found.oracle.tolerance:g}"
    )
    return (
        f"{name}: does NOT do as its oracle says: {wrong}; rewards here (there): {pairs}. Do not trust it: pull it"
        f" anew, in another type, or report it. Oracle: {found.oracle.source}"
    )


def record(found: "Consulted") -> dict[str, Any]:
    """The same for programs."""
    return {
        "ok": found.right,
        "rewards": list(found.rewards),
        "expected": list(found.oracle.rewards),
        "difference": found.difference,
        "tolerance": found.oracle.tolerance if found.close else None,
        "turned": list(found.turned),
        "source": found.oracle.source,
    }
