"""The command line's entry: the commands, and the one place where an exception becomes a sentence and an exit code."""

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Annotated, Any, Final

from stepcheck import __version__

if TYPE_CHECKING:
    import typer

COMMANDS: Final = {
    "score": "score",
    "tui": "tui",
    "split": "split",
    "check": "check",
    "serve": "serve",
    "bench": "bench",
    "runs": "runs",
    "doctor": "doctor",
    "data": "data",
    "models": "models",
    "config": "settings",
}
"""The module of each command, in the order of the help; it has a function of that name, or a group of commands."""
REPEAT_SECONDS = 0.4
"""Longer than what is left to do after Ctrl-C, shorter than a person waits."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; no exception leaves here."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["--version"], ["-V"]):  # before anything is imported
        sys.stdout.write(f"stepcheck {__version__}\n")
        return 0
    try:
        with _insistent_interrupt(), _engine_begun(ahead=arguments is None and _wants_engine(words)):
            return _run(words)
    except KeyboardInterrupt:  # while modules are imported, or twice in a row
        return _interrupted()
    except SystemExit as end:  # the completion of a shell's command line ends so
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:  # noqa: BLE001 (the boundary)
        return _report(error)


def _wants_engine(words: Sequence[str]) -> bool:
    """Whether a command line will have a model on this machine judge, as far as that can be told before it is read."""
    otherwise = ("-h", "--help", "--critic", "--server", "--ray")
    return words[:1] == ["score"] and len(words) > 1 and not any(word.startswith(otherwise) for word in words)


@contextlib.contextmanager
def _engine_begun(*, ahead: bool) -> Iterator[None]:
    """Begin the engine's process `ahead` of a command's own imports, which take as long as its do."""
    if not ahead:
        yield
        return
    from stepcheck.engine import spawn

    spawn.begin_early()
    try:
        yield
    finally:
        spawn.end_early()


@contextlib.contextmanager
def _insistent_interrupt() -> Iterator[None]:
    """Repeat Ctrl-C until it is heard: a library that swallows it while it is imported does not swallow it twice."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored, or somebody else's
        yield
        return
    timers: list[threading.Timer] = []

    def interrupt(_number: int, _frame: object) -> None:
        timers.append(threading.Timer(REPEAT_SECONDS, _send_interrupt))
        timers[-1].daemon = True
        timers[-1].start()
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not the main thread: Ctrl-C is not ours to hear
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for timer in timers:
            timer.cancel()


def _send_interrupt() -> None:
    """Interrupt the main thread, asleep or not: a real signal wakes it, `interrupt_main` does so on Windows only."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def build_app(asked: str = "") -> "typer.Typer":
    """Put the commands together: the one that is asked for, or all of them where it is none."""
    import typer

    from stepcheck import config

    app = typer.Typer(
        name="stepcheck",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Exit codes: 0 done, 1 an error, 2 wrong usage, 3 a reward below --fail-under, 130 interrupted.",
    )

    def show_version(*, asked: bool) -> None:
        if asked:
            typer.echo(f"stepcheck {__version__}")
            raise typer.Exit

    @app.callback()
    def _root(
        *,
        version: Annotated[  # noqa: ARG001 (its callback has answered)
            bool,
            typer.Option("--version", "-V", help="Show the version.", callback=show_version, is_eager=True),
        ] = False,
        no_project_config: Annotated[
            bool, typer.Option("--no-project-config", help="Leave ./stepcheck.toml unread.")
        ] = False,
    ) -> None:
        """Which step of a mathematical solution is wrong? Judged on this machine, without a network."""
        config.PROJECT.set(not no_project_config)

    for name in (asked,) if asked in COMMANDS else COMMANDS:
        command = import_module(f"stepcheck.cli.{COMMANDS[name]}")
        if isinstance(found := getattr(command, name, None), FunctionType):
            app.command(name)(found)
        else:
            app.add_typer(command.app, name=name)
    return app


def _run(words: list[str]) -> int:
    """Parse and run; Typer returns what `typer.Exit` carried, and 130 after Ctrl-C."""
    from stepcheck.cli.output import ExitCode, prepare_streams

    prepare_streams()
    import typer

    from stepcheck import config

    config.forget_empty_no_color()
    config.multiply_alone()
    asked = next((word for word in words if not word.startswith("-")), "")
    command = typer.main.get_command(build_app(asked))
    _say_no_type_of_flags(command)
    if "--ray" in words:
        from stepcheck.cli.raying import with_address

        words = with_address(words)
    reads_project = config.PROJECT.set(True)
    try:
        code = command.main(args=words, prog_name="stepcheck", standalone_mode=False)
    finally:
        config.PROJECT.reset(reads_project)
    if code == ExitCode.interrupted:
        return _interrupted()
    return int(code or 0)


def _say_no_type_of_flags(command: Any, parent: "typer.Context | None" = None) -> None:  # noqa: ANN401 (Typer's)
    """In help, a flag is given or not: `<bool>` behind it would ask for a value."""
    import typer

    context = typer.Context(command, parent=parent, info_name=command.name, **command.context_settings)
    for option in (*command.params, command.get_help_option(context)):
        if getattr(option, "is_flag", False):
            option.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _say_no_type_of_flags(below, context)


def _interrupted() -> int:
    from stepcheck.cli.output import ExitCode, say

    say("interrupted")
    return ExitCode.interrupted


def _report(error: Exception) -> int:
    """Turn an exception into a sentence and an exit code; with STEPCHECK_DEBUG=1 the traceback comes first."""
    import typer

    from stepcheck.cli.output import ExitCode, ReaderGoneError, say
    from stepcheck.config import debugging
    from stepcheck.errors import StepcheckError

    if isinstance(error, ReaderGoneError):
        return ExitCode.done
    if isinstance(error, typer.Abort):  # the end of input at a question
        return _interrupted()
    if debugging():
        import traceback

        say("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, StepcheckError):
        say(f"error: {error}")
        return error.exit_code
    if isinstance(error, typer.TyperException):
        return _report_usage(error)
    if isinstance(error, OSError) and error.strerror:
        say(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror}")
        return ExitCode.error
    say(_apology(error))
    return ExitCode.error


def _report_usage(error: "typer.TyperException") -> int:
    """Say what is wrong with the command line and where help is; without any argument the help itself was shown."""
    from stepcheck.cli.output import say

    message = error.format_message()
    context = getattr(error, "ctx", None)
    if message:
        say(f"error: {message}")
        say(f"Try '{context.command_path if context else 'stepcheck'} --help'.")
    return error.exit_code


def _apology(error: Exception) -> str:
    """Word a defect of ours: what, where in the code, and how to see all of it."""
    from stepcheck.errors import unforeseen

    return (
        f"error: {unforeseen(error)}\n"
        f"This is a defect in stepcheck {__version__}: please report it, with what STEPCHECK_DEBUG=1 shows."
    )
