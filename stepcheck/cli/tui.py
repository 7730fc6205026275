"""`stepcheck tui`: the app."""

import gc
from typing import Annotated

import typer

from stepcheck import config
from stepcheck.cli import options
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
    code = _run(target, settings, problem and text_or_file(problem), split, kind)
    if code:
        raise typer.Exit(code)


def _run(path: str, settings: config.Config, problem: str | None, split: options.Split, kind: Format | None) -> int:
    from stepcheck.tui.terminal import take

    stream = take(path, dumb=config.dumb_terminal())
    gc.disable()  # until the first paint: of its 0.55 s, looking for garbage among fresh classes took 0.08
    try:
        from stepcheck.cli.app_pulling import HubPuller
        from stepcheck.tui.app import StepcheckApp
        from stepcheck.tui.reading import Target

        target = Target(path, problem, split, kind, stream)
        app = StepcheckApp(target, settings, editor=config.editor(), puller=HubPuller(settings))
        app.run()
    finally:
        gc.enable()
    return app.return_code or 0
