"""What an actor judges with: a model that it opens for itself, on the cores or the accelerator that Ray gave it."""

import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

from stepcheck.checker import Checker
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import EngineError, UsageError
from stepcheck.judge import ready
from stepcheck.steps import SplitMode
from stepcheck.witness import beside

if TYPE_CHECKING:
    from stepcheck.judge import Judge

Model = str | Path | Callable[[], "Judge"]
"""A model's name, a card's path, or what opens any other judge."""
NO_RAY = "Ray is not installed here: pip install 'stepcheck[ray]'"


class Judging(TypedDict, total=False):
    """How a model judges; see `open_judge`."""

    threshold: float | None
    evidence: Literal["off", "show", "judge"]
    models_dir: Path | None
    options: EngineOptions
    force: bool


class Reading(TypedDict, total=False):
    """How rows are read, as `stepcheck.read` has it."""

    problem: str | None
    split: SplitMode
    keep_thinking: bool


def open_judge(model: Model = "nano", how: Judging | None = None) -> "Judge":
    """Open a judge, load it, and see that it uses what Ray gave this actor.

    Without `n_threads` it takes as many as the actor has CPUs. `evidence` as with `stepcheck score`.

    Raises:
        StepcheckError: what `open_checker` raises.
        EngineError: the actor has an accelerator, and this build of llama.cpp cannot use it.
    """
    how = how or {}
    evidence = how.get("evidence", "show")
    if evidence not in {"off", "show", "judge"}:
        raise UsageError(f"evidence {evidence!r}: choose one of: off, show, judge")
    judge = _open(model, how)
    if evidence != "off":
        judge = beside(judge, decides=evidence == "judge")
    device = ready(judge)
    if device == "CPU" and given("GPU"):
        judge.close()
        raise EngineError(
            "this actor was given a GPU, and llama.cpp runs on the CPU: install a build for it there, or"
            " ask for no GPUs (docs/installing.md)"
        )
    return judge


def _open(model: Model, how: Judging) -> "Judge":
    if not isinstance(model, str | Path):
        return model()
    options = how.get("options", EngineOptions())
    if options.n_threads is None:
        options = replace(options, n_threads=max(1, int(given("CPU"))) if in_actor() else None)
    return Checker(
        model,
        threshold=how.get("threshold"),
        models_dir=how.get("models_dir"),
        options=options,
        force=how.get("force", False),
    )


def in_actor() -> bool:
    """Whether this code runs in a worker of Ray's."""
    import sys

    if "ray" not in sys.modules:
        return False
    import ray

    return ray.is_initialized() and ray.get_runtime_context().get_actor_id() is not None


def given(resource: str) -> float:
    """How much of a resource Ray gave this actor; outside of one, nothing."""
    if not in_actor():
        return 0.0
    import ray

    return float(ray.get_runtime_context().get_assigned_resources().get(resource, 0.0))


def here() -> str:
    """How this machine is called in a message."""
    return f"node {platform.node()}"
