"""`--server`: the same output as from this machine, runs that go on, settings, secrets, and staying offline."""

import json
from pathlib import Path
from typing import Any

import pytest

from stepcheck import config
from stepcheck.bench.runs.store import Run
from stepcheck.cli.main import main
from tests.fakes import NOTICE, FakeChecker
from tests.judgeserver import Handler, answers, hangs_up, judges, listing, serving

FAKE = FakeChecker("nano")
GOOD = judges(FAKE)
LISTED = listing("nano", notice=NOTICE)
ROWS = [{"id": f"q{i}", "problem": f"p{i}", "steps": [f"step {i} {{0.9}}", f"then {i} {{0.2}}"]} for i in range(4)]


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path / "runs"))
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    solution = "Together it is $24 + 48 = 82$. {0.2}\n\nSo 82."
    Path("md.md").write_text(f"# Problem\n\n24 + 48?\n\n# Solution\n\n{solution}\n", encoding="utf-8")
    cases = [
        {"id": f"m{i}", "generator": "A", "problem": "p", "final_answer_correct": True}
        | {"steps": ["a {0.9}", f"b {{0.{i}}}"], "label": label}
        for i, label in enumerate((1, 0, -1, -1))
    ]
    Path("math.json").write_text(json.dumps(cases), encoding="utf-8")


def timeless(text: str) -> list[Any]:
    """Records without how long they took."""
    return [json.loads(line) | {"seconds": 0} for line in text.splitlines()]


@pytest.mark.parametrize("form", ["jsonl", "human", "md"])
def test_the_output_is_that_of_this_machine(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same judge here and on a server: the same records and pages, evidence and notes with them."""
    with serving(GOOD, models=LISTED) as server:
        assert main(["score", "rows.jsonl", "md.md", "--format", form, "--server", server.address]) == 0
    there = capsys.readouterr().out
    monkeypatch.setattr("stepcheck.checker.Checker", FakeChecker)
    assert main(["score", "rows.jsonl", "md.md", "--format", form]) == 0
    here = capsys.readouterr().out
    if form == "jsonl":
        assert timeless(there) == timeless(here)
        assert timeless(there)[-1]["steps"][0]["evidence"]
    else:
        assert there.splitlines()[:-1] == here.splitlines()[:-1]  # the last line has the time


def test_a_bench_goes_on_where_it_was_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    """Two cases fail with the server; asked for again they alone are judged, and the manifest names who judged."""
    command = ["bench", "processbench", "--data", "math.json", "--format", "json", "--retry-errors"]
    failed = iter(range(2))

    def act(handler: Handler, rows: Any) -> None:
        if next(failed, None) is not None:
            answers(500, {"error": {"message": "out of memory"}})(handler, rows)
        else:
            GOOD(handler, rows)

    with serving(act, models=LISTED) as server:
        flags = ("--server", server.address)
        assert main([*command, *flags]) == 1
        assert "2 cases could not be scored; the first" in capsys.readouterr().err
        assert main([*command, *flags]) == 0
        found = json.loads(capsys.readouterr().out)
        assert len(server.asked) == 6
        assert main([*command, *flags]) == 0
        assert len(server.asked) == 6
    assert (found["subsets"]["math"]["errors"], found["model"]) == (0, "nano")
    (folder,) = Path("runs").iterdir()
    with Run(folder) as run:
        manifest = run.manifest
    told = {"name": "nano", "address": server.address, "server": "stepcheck 9.9"}
    assert {key: manifest.judge[key] for key in told} == told
    assert "n_ctx" not in manifest.settings


def test_two_servers_are_two_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """A run of one server is not gone on with by another; without a name they are apart."""
    command = ["bench", "processbench", "--data", "math.json"]
    with serving(GOOD, models=LISTED) as one, serving(GOOD, models=LISTED) as other:
        assert main([*command, "--server", one.address, "--run", "r"]) == 0
        assert main([*command, "--server", other.address, "--run", "r"]) == 1
        assert f"judge.address was '{one.address}', is '{other.address}'" in capsys.readouterr().err
        assert main([*command, "--server", one.address]) == 0
        assert main([*command, "--server", other.address]) == 0
        assert main([*command, "--server", other.address + "/v1/"]) == 0  # the same, typed otherwise
        assert len(other.asked) == 4
        assert main([*command, "--server", one.address, "--tune-threshold", "math"]) == 2
    assert len(list(Path("runs").iterdir())) == 3


def test_best_of_n_is_judged_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Candidates of a problem, with their rewards from the server."""
    row = {"problem": "1 + 1?", "answer": "2", "responses": ["Think. {0.2}\n\nSo 3.", "Think. {0.9}\n\nSo 2."]}
    Path("bon.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    with serving(GOOD, models=LISTED) as server:
        assert main(["bench", "bon", "bon.jsonl", "--server", server.address, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["prm@2"]["product"] == 100


def test_results_are_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    """`score --resume` keeps the lines that the server judged before."""
    command = ["score", "rows.jsonl", "--format", "jsonl", "--resume", "-o", "out.jsonl", "--server"]
    with serving(GOOD, models=LISTED) as server:
        assert main([*command, server.address]) == 0
        lines = Path("out.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        Path("out.jsonl").write_text("".join(lines[:3]), encoding="utf-8")
        assert main([*command, server.address]) == 0
        assert len(server.asked) == 5
    assert "3 of 4 results were there" in capsys.readouterr().err
    assert timeless(Path("out.jsonl").read_text(encoding="utf-8")) == timeless("".join(lines))


def test_a_server_that_goes_away_costs_what_it_was_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row has its error, in its place; nothing that was judged is lost."""
    seen = iter(range(2))

    def act(handler: Handler, rows: Any) -> None:
        (GOOD if next(seen, None) is not None else hangs_up())(handler, rows)

    quick = "stepcheck.remote.asking.Asker._pause"
    monkeypatch.setattr(quick, lambda *_: None)
    with serving(act, models=LISTED) as server:
        assert main(["score", "rows.jsonl", "--format", "jsonl", "--server", server.address]) == 1
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum("error" in record for record in records) == 2
    assert {record["error"]["kind"] for record in records if "error" in record} == {"server"}
    assert [record["id"] for record in records] == ["q0", "q1", "q2", "q3"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--server", "http://h", "--critic", "http://h"], "one judge at a time"),
        (["--server", "http://h", "--threads", "2"], "--threads: is for a model on this machine, and http://h judges"),
        (["--server-model", "m"], "--server-model is for a server"),
        (["--server", "here", "--server-model", "m"], "--server-model is for a server"),
        (["--server", "gpu:8000"], "expected an address like http://127.0.0.1:8000"),
        (["--server", "http://me:hush@gpu:8000"], "http://…@gpu:8000: an address with a password in it"),
        (["--server", "http://h", "--server-token-file", "none.txt"], "none.txt: the server's token cannot be read"),
    ],
)
def test_options_that_do_not_go_together(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is refused as wrong usage, before anything is asked, and no password is repeated."""
    assert main(["score", "md.md", *flags]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert "hush" not in shown


@pytest.mark.parametrize("address", ["http://192.0.2.1:8000", "https://judges.example"])
def test_offline_means_no_other_machine(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server elsewhere is refused before anything is sent; one on this machine is not."""
    monkeypatch.setenv("STEPCHECK_OFFLINE", "1")
    assert main(["score", "md.md", "--server", address]) == 1
    assert "is on another machine, and environment STEPCHECK_OFFLINE forbids that" in capsys.readouterr().err
    with serving(GOOD, models=LISTED) as server:
        assert main(["score", "md.md", "--server", server.address]) == 0


def test_the_token_comes_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is sent to the server, and no setting shows it; a file with more than a token is refused, unshown."""
    Path("token.txt").write_text("from-file\n", encoding="utf-8")
    with serving(GOOD, models=LISTED) as server:
        command = ["score", "md.md", "--server", server.address, "--server-token-file", "token.txt"]
        assert main(command) == 0
        monkeypatch.setenv("STEPCHECK_SERVER_TOKEN", "hush")
        assert main(command) == 0
        assert server.tokens == ["Bearer from-file", "Bearer hush"]
    assert main(["config", "show"]) == 0
    monkeypatch.delenv("STEPCHECK_SERVER_TOKEN")
    Path("token.txt").write_text("two words-of-mine\n", encoding="utf-8")
    assert main(command) == 2
    shown = capsys.readouterr()
    assert "expected a token in one line" in shown.err
    for secret in ("hush", "from-file", "words-of-mine"):
        assert secret not in shown.out + shown.err


def test_a_server_may_be_a_setting_but_not_a_folders(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One's own file or the environment may name it; a foreign folder's file would send solutions where it likes."""
    own = Path("own.toml").absolute()
    monkeypatch.setattr("stepcheck.config.user_config_file", lambda: own)
    with serving(GOOD, models=LISTED) as server:
        own.write_text(f'server = "{server.address}"\n', encoding="utf-8")
        assert main(["score", "md.md"]) == 0
        assert len(server.asked) == 1
        assert config.load({"server": "here"}).server == ""
        own.unlink()
        Path("stepcheck.toml").write_text(f'# x\nserver = "{server.address}"\n', encoding="utf-8")
        assert main(["score", "md.md"]) == 2
        assert len(server.asked) == 1
    assert "stepcheck.toml:2: 'server' is not taken from a folder's file" in capsys.readouterr().err


def test_the_model_is_named_where_there_are_several(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --model the list is shown; a name that is not there, too."""
    two = {"data": [*LISTED["data"], *listing("other")["data"]]}
    with serving(GOOD, models=two) as server:
        assert main(["score", "md.md", "--server", server.address]) == 1
        assert "has several models; choose with --model: nano, other" in capsys.readouterr().err
        assert main(["score", "md.md", "--server", server.address, "--model", "nano"]) == 0
