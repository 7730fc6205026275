"""The engine's process, begun before anybody knows what it will load."""

import sys
from collections.abc import Iterator

import pytest

from stepcheck.cli.main import _wants_engine
from stepcheck.engine import spawn


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    spawn.end_early()


def test_the_first_who_wants_a_worker_gets_the_one_that_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is handed over once; another command, and whoever comes second, get a process of their own."""
    sleeper = (sys.executable, "-c", "import sys; sys.stdin.read()")
    monkeypatch.setattr(spawn, "WORKER", sleeper)
    spawn.begin_early()
    (begun,) = spawn._early
    processes = [spawn.spawned((*sleeper, "other")), spawn.spawned(list(sleeper)), spawn.spawned(sleeper)]
    try:
        assert [process is begun for process in processes] == [False, True, False]
        assert len({process.pid for process in processes}) == 3
    finally:
        for process in processes:
            with process:
                spawn.end(process)


def test_what_nobody_wants_is_ended() -> None:
    """A command that fails before it loads anything leaves no process behind."""
    spawn.begin_early()
    (begun,) = spawn._early
    assert begun.poll() is None
    spawn.end_early()
    assert begun.poll() is not None
    assert not spawn._early


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("score a.md", True),
        ("score --model x -", True),
        ("score", False),
        ("score a.md --help", False),
        ("score a.md --critic=http://127.0.0.1:1/v1", False),
        ("score --server http://127.0.0.1:1 a.md", False),
        ("score a.jsonl --ray -o out", False),
        ("check a.md", False),
        ("--no-project-config score a.md", False),
        ("", False),
    ],
)
def test_only_a_command_that_will_judge_here_begins_one(words: str, wanted: bool) -> None:
    """Help, wrong usage and judges elsewhere need no engine."""
    assert _wants_engine(words.split()) is wanted


def test_threads_that_wait_sleep_soon_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp's threads spin for milliseconds by themselves, and keep the cores from each other on a busy machine."""
    tells = (sys.executable, "-c", "import os; print(os.environ['GOMP_SPINCOUNT'], os.environ['KEPT'])")
    monkeypatch.setenv("KEPT", "kept")
    heard = []
    for own in (None, "12"):
        if own:
            monkeypatch.setenv("GOMP_SPINCOUNT", own)
        else:
            monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
        with spawn.spawned(tells) as process:
            heard.append(process.communicate()[0].split())
    assert heard == [[b"3000", b"kept"], [b"12", b"kept"]]
