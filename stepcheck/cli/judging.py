"""Which judge a command line asks for: a critic, if one is named, else a server, else the model that is here.

The one place where a command opens a judge; what it gets is the seam of `stepcheck.judge` and nothing more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepcheck import config
from stepcheck.cli.groups import CriticFlags, EngineFlags, Heard, ServerFlags
from stepcheck.errors import OfflineError, UsageError

if TYPE_CHECKING:
    from stepcheck.critic.critic import Critic
    from stepcheck.judge import Judge


@dataclass(frozen=True, slots=True)
class AskedCritic:
    """The critic that is to judge."""

    name: str
    server_model: str
    votes: int


@dataclass(frozen=True, slots=True)
class AskedServer:
    """The server that is to judge, with which model: what it is called here, and there."""

    address: str
    model: str
    server_model: str


Asked = AskedCritic | AskedServer
"""Who is to judge, if not a model on this machine."""


def asked_critic(
    given: CriticFlags, votes: int | None, *, rewards: Mapping[str, object], model: str | None
) -> AskedCritic | None:
    """Check the critic's options together; `rewards` are flags that need rewards, which a critic does not give.

    Raises:
        UsageError: options that do not go together.
    """
    if given.critic is None:
        if given.critic_model is not None or votes is not None:
            raise UsageError("--critic-model and --votes are for a critic: give one with --critic")
        return None
    for flag, value in rewards.items():
        if value is not None:
            raise UsageError(f"{flag}: a critic names the first wrong step and gives no rewards")
    if model is not None:
        raise UsageError("--model and --critic: one judge at a time")
    return AskedCritic(given.critic, given.critic_model or "", 1 if votes is None else votes)


def asked_server(
    given: ServerFlags, engine: EngineFlags, settings: config.Config, critic: AskedCritic | None
) -> AskedServer | None:
    """Check the server's options together; none where this machine judges, or a critic.

    Raises:
        UsageError: options that do not go together.
    """
    if critic is not None and given.server not in {None, config.HERE}:
        raise UsageError("--server and --critic: one judge at a time")
    address = "" if critic is not None else settings.server
    if not address:
        if given.server_model is not None:
            raise UsageError("--server-model is for a server: give its address with --server")
        return None
    here = {
        "--threads": engine.threads,
        "--gpu-layers": engine.gpu_layers,
        "--ctx": engine.ctx,
        "--ubatch": engine.ubatch,
    }
    for flag, value in here.items():
        if value is not None:
            raise UsageError(f"{flag}: is for a model on this machine, and {address} judges (--server {config.HERE})")
    named = settings.settings["model"].origin != "default"
    return AskedServer(address, settings.model if named else "", given.server_model or "")


def open_judge(
    asked: Asked | None,
    settings: config.Config,
    on_loading: Callable[[float], None],
    *,
    force: bool = False,
    evidence: Heard = Heard.off,
) -> "Judge":
    """Open the judge that was asked for, with the evidence beside it.

    Raises:
        StepcheckError: as `_open`.
    """
    judge = _open(asked, settings, on_loading, force=force)
    if evidence is Heard.off:
        return judge
    from stepcheck.witness import beside

    return beside(judge, decides=evidence is Heard.judge)


def _open(asked: Asked | None, settings: config.Config, on_loading: Callable[[float], None], *, force: bool) -> "Judge":
    """Open the judge that was asked for.

    Raises:
        StepcheckError: there is none of that name, its files are not the pinned ones, or it does not fit.
    """
    if isinstance(asked, AskedServer):
        return open_there(asked, settings)
    if asked is not None:
        return open_asked(asked, settings, on_loading)
    from stepcheck.checker import Checker

    return Checker(
        settings.model,
        threshold=settings.threshold,
        models_dir=settings.models_dir,
        options=settings.engine,
        on_loading=on_loading,
        force=force,
    )


def open_asked(asked: AskedCritic, settings: config.Config, on_loading: Callable[[float], None]) -> "Critic":
    """Open the critic that was asked for.

    Raises:
        OfflineError: it is on another machine, and no connection may be opened.
    """
    from stepcheck.critic.opening import open_critic

    _check_offline(asked.name, settings)
    return open_critic(
        asked.name,
        server_model=asked.server_model,
        key=config.critic_key(),
        votes=asked.votes,
        models_dir=settings.models_dir,
        options=settings.engine,
        on_loading=on_loading,
    )


def open_there(asked: AskedServer, settings: config.Config) -> "Judge":
    """Open the judge on a server.

    Raises:
        OfflineError: it is on another machine, and no connection may be opened.
        StepcheckError: as `open_server`.
    """
    from stepcheck.remote.opening import open_server

    _check_offline(asked.address, settings)
    return open_server(
        asked.address,
        model=asked.model,
        server_model=asked.server_model,
        token=config.server_token(settings.settings["server_token_file"].value),
        threshold=settings.threshold,
        models_dir=settings.models_dir,
    )


def _check_offline(address: str, settings: config.Config) -> None:
    from stepcheck.door.address import is_elsewhere

    if settings.offline and is_elsewhere(address):
        raise OfflineError(f"{address}: is on another machine, and {settings.settings['offline'].origin} forbids that")
