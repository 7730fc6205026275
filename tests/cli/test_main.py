import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

import stepcheck
from stepcheck.cli import main as cli
from stepcheck.cli.output import ExitCode, ReaderGoneError
from stepcheck.errors import InputError, UsageError

ROOT = Path(__file__).parent.parent.parent
HEAVY = {"rich", "textual", "numpy", "llama_cpp", "gguf", "safetensors", "markdown_it", "yaml", "platformdirs", "typer"}


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "stepcheck", *arguments, **environment)


@pytest.fixture
def run_raising(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Run `main` over an application with one command, which raises what it is told."""

    def run(error: BaseException) -> int:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.callback()
        def _root() -> None: ...

        @app.command()
        def go() -> None:
            raise error

        monkeypatch.setattr(cli, "build_app", lambda _asked: app)
        return cli.main(["go"])

    return run


def test_version() -> None:
    """`--version` is one line on stdout, both ways of starting."""
    for option in ("--version", "-V"):
        done = command(option)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"stepcheck {stepcheck.__version__}\n", "")


def test_version_beside_other_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    """The option is also there for the parser: before a command, and in the help."""
    assert cli.main(["--version", "score"]) == 0
    assert capsys.readouterr().out == f"stepcheck {stepcheck.__version__}\n"


@pytest.mark.parametrize("code", ["import stepcheck", "from stepcheck.cli.main import main; main(['--version'])"])
def test_nothing_heavy_is_imported(code: str) -> None:
    """Neither the import of the package nor `--version` loads a library that somebody would wait for."""
    done = python("-c", f"import sys; {code}; print(*sys.modules, file=sys.stderr)")
    assert done.returncode == 0
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert "stepcheck" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("arguments", "spared"),
    [
        (["--help"], {"numpy", "yaml", "stepcheck.document.reading", "stepcheck.evidence"}),
        (
            ["split", "examples/wrong.md"],
            {"numpy", "rich", "stepcheck.evidence", "stepcheck.cli.bench"},
        ),
        (["check", "examples/wrong.md"], {"numpy", "stepcheck.hub", "stepcheck.engine.client", "stepcheck.cli.bench"}),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_a_command_loads_what_it_needs(arguments: list[str], spared: set[str]) -> None:
    """Neither the modules of other commands nor libraries that this one does not use: it answers at once."""
    code = f"import sys; from stepcheck.cli.main import main; main({arguments}); print(*sys.modules, file=sys.stderr)"
    done = python("-c", code)
    assert done.returncode == 0
    assert "stepcheck.cli.main" in (loaded := set(done.stderr.split()))
    assert not loaded & {*spared, "pydantic", "textual", "huggingface_hub", "llama_cpp"}


def test_help_lists_the_commands() -> None:
    """The help is on stdout, names every command and the exit codes."""
    done = command("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for word in ("score", "config", "Exit codes"):
        assert word in done.stdout


def test_no_arguments_show_the_help() -> None:
    """Without arguments: the help, and the code of wrong usage."""
    done = command()
    assert done.returncode == ExitCode.usage
    assert "Usage: stepcheck" in done.stdout
    assert "error" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scor"], "No such command 'scor'. Did you mean 'score'"),
        (["score"], "Missing argument 'FILE…'"),
        (["score", "--nonsense", "x"], "No such option: --nonsense"),
        (["score", "--format", "docx", "x"], "'docx' is not one of 'human', 'plain', 'json', 'jsonl'"),
        (["score", "--threads", "many", "x"], "--threads"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, one sentence and where help is, on stderr; nothing on stdout."""
    assert cli.main(arguments) == ExitCode.usage
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert "--help'." in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("a.md: no such file"), 1, "error: a.md: no such file\n"),
        (UsageError("n_ctx = 0: expected more"), 2, "error: n_ctx = 0: expected more\n"),
        (InputError("bad \x1b[31m name"), 1, "error: bad ␛[31m name\n"),
        (typer.BadParameter("not so"), 2, "error: Invalid value: not so\nTry 'stepcheck go --help'.\n"),
        (typer.Exit(3), 3, ""),
        (typer.Abort(), 130, "interrupted\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (ReaderGoneError(), 0, ""),
        (OSError(28, "No space left on device", "out.jsonl"), 1, "error: out.jsonl: No space left on device\n"),
    ],
)
def test_every_exception_becomes_a_sentence(
    run_raising: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    """One boundary: each kind of exception has its exit code and its words, and foreign text in it is made visible."""
    assert run_raising(error) == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", said)


def test_a_defect_of_ours(
    run_raising: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exception says what and where, and asks for a report; STEPCHECK_DEBUG=1 shows the traceback."""
    assert run_raising(ZeroDivisionError("by zero")) == 1
    err = capsys.readouterr().err
    assert "unexpected ZeroDivisionError at test_main.py:" in err
    assert "please report it" in err
    assert "Traceback" not in err
    monkeypatch.setenv("STEPCHECK_DEBUG", "1")
    assert run_raising(ZeroDivisionError("by zero")) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_config_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`config show` prints value and origin; as JSON it is one object, as text nothing in it acts on the terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCHECK_MODEL", "x\x1b[31m")
    (tmp_path / "stepcheck.toml").write_text("threshold = 0.25")
    assert cli.main(["config", "show"]) == 0
    text = capsys.readouterr().out
    assert "x␛[31m" in text
    assert "0.25" in text
    assert "stepcheck.toml" in text
    assert cli.main(["config", "show", "--json"]) == 0
    import json

    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings["model"] == {"value": "x\x1b[31m", "origin": "environment STEPCHECK_MODEL"}
    assert settings["threshold"] == {"value": 0.25, "origin": "stepcheck.toml"}
    assert settings["n_ctx"] == {"value": None, "origin": "default"}


def test_python_m() -> None:
    """`python -m stepcheck` is the command, and says so in its usage."""
    done = command("config", "show")
    assert done.returncode == 0
    assert "nano" in done.stdout
    assert "Usage: stepcheck config" in command("config", "--help").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_an_interrupt_that_a_library_swallows_is_repeated() -> None:
    """Code that catches everything, as some imports do, delays Ctrl-C but does not lose it: exit code 130."""
    program = """
import os, signal, sys, time
from stepcheck.cli import main as cli
def swallow(_arguments):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
    except BaseException:
        pass
    time.sleep(20)
    return 0
cli._run = swallow
sys.exit(cli.main(["score"]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
