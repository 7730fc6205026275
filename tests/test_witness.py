"""The evidence beside a judge and in the place of one, in every format."""

import json
import sys
from pathlib import Path

import pytest

from stepcheck.cli.main import main
from stepcheck.document import Document, Step, Unread
from stepcheck.errors import CountMismatchError, InputError
from stepcheck.judge import Judged, Unscored
from stepcheck.prm.verdict import Verdict
from stepcheck.report import html, markdown, plain, records, svg
from stepcheck.witness import Witness, beside, first_shown
from tests.fakes import FakeChecker, document, review
from tests.test_report import HOSTILE, forbidden, rendered

STEPS = ("She sold 24 clips.", "In all 24 + 48 = 82 clips.", "Half of 82 is 82 / 2 = 41.")
FOUND = {"kind": "arithmetic", "start": 7, "end": 25, "claim": "24 + 48 = 82 clips", "truth": "72", "certain": True}


def judged(*steps: str, decides: bool = False) -> Judged:
    (result,) = beside(FakeChecker(), decides=decides).judge([document(*steps)])
    assert isinstance(result, Judged)
    return result


def test_evidence_stands_beside_a_verdict() -> None:
    """The fake gives every step 0.99: no step is wrong for it, and the finding changes nothing of that."""
    result = judged(*STEPS)
    assert result.verdict.first_error is None
    assert [[f.truth for f in step.findings] for step in result.evidence] == [[], ["72"], ["72"]]


def test_a_certain_finding_decides_where_it_may() -> None:
    """Step 2 is the first error whatever its reward, and it is said who says so."""
    result = judged(*STEPS, decides=True)
    assert result.verdict == Verdict(1, 0.5, shown=True)
    assert records.record(result)["first_error_by"] == "evidence"
    assert "✗ Step 2 is the first error: shown by the evidence" in rendered(result, 200)


def test_what_the_judge_names_first_stays() -> None:
    """The judge's first error is step 1, before what the evidence shows: nothing is changed or claimed."""
    result = judged("Wrong. {0.1}", *STEPS, decides=True)
    assert result.verdict == Verdict(0, 0.5)
    assert "first_error_by" not in records.record(result)


def test_what_only_follows_does_not_decide() -> None:
    """A number that is carried on is shown, and is no error of its step."""
    carried = judged(*STEPS).evidence[2]
    assert [finding.kind for finding in carried.findings] == ["carried"]
    assert first_shown([carried]) is None


def test_evidence_of_another_number_of_steps_is_refused() -> None:
    """It would be read off at the wrong step."""
    result = judged(*STEPS)
    with pytest.raises(CountMismatchError):
        Judged(document=document("a"), model=result.model, verdict=Verdict(None), evidence=result.evidence)


def test_every_format_shows_it() -> None:
    """Under the step for people, in a field of its own for tools, as an object for programs."""
    result = judged(*STEPS)
    assert "✗ 24 + 48 = 72, not 82 clips" in rendered(result, 100)
    assert "~ 82 is carried on, 72 would be right" in rendered(result, 100)
    assert list(plain.lines(result))[1].split("\t")[4:] == [STEPS[1], "24 + 48 = 72, not 82 clips"]
    assert "✗ 24 + 48 = 72, not 82 clips" in markdown.render(result)
    assert "✗ 24 + 48 = 72, not 82 clips</span>" in html.render(result)
    assert "✗ 24 + 48 = 72, not 82 clips" in svg.picture([svg.lay_out(result)], "t")
    steps = records.record(result)["steps"]
    assert [step["evidence"] for step in steps[:2]] == [[], [FOUND]]


def test_where_nobody_looked_there_is_no_key() -> None:
    """Nothing found and not looked for are two things."""
    assert "evidence" not in records.record(review("24 + 48 = 82"))["steps"][0]


@pytest.mark.parametrize("name", HOSTILE)
def test_findings_let_no_control_characters_through(name: str) -> None:
    """A claim is foreign text."""
    result = judged(f"24{HOSTILE[name]}+ 48 = 82{HOSTILE[name]}, and 24 + 48 = 82 {HOSTILE[name]}clips")
    fields = "".join("".join(line.split("\t")) for line in plain.lines(result))
    outputs = [rendered(result), fields, records.encode(records.record(result))]
    assert [forbidden(output) for output in outputs] == [[], [], []]


def test_latex_is_shown_as_the_step_is() -> None:
    """In Unicode for people, as LaTeX in Markdown."""
    result = judged(r"So \( \frac{1}{2} \times 30 = 18 \).")
    assert "✗ 1/2 × 30 = 15, not 18" in rendered(result, 100)
    assert r"✗ \(\frac{1}{2} \times 30\) = 15, not 18" in markdown.render(result)


def test_the_witness_names_a_step_or_says_nothing() -> None:
    """Alone it calls nothing right; what cannot be read is an error in its place."""
    unread = Unread("x.jsonl", InputError("no problem"), line=2)
    wrong, silent, failed = Witness().judge([document(*STEPS), document("1 + 1 = 2"), unread])
    assert isinstance(wrong, Judged)
    assert isinstance(silent, Judged)
    assert (wrong.verdict.first_error, silent.verdict.decided) == (1, False)
    assert isinstance(failed, Unscored)
    assert [line.split("\t")[2] for line in plain.lines(wrong)] == ["unjudged", "first-error", "unjudged"]
    assert "1 equation was read, 0 left unread" in rendered(silent, 200)


def test_check_prints_the_objects_of_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One a row, in order, reward null, evidence filled, spans into the row's own text, an error in its place."""
    rows = [{"problem": "p", "steps": list(STEPS)}, "torn", {"problem": "p", "solution": "Add.\n\nSo 24 + 48 = 82."}]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) if row != "torn" else "{" for row in rows) + "\n", encoding="utf-8")
    assert main(["check", str(path), "--format", "jsonl"]) == 1
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert [(step["reward"], step["evidence"]) for step in first["steps"][:2]] == [(None, []), (None, [FOUND])]
    assert (first["first_error"], first["model"]["name"]) == (1, "evidence")
    assert second["error"]
    found = third["steps"][1]["evidence"][0]
    assert "Add.\n\nSo 24 + 48 = 82."[found["start"] : found["end"]] == "24 + 48 = 82"


def test_check_needs_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp is not even looked for."""
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    path = tmp_path / "a.md"
    path.write_text("# Problem\n\nHow many?\n\n# Solution\n\n24 + 48 = 82\n", encoding="utf-8")
    assert main(["check", str(path)]) == 0


def test_check_finds_nothing_and_says_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing found is a result, not a critique without a verdict."""
    path = tmp_path / "a.md"
    path.write_text("# Problem\n\nHow many?\n\n# Solution\n\n24 + 48 = 72\n", encoding="utf-8")
    assert main(["check", str(path)]) == 0
    captured = capsys.readouterr()
    assert "Nothing is shown to be false; 1 equation was read" in " ".join(captured.out.split())
    assert captured.err == ""


@pytest.mark.parametrize(("mode", "first"), [("off", None), ("show", None), ("judge", 1)])
def test_score_takes_evidence_as_it_is_told(
    mode: str, first: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Off: nobody looks. Show: the verdict stays the model's. Judge: the finding decides."""
    monkeypatch.setattr("stepcheck.checker.Checker", FakeChecker)
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text(json.dumps({"problem": "p", "steps": list(STEPS)}) + "\n", encoding="utf-8")
    assert main(["score", "a.jsonl", "--format", "json", "--evidence", mode]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["first_error"] == first
    assert ("evidence" in record["steps"][1]) == (mode != "off")


def test_a_document_of_no_steps_has_no_evidence() -> None:
    """Nothing to look at is nothing found."""
    (result,) = Witness().judge([Document("p", (Step("x"),))])
    assert isinstance(result, Judged)
    assert not result.evidence[0].findings
