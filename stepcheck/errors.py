"""Every error that stepcheck raises on purpose, in one tree.

    StepcheckError
    ├── UsageError              the command line or a setting makes no sense          (exit 2)
    ├── InputError              a file, row or document cannot be read                 kind "input"
    ├── OutputError             results cannot be written                              kind "output"
    ├── ModelError              a model cannot be used                                 kind "model"
    │   ├── ModelNotFoundError  no such model on this machine                          kind "model_not_found"
    │   ├── CardError           a model card is wrong: file and key                    kind "card"
    │   └── CheckpointError     a checkpoint folder cannot be converted                kind "checkpoint"
    ├── NoVerdictError          a critic named no step, where a verdict is needed      kind "no_verdict"
    ├── NoRewardsError          a figure needs rewards, and the judge gives none       kind "no_rewards"
    ├── ServerError             a server cannot be reached, or answers wrongly         kind "server"
    │   └── UnreachableError    nobody is there, or the connection broke off           kind "server"
    ├── RunError                a run cannot be opened, continued or written           kind "run"
    │   ├── RunBusyError        another process is writing it                          kind "run_busy"
    │   └── RunChangedError     model, data or settings are not those it began with    kind "run_changed"
    ├── HubError                something could not be fetched or is not what was pinned kind "hub"
    │   ├── OfflineError        the network was forbidden                              kind "offline"
    │   ├── AccessError         the hub wants a permission that was not given          kind "access"
    │   └── UnknownRevisionError a repository has no such branch, tag or commit         kind "revision"
    ├── CountMismatchError      steps, marks and rows disagree: never scored by guess  kind "count_mismatch"
    └── EngineError             llama.cpp could not do it                              kind "engine"
        ├── TooLongError        one prompt is longer than the context                  kind "too_long"
        ├── LoadError           the model file cannot be loaded                        kind "load"
        ├── OutOfMemoryError    no room for the model, the KV cache or a batch         kind "out_of_memory"
        ├── NonFiniteError      a reward is NaN or infinite                            kind "non_finite"
        ├── CancelledError      stopped on request                                     kind "cancelled"
        ├── DeadlineError       whoever asked does not wait any longer                 kind "deadline"
        └── WorkerDiedError     the engine's process ended (a crash in C, a kill)      kind "worker_died"

A message says what is wrong, where, and what to do. `kind` is the stable word that machine-readable output carries.
"""

from pathlib import Path
from typing import ClassVar


class StepcheckError(Exception):
    """Base of all errors that are reported as a sentence, without a traceback."""

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1


class UsageError(StepcheckError):
    """The command line or a setting makes no sense."""

    kind = "usage"
    exit_code = 2


class InputError(StepcheckError):
    """A file, a row or a document cannot be read."""

    kind = "input"


class OutputError(StepcheckError):
    """Results cannot be written: a full disk, a place that is not ours."""

    kind = "output"


class ModelError(StepcheckError):
    """A model cannot be used."""

    kind = "model"


class ModelNotFoundError(ModelError):
    """No model of that name on this machine."""

    kind = "model_not_found"


class CardError(ModelError):
    """A model card is wrong; the message names file and key."""

    kind = "card"


class CheckpointError(ModelError):
    """A checkpoint folder cannot be converted."""

    kind = "checkpoint"


class NoVerdictError(StepcheckError):
    """A critic named no step, where a verdict is needed; it counts as neither right nor wrong."""

    kind = "no_verdict"


class NoRewardsError(StepcheckError):
    """A figure, a page or a threshold needs rewards, and whoever judged gives none."""

    kind = "no_rewards"


class ServerError(StepcheckError):
    """A server cannot be reached, says no, or its answer breaks off; the message carries its words."""

    kind = "server"


class UnreachableError(ServerError):
    """Nobody is there, or the connection broke off; asking again may help."""


class RunError(StepcheckError):
    """A run cannot be opened, continued or written."""

    kind = "run"


class RunBusyError(RunError):
    """Another process is writing the run."""

    kind = "run_busy"


class RunChangedError(RunError):
    """Model, data or settings are not those the run began with; the message names each difference."""

    kind = "run_changed"


class HubError(StepcheckError):
    """Something could not be fetched, or what came is not what was promised."""

    kind = "hub"


class OfflineError(HubError):
    """The network was forbidden: by a flag, a setting or the environment."""

    kind = "offline"


class AccessError(HubError):
    """The hub wants a permission that was not given: a gated or private repository."""

    kind = "access"


class UnknownRevisionError(HubError):
    """A repository has no such branch, tag, commit or request."""

    kind = "revision"


class CountMismatchError(StepcheckError):
    """Steps, marks and rows disagree; nothing is scored by guess."""

    kind = "count_mismatch"


class EngineError(StepcheckError):
    """llama.cpp could not do what was asked; the message carries its reason."""

    kind = "engine"


class TooLongError(EngineError):
    """One prompt is longer than the model's context."""

    kind = "too_long"


class LoadError(EngineError):
    """The model file cannot be loaded."""

    kind = "load"


class OutOfMemoryError(EngineError):
    """No room for the model, its KV cache or a batch."""

    kind = "out_of_memory"


class NonFiniteError(EngineError):
    """The model produced NaN or infinity; such a reward does not count."""

    kind = "non_finite"


class CancelledError(EngineError):
    """Somebody asked to stop before it was done."""

    kind = "cancelled"


class DeadlineError(EngineError):
    """It took longer than whoever asked, or the server, waits."""

    kind = "deadline"


class WorkerDiedError(EngineError):
    """The engine's process ended: a crash in C code, or somebody killed it."""

    kind = "worker_died"


def error_of(kind: str, message: str) -> StepcheckError | None:
    """Make the error that machine-readable output calls `kind`; None for a kind that is not known."""
    waiting = [StepcheckError]
    for known in waiting:
        if known.kind == kind and kind != StepcheckError.kind:
            return known(message)
        waiting += known.__subclasses__()
    return None


def unforeseen(error: Exception) -> str:
    """Word an error that nobody foresaw: what it is, and where in the code it arose."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else ""
    return f"unexpected {type(error).__name__}{where}: {error}"
