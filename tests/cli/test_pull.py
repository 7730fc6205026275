"""`stepcheck models pull` and what follows: asked first, shown, stopped cleanly, and then used without a network."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepcheck.cli.main import main
from stepcheck.cli.transfer import Transfer, line, size
from stepcheck.hub.disk.lock import LOCKS
from stepcheck.hub.net.fetch import ASIDE
from stepcheck.hub.net.watch import Progress
from stepcheck.prm.card import render_card
from tests import checkpoints
from tests.hubserver import HubServer, standing_in
from tests.test_pull import SPEC, card

ROOT = Path(__file__).parents[2]
NO_SOCKETS = """
import os, sys
def refuse(event, arguments):
    if event.startswith("socket."):
        os.write(2, f"{event}: a socket was opened".encode())
        os._exit(99)
sys.addaudithook(refuse)
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.write(tmp_path_factory.mktemp("served") / "random", SPEC)


@pytest.fixture
def server(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that this process and its children take for the hub."""
    with standing_in(monkeypatch, checkpoint) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A models folder with the user's own card in it."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "random.toml").write_text(render_card(card()), encoding="utf-8")
    return tmp_path / "models"


def run(folder: Path, *arguments: str) -> int:
    return main(["models", *arguments, "--models-dir", str(folder)])


def left(folder: Path) -> list[str]:
    """Names in a folder, without the empty files that processes hold."""
    return sorted(path.name for path in folder.iterdir() if path.name != LOCKS)


PULLED = [
    "Random-PRM-q4_0.gguf",
    "Random-PRM-q4_0.head.safetensors",
    "Random-PRM-q4_0.toml",
    "random.toml",
    "stepcheck.lock.json",
]


@pytest.mark.parametrize("how", ["nobody", "nowhere", "offline"])
def test_without_a_hub_a_dry_run_says_what_the_card_knows(how: str, tmp_path: Path) -> None:
    """Nobody listens, the address leads nowhere, or offline: sizes by type, from the card, and soon."""
    import socket

    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        address = "192.0.2.1:9" if how == "nowhere" else f"127.0.0.1:{plug.getsockname()[1]}"  # RFC 5737: never there
        environment = os.environ | {"HF_ENDPOINT": f"http://{address}"}
        command = [sys.executable, "-m", "stepcheck", "models", "pull", "Qwen2.5-Math-PRM-7B:q4_k_m", "--dry-run"]
        command += ["--models-dir", str(tmp_path), *(["--offline"] if how == "offline" else [])]
        before = os.times()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
        after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"{how}: {busy:.2f} s of work, {after.elapsed - before.elapsed:.2f} s by the clock")
    assert (done.returncode, done.stdout) == (0, "")
    assert "wanted    q4_k_m, about 4.4 GB" in done.stderr
    assert "download  about 15.3 GB" in done.stderr
    assert re.search(r"hub +was not asked \((it does not answer|stepcheck was told to stay offline)\)", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_show_says_what_a_pull_would_take(capsys: pytest.CaptureFixture[str]) -> None:
    """By the card alone, beside the card itself: bytes by type, and that the hub was not asked."""
    assert main(["models", "show", "Skywork-o1-Open-PRM-Qwen-2.5-1.5B"]) == 0
    told = capsys.readouterr()
    assert "or        q4_k_m, about 998 MB" in told.err
    assert "was not asked (showing a card never does)" in told.err
    assert main(["models", "show", "Skywork-o1-Open-PRM-Qwen-2.5-1.5B", "--json"]) == 0
    pull = json.loads(capsys.readouterr().out)["pull"]
    assert pull["asked_hub"] is False
    assert set(pull["sizes"]) == {"bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0"}
    assert pull["sizes"]["q4_k_m"]["download"] == pytest.approx(3.09e9, rel=0.01)


def test_a_ready_file_is_told_of_with_its_pinned_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a model over one official file: that file's bytes to download, and what lies on the disk with the adapter."""
    assert main(["models", "pull", "stepcheck-0.5B", "--dry-run", "--offline", "--models-dir", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert "download  about 491 MB: qwen2.5-coder-0.5b-instruct-q4_k_m.gguf" in told
    assert re.search(r"wanted +q4_k_m, about 51\d MB", told)
    assert main(["models", "show", "stepcheck-0.5B", "--json"]) == 0
    sizes = json.loads(capsys.readouterr().out)["pull"]["sizes"]
    assert sizes["q4_k_m"]["download"] == 491_400_064


def test_a_dry_run_says_everything_and_does_nothing(
    server: HubServer, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Model, commit, licence, sizes, disk and memory on stderr; no byte is fetched, nothing is written."""
    before = left(folder)
    assert run(folder, "pull", "Random-PRM:q4_0", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert out == ""
    rows = dict(row.split(maxsplit=1) for row in err.splitlines())
    assert rows["from"] == "some/random at commit 0123456789ab"
    assert rows["licence"] == "apache-2.0"
    assert rows["download"].endswith("the original weights, converted as they arrive")
    assert "as q4_0, in" in rows["result"]
    assert "free" in rows["disk"]
    assert "available" in rows["memory"]
    assert (server.requests, left(folder)) == ([], before)


def test_nothing_is_downloaded_unasked(server: HubServer, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody can answer, --yes must be said: wrong usage, and no byte."""
    assert run(folder, "pull", "Random-PRM:q4_0") == 2
    assert "say --yes to download" in capsys.readouterr().err
    assert server.requests == []


def test_a_pulled_model_is_used_by_its_name(
    server: HubServer, folder: Path, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pull prints the card's path alone; list, path, show, verify, score and rm then know the model."""
    assert run(folder, "pull", "Random-PRM:q4_0", "--yes") == 0
    out, err = capsys.readouterr()
    assert out == f"{folder / 'Random-PRM-q4_0.toml'}\n"
    assert "use it with: --model Random-PRM-q4_0" in err
    assert left(folder) == PULLED
    assert run(folder, "list", "-q") == 0
    assert capsys.readouterr().out.split() == ["Random-PRM-q4_0", "nano"]
    assert run(folder, "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    entry = next(model for model in listed["models"] if model["name"] == "Random-PRM-q4_0")
    assert (entry["ready"], entry["type"], entry["base"], entry["built_in"]) == (True, "q4_0", "Random-PRM", False)
    assert entry["bytes"] == (folder / PULLED[0]).stat().st_size
    assert run(folder, "path", "Random-PRM:q4_0", "--json") == 0
    assert json.loads(capsys.readouterr().out)["head"] == str(folder / PULLED[1])
    assert run(folder, "show", "Random-PRM-q4_0", "--json") == 0
    assert json.loads(capsys.readouterr().out)["card"]["weight_type"] == "q4_0"
    assert run(folder, "verify", "--all") == 0
    assert "Random-PRM-q4_0: right" in capsys.readouterr().err
    for name in ("Random-PRM", "Random-PRM:q4_0"):
        assert main(["score", str(examples / "right.md"), "--model", name, "--models-dir", str(folder)]) == 0
    assert "Random-PRM-q4_0" in capsys.readouterr().out
    assert run(folder, "rm", "Random-PRM-q4_0", "--json") == 0
    assert json.loads(capsys.readouterr().out)["removed"] == ["Random-PRM-q4_0"]
    assert left(folder) == ["random.toml", "stepcheck.lock.json"]
    assert server.requests


def test_json_and_quiet(server: HubServer, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For scripts: one object on stdout, nothing on stderr; a second time nothing is fetched."""
    for _ in range(2):
        assert run(folder, "pull", "Random-PRM:q4_0", "-y", "-q", "--json") == 0
        out, err = capsys.readouterr()
        assert json.loads(out) == {
            "schema": 1,
            "name": "Random-PRM-q4_0",
            "card": str(folder / "Random-PRM-q4_0.toml"),
        }
        assert err == ""
    assert len([request for request in server.requests if request.path == "config.json"]) == 1


def test_a_model_that_is_here_needs_no_hub(server: HubServer, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pulled again it is found right without a single request, offline too; `--update` asks the hub."""
    assert run(folder, "pull", "Random-PRM:q4_0", "-y", "-q") == 0
    asked = server.metadata
    capsys.readouterr()
    for name in ("Random-PRM:q4_0", "Random-PRM-q4_0"):
        assert run(folder, "pull", name, "--offline") == 0
        out, err = capsys.readouterr()
        assert out == f"{folder / 'Random-PRM-q4_0.toml'}\n"
        assert "it is here already, and right" in err
    assert server.metadata == asked
    assert run(folder, "pull", "Random-PRM:q4_0", "-y", "--update") == 0
    assert server.metadata > asked


def test_verify_sets_aside_what_does_not_match(
    server: HubServer, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed file: exit code 1, both hashes and the new name are said, and the model is not used any more."""
    assert run(folder, "pull", "Random-PRM:q4_0", "-y", "-q") == 0
    data = bytearray((folder / PULLED[0]).read_bytes())
    data[-3] ^= 4
    (folder / PULLED[0]).write_bytes(data)
    capsys.readouterr()
    assert run(folder, "verify", "Random-PRM-q4_0", "--json") == 1
    out, err = capsys.readouterr()
    (damaged,) = json.loads(out)["models"][0]["damaged"]
    assert damaged["set_aside"].endswith(PULLED[0] + ASIDE)
    assert f"sha256 expected {damaged['expected']}, actual {damaged['actual']}; set aside as" in err
    assert run(folder, "path", "Random-PRM-q4_0") == 1
    assert run(folder, "verify") == 2
    assert server.requests


def test_an_imported_model_is_used_by_its_name(
    server: HubServer, folder: Path, tmp_path: Path, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Import by card's name; the model scores."""
    assert run(folder, "pull", "Random-PRM:q4_0", "-y", "-q") == 0
    other = tmp_path / "other"
    head = ("--head", str(folder / PULLED[1]))
    capsys.readouterr()
    arguments = ["import", str(folder / PULLED[0]), *head, "--card", str(folder / "random.toml"), "--name", "mine"]
    assert run(other, *arguments) == 0
    out, err = capsys.readouterr()
    assert out == f"{other / 'mine.toml'}\n"
    assert "--model mine" in err
    assert main(["score", str(examples / "right.md"), "--model", "mine", "--models-dir", str(other)]) == 0
    assert server.requests


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["pull", "Random-PRM:q3_x", "-y"], 2, "no weight type is named 'q3_x'; known are f32"),
        (["pull", "nope", "-y"], 1, "no model is named 'nope'"),
        (["pull", "EurusPRM-Stage1", "-y"], 1, "the hub knows no such repository"),
        (["pull", "nano", "-y"], 1, "names no repository"),
        (["pull", "Random-PRM", "-y", "--offline"], 1, "told to stay offline"),
        (["pull", "Qwen2.5-Math-PRM-7B", "-y"], 1, "the hub knows no such repository"),
        (["rm", "nope"], 1, "no model is named 'nope'"),
        (["rm", "nano"], 1, "built in"),
        (["import", "none.gguf", "--head", "h", "--card", "Random-PRM"], 1, "none.gguf: cannot be read"),
        (["verify", "Qwen2.5-Math-PRM-7B"], 1, "Get them with: stepcheck models pull Qwen2.5-Math-PRM-7B"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    arguments: list[str], code: int, said: str, server: HubServer, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exit code and a sentence on stderr; no byte is fetched and nothing on stdout."""
    assert run(folder, *arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert server.requests == []


def test_a_full_disk_is_seen_before_the_first_byte(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not enough room: the numbers and what to do; --force tries."""
    monkeypatch.setattr("stepcheck.hub.pull.offer.free_bytes", lambda _folder: 1000)
    assert run(folder, "pull", "Random-PRM:q4_0", "-y") == 1
    assert "and 1.0 kB are free: make room" in capsys.readouterr().err
    assert server.requests == []
    assert run(folder, "pull", "Random-PRM:q4_0", "-y", "--force") == 0


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "stepcheck", *arguments, "--models-dir", str(folder)]


def test_the_hubs_variable_keeps_offline(server: HubServer, folder: Path) -> None:
    """HF_HUB_OFFLINE=1: refused before anything is asked for."""
    arguments = command(folder, "models", "pull", "Random-PRM:q4_0", "-y")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "told to stay offline" in done.stderr
    assert server.metadata == 0


def test_a_model_that_is_here_opens_no_socket(server: HubServer, folder: Path, tmp_path: Path, examples: Path) -> None:
    """Score, list, show, path, verify and doctor in processes in which opening a socket is the end: 0 sockets."""
    assert run(folder, "pull", "Random-PRM:q4_0", "-y", "-q") == 0
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_SOCKETS)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    asked = server.metadata + len(server.requests)
    commands = [
        ["score", str(examples / "wrong.md"), "--model", "Random-PRM-q4_0"],
        ["models", "list"],
        ["models", "show", "Random-PRM-q4_0"],
        ["models", "path", "Random-PRM-q4_0"],
        ["models", "verify", "--all"],
        ["doctor"],
    ]
    for arguments in commands:
        done = subprocess.run(
            command(folder, *arguments), capture_output=True, text=True, check=False, env=environment, timeout=60
        )
        assert (done.returncode, "a socket was opened" in done.stderr) == (0, False), done.stderr
    opening = subprocess.run(
        command(folder, "models", "pull", "Random-PRM:q8_0", "-y"),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )
    assert "a socket was opened" in opening.stderr, "the test would see one"
    assert server.metadata + len(server.requests) == asked
    print(f"{len(commands)} commands: 0 sockets")


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_keeps_what_came(server: HubServer, folder: Path) -> None:
    """SIGINT in the middle: exit status 130 soon, one sentence, the same command goes on."""
    server.rate = 400_000
    arguments = command(folder, "models", "pull", "Random-PRM:q4_0", "-y")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    part = folder / ".pulling-Random-PRM-q4_0" / "checkpoint"
    deadline = time.monotonic() + 30
    while not list(part.glob("*.safetensors.part")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - asked < 5
    assert process.returncode == 130, errors
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    assert list(part.glob("*.part"))
    assert main(["models", "list", "--models-dir", str(folder)]) == 0
    server.rate = None
    assert run(folder, "pull", "Random-PRM:q4_0", "-y", "-q") == 0
    assert left(folder) == PULLED


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
@pytest.mark.parametrize(("answer", "code"), [("n", 130), ("y", 0)])
def test_on_a_terminal_it_asks(answer: str, code: int, server: HubServer, folder: Path) -> None:
    """The preview, then a question; no is no byte, yes shows a line with bytes and takes it away at the end."""
    import pexpect

    server.rate = 1_500_000 if answer == "y" else None
    child = pexpect.spawn(
        command(folder, "models", "pull", "Random-PRM:q4_0")[0],
        command(folder, "models", "pull", "Random-PRM:q4_0")[1:],
        timeout=60,
        encoding="utf-8",
        dimensions=(24, 100),
    )
    child.expect("licence +apache-2.0")
    child.expect(r"Download it\? \[y/N\]")
    assert server.requests == []
    child.sendline(answer)
    if answer == "y":
        child.expect(r"\d+ %, \d.* of \d.*")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == code
    assert bool(server.requests) == (answer == "y")


def test_the_line_words_bytes_rate_and_time() -> None:
    """6.4 of 15.2 GB at 35 MB/s: 8.8 GB are left, 251 s or 4:11."""
    assert line(6_400_000_000, 15_200_000_000, 35e6, "a.gguf") == (
        "42 %, 6.4 GB of 15.2 GB, 35.0 MB/s, 4:11 left, a.gguf"
    )
    assert line(0, 0, None, "") == "0 %, 0 bytes of 0 bytes"
    assert [size(count) for count in (999, 1000, 150_000, 2_500_000, 123e9)] == [
        "999 bytes",
        "1.0 kB",
        "150 kB",
        "2.5 MB",
        "123 GB",
    ]


def test_elsewhere_than_on_a_terminal_there_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A log gets the steps as sentences and no redrawn line."""
    transfer = Transfer(100, 0)
    transfer.progress(Progress("a", 50, 100, 50))
    transfer.step("converting a")
    transfer.step("")
    transfer.end()
    assert capsys.readouterr().err == "converting a\n"


def test_completion_knows_the_models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are completed, whatever the case; a broken setting costs the completion and nothing else."""
    from stepcheck.cli.complete import models

    monkeypatch.setenv("STEPCHECK_MODELS", str(folder))
    assert models("ran") == ["Random-PRM"]
    assert "nano" in models("")
    monkeypatch.setenv("STEPCHECK_N_CTX", "much")
    assert models("ran") == []
