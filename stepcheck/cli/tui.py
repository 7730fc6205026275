"""`stepcheck tui`: the app."""

import gc
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from stepcheck import config
from stepcheck.cli import options
from stepcheck.cli.judging import AskedCritic, asked_critic, open_asked
from stepcheck.document import Format, text_or_file


def tui(  # noqa: PLR0913 (every option of a command is an argument of its function)
    target: Annotated[
        str, typer.Argument(metavar="[FILE | FOLDER | -]", help="A solution, a file or folder of many, or a pipe.")
    ] = ".",
    *,
    threshold: options.ThresholdOption = None,
    theme: Annotated[str | None, typer.Option(metavar="NAME", help="The colours.", show_default="okabe-ito")] = None,
    problem: options.ProblemOption = None,
    split: options.SplitOption = "auto",
    kind: options.FromOption = None,
    model: options.ModelOption = None,
    models_dir: options.ModelsDirOption = None,
    offline: options.OfflineOption = None,
    critic: options.CriticOption = None,
    critic_model: options.CriticModelOption = None,
    threads: options.ThreadsOption = None,
    gpu_layers: options.GpuLayersOption = None,
    ctx: options.CtxOption = None,
    ubatch: options.UbatchOption = None,
) -> None:
    """See where a solution breaks, mend it, see it heal.

    ? shows every key. Themes: okabe-ito, cividis, mono, each also with -light, and Textual's own.
    """
    flags = {"model": model, "models_dir": models_dir, "threshold": threshold, "n_threads": threads, "theme": theme}
    flags |= {"n_gpu_layers": gpu_layers, "n_ctx": ctx, "n_ubatch": ubatch, "offline": offline}
    settings = config.load(flags)
    asked = asked_critic(critic, critic_model, None, rewards={}, model=None)
    code = _run(Asked(target, problem and text_or_file(problem), split, kind, asked), settings)
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for beside the settings."""

    path: str
    problem: str | None
    split: options.Split
    kind: Format | None
    critic: AskedCritic | None


def _run(asked: Asked, settings: config.Config) -> int:
    from stepcheck.tui.terminal import take

    stream = take(asked.path, dumb=config.dumb_terminal())
    gc.disable()  # until the first paint: of its 0.55 s, looking for garbage among fresh classes took 0.08
    try:
        from stepcheck.cli.app_pulling import HubPuller
        from stepcheck.tui.app import StepcheckApp
        from stepcheck.tui.files.reading import Target

        target = Target(asked.path, asked.problem, asked.split, asked.kind, stream)
        critic = partial(open_asked, asked.critic, settings) if asked.critic is not None else None
        app = StepcheckApp(target, settings, editor=config.editor(), puller=HubPuller(settings), critic=critic)
        app.run()
    finally:
        gc.enable()
    return app.return_code or 0
