"""`stepcheck tui`: the app."""

import gc
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from stepcheck import config
from stepcheck.cli import groups
from stepcheck.cli.judging import AskedCritic, AskedServer, asked_critic, asked_server, open_asked, open_there
from stepcheck.document import Format
from stepcheck.steps import SplitMode

if TYPE_CHECKING:
    from stepcheck.judge import Judge
    from stepcheck.tui.judging.opening import OnLoading, OpenJudge


@groups.grouped
def tui(
    target: Annotated[
        str, typer.Argument(metavar="[FILE | FOLDER | -]", help="A solution, a file or folder of many, or a pipe.")
    ] = ".",
    *,
    threshold: groups.Threshold = None,
    theme: Annotated[str | None, groups.setting("theme", metavar="NAME")] = None,
    reading: groups.InputFlags,
    engine: groups.EngineFlags,
    server: groups.ServerFlags,
    critic: groups.CriticFlags,
) -> None:
    """See where a solution breaks, mend it, see it heal.

    ? shows every key. Themes: okabe-ito, cividis, mono, each also with -light, and Textual's own.
    """
    settings = groups.settle(engine.flags | server.flags | {"threshold": threshold, "theme": theme})
    words = asked_critic(critic, None, rewards={}, model=None)
    there = asked_server(server, engine, settings, None)
    code = _run(
        Asked(target, reading.given_problem, reading.split, reading.kind, words, reading.keep_thinking, there), settings
    )
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for beside the settings."""

    path: str
    problem: str | None
    split: SplitMode
    kind: Format | None
    critic: AskedCritic | None
    keep_thinking: bool
    server: AskedServer | None = None


def _run(asked: Asked, settings: config.Config) -> int:
    from stepcheck.tui.terminal import take

    stream = take(asked.path, dumb=config.dumb_terminal())
    gc.disable()  # until the first paint: of its 0.55 s, looking for garbage among fresh classes took 0.08
    try:
        from stepcheck.cli.app_pulling import HubPuller
        from stepcheck.tui.app import StepcheckApp
        from stepcheck.tui.files.reading import Target

        target = Target(asked.path, asked.problem, asked.split, asked.kind, stream, asked.keep_thinking)
        critic = partial(open_asked, asked.critic, settings) if asked.critic is not None else None
        judge = _open_first(asked.server, settings) if asked.server is not None else None
        app = StepcheckApp(
            target, settings, editor=config.editor(), open_judge=judge, puller=HubPuller(settings), critic=critic
        )
        app.run()
    finally:
        gc.enable()
    return app.return_code or 0


def _open_first(asked: AskedServer, settings: config.Config) -> "OpenJudge":
    """Open the judge on the server first; another model that is chosen in the app is one of this machine."""
    from stepcheck.tui.judging.opening import opener

    here = opener(settings)

    def open_judge(model: str, on_loading: "OnLoading") -> "Judge":
        return open_there(asked, settings) if model == settings.model else here(model, on_loading)

    return open_judge
