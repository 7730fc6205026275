"""`stepcheck score --critic`: the same command, formats and exit codes, with a judge that speaks."""

import json
from pathlib import Path

import pytest

from stepcheck.cli.main import main
from tests.chatserver import says, serving

MARKDOWN = "# Problem\n\nWhat is $1 + 1$?\n\n# Solution\n\nAdd them.\n\n$1 + 1 = 3$\n\nSo it is 3.\n"


@pytest.fixture
def solution(tmp_path: Path) -> str:
    """A solution of three steps, the second wrong."""
    path = tmp_path / "solution.md"
    path.write_text(MARKDOWN, encoding="utf-8")
    return str(path)


def test_for_people(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Steps with their signs, the verdict in a sentence, and the critic's own words, made harmless."""
    with serving(says("It is \x1b[31mnot 3: ", "\\boxed{1}")) as server:
        assert main(["score", solution, "--critic", server.address]) == 0
    out = capsys.readouterr().out
    assert "1 ✓ Add them." in out
    assert "◀ first error" in out
    assert "✗ The critic names step 2 as the first error." in out
    assert "\\boxed{1}" in out
    assert "\x1b" not in out


def test_a_long_critique_is_shown_in_part(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A person sees its beginning and its end, and how much is left out."""
    with serving(says("Begin. " + "la " * 5000 + "\\boxed{1}")) as server:
        assert main(["score", solution, "--critic", server.address]) == 0
    out = capsys.readouterr().out
    assert len(out) < 6000
    assert "Begin." in out
    assert "characters left out" in out
    assert "\\boxed{1}" in out


def test_for_programs(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The contract's keys are all there; rewards, threshold and aggregates are null; votes and words stand beside."""
    acts = (says("\\boxed{1}"), says("Hm."), says("\\boxed{1}"))
    with serving(*acts) as server:
        assert main(["score", solution, "--critic", server.address, "--votes", "3", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["first_error"], record["threshold"], record["aggregates"]) == (1, None, None)
    assert [step["reward"] for step in record["steps"]] == [None] * 3
    assert record["critic"]["votes"] == {"1": 2}
    assert record["critic"]["unparsable"] == 1
    assert [critique["index"] for critique in record["critic"]["critiques"]] == [1, None, 1]
    assert record["model"] == {"name": "a-model", "sha256": ""}
    assert list(record)[:7] == ["schema", "source", "line", "id", "candidate", "problem", "steps"]


def test_as_plain_lines(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a critic passed is `ok`, what comes after its first error it did not judge."""
    with serving(says("\\boxed{1}")) as server:
        assert main(["score", solution, "--critic", server.address, "--format", "plain"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[1:4] for row in rows] == [["1", "ok", ""], ["2", "first-error", ""], ["3", "unjudged", ""]]


def test_no_verdict_is_counted_as_such(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two solutions, one verdict: said in the summary and on stderr; it is no error."""
    with serving(says("\\boxed{-1}"), says("I cannot tell.")) as server:
        assert main(["score", solution, solution, "--critic", server.address]) == 0
    captured = capsys.readouterr()
    assert "✓ The critic finds no wrong step." in captured.out
    assert "The critic gave no verdict: no \\boxed{index} of a step in its words." in captured.out
    assert "2 solutions · 1 without a wrong step · 0 with one · 1 without a verdict" in captured.out
    assert "1 of 2 critiques hold no verdict" in captured.err


def test_a_server_that_fails_is_an_error_in_its_place(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and the error's kind in the record."""
    from tests.chatserver import answers

    with serving(answers(500, {"error": {"message": "no memory"}})) as server:
        assert main(["score", solution, "--critic", server.address, "--format", "json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert record["error"]["kind"] == "server"
    assert "500 Internal Server Error: no memory" in record["error"]["message"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--critic", "http://h/v1", "--model", "nano"], "one judge at a time"),
        (["--critic", "http://h/v1", "--threshold", "0.4"], "--threshold: a critic names"),
        (["--critic", "http://h/v1", "--fail-under", "0.4"], "--fail-under: a critic names"),
        (["--critic", "http://h/v1", "--format", "svg"], "--format svg: a critic names"),
        (["--votes", "3"], "give one with --critic"),
        (["--critic-model", "m"], "give one with --critic"),
    ],
)
def test_options_that_do_not_go_together(
    flags: list[str], words: str, solution: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is refused as wrong usage, before anything is asked."""
    assert main(["score", solution, *flags]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("address", ["http://192.0.2.1/v1", "https://critics.example/v1"])
def test_offline_means_no_other_machine(
    address: str, solution: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With STEPCHECK_OFFLINE a critic elsewhere is refused before anything is sent; one on this machine is not."""
    monkeypatch.setenv("STEPCHECK_OFFLINE", "1")
    assert main(["score", solution, "--critic", address]) == 1
    assert "is on another machine, and environment STEPCHECK_OFFLINE forbids that" in capsys.readouterr().err
    with serving(says("\\boxed{0}")) as server:
        assert main(["score", solution, "--critic", server.address]) == 0


def test_the_key_comes_from_the_environment_only(
    solution: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """STEPCHECK_CRITIC_KEY is sent to the server, and no setting shows it."""
    monkeypatch.setenv("STEPCHECK_CRITIC_KEY", "hush")
    with serving(says("\\boxed{0}")) as server:
        assert main(["score", solution, "--critic", server.address]) == 0
        assert server.asked[0]["key"] == "Bearer hush"
    assert main(["config", "show"]) == 0
    assert "hush" not in capsys.readouterr().out
