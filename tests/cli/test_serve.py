"""`stepcheck serve` as a person starts and ends it."""
# ruff: noqa: S104 (an address that is to be refused)

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from stepcheck.cli import main
from tests.serving import ROW

SERVE = (sys.executable, "-m", "stepcheck", "serve", "--port", "0", "--model", "nano", "--threads", "1")


@contextmanager
def started(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """A server, its address and what it says."""
    with subprocess.Popen(
        [*SERVE, *options], stderr=subprocess.PIPE, text=True, encoding="utf-8", env={**os.environ, **environment}
    ) as process:
        assert process.stderr is not None
        said: list[str] = []
        try:
            while not said or "try: curl" not in said[-1]:
                line = process.stderr.readline()
                assert line, said
                said.append(line)
            reader = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
            reader.start()
            yield process, said[-2].split(" judges at ")[1].strip(), said
            process.wait(30)
            reader.join(5)
        finally:
            process.kill()


def asked(address: str, path: str, body: object = None, **headers: str) -> str:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json", **headers})  # noqa: S310 (loopback)
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        found: str = response.read().decode()
        return found


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGTERM to another process")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_how_to_ask_and_ends_well_on_a_signal(number: signal.Signals) -> None:
    """Address, model and a line to try; exit code 0, no process is left; the log has neither bodies nor tokens."""
    with started("--log", "--evidence", "off", STEPCHECK_SERVER_TOKEN="s3cret") as (process, address, said):
        workers = psutil.Process(process.pid).children()
        assert len(workers) == 1
        found = json.loads(asked(address, "/v1/score?split=auto", ROW, Authorization="Bearer s3cret"))
        assert [step["reward"] < 0.332 for step in found["steps"]] == [True, False]
        assert "evidence" not in found["steps"][0]
        process.send_signal(number)
    assert process.returncode == 0
    assert not workers[0].is_running()
    text = "".join(said)
    assert "nano (threshold 0.332, CPU) judges at http://127.0.0.1:" in text
    assert "Bearer TOKEN" in text
    assert "/v1/score 200" in text
    assert text.endswith("the server has ended\n")
    assert not [secret for secret in ("s3cret", "2 + 3 = 6'", "Traceback") if secret in text.replace(said[-4], "")]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "STEPCHECK_SERVER_TOKEN"),
        (["--host", "nowhere.invalid"], "--host nowhere.invalid"),
        (["--model", "no-such-model"], "no-such-model"),
        (["--token", "two words"], "header"),
    ],
)
def test_what_cannot_be_served_is_told_at_once(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, before anything is loaded."""
    assert main.main(["serve", "--port", "0", *options]) in {1, 2}
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest of stepcheck works without a server's library."""
    monkeypatch.setattr("stepcheck.cli.serve.find_spec", lambda _name: None)
    assert main.main(["serve"]) == 2
    assert "pip install 'stepcheck[serve]'" in capsys.readouterr().err
