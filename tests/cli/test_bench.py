"""`stepcheck bench` and `stepcheck runs` over a fake checker: what is run, kept, shown, compared and refused."""

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from stepcheck.bench.comparing import compare
from stepcheck.bench.runs.store import Run
from stepcheck.cli.main import main
from stepcheck.cli.progress import State, sentence
from stepcheck.document import Document
from stepcheck.judge import Judged
from stepcheck.report import compare as report_compare
from stepcheck.report import rows, run_page
from stepcheck.report.plots import plots, terminal
from stepcheck.report.runs import compute, show
from stepcheck.report.tables import to_text
from tests.fakes import NOTICE, FakeChecker
from tests.test_report import HOSTILE, forbidden


def case(name: str, generator: str, label: int, *steps: str, problem: str = "p", right: bool = True) -> dict[str, Any]:
    about = {"id": name, "generator": generator, "problem": problem, "final_answer_correct": right}
    return about | {"steps": list(steps), "label": label}


CASES = [
    case("m0", "A", 1, "a {0.9}", "b {0.2}"),
    case("m1", "A", 1, "a {0.2}", "b {0.9}", right=False),
    case("m2", "B", 0, "a {0.9}", "b {0.9}"),
    case("m3", "B", -1, "a {0.9}"),
    case("m4", "B", -1, "a {0.4}"),
    case("m5", "B", -1, "a", problem="too long"),
]
BON = [
    {
        "idx": i,
        "question": "q",
        "gt": "1",
        "code": [f"\\boxed{{{answer}}} {{{reward}}}" for answer, reward in candidates],
        "pred": [answer for answer, _ in candidates],
        "score": [answer == "1" for answer, _ in candidates],
        "pred_score": [[float(len(candidates) - place)] for place in range(len(candidates))],
    }
    for i, candidates in enumerate(
        [
            [("1", 0.9), ("2", 0.5), ("2", 0.1), ("3", 0.2)],
            [("2", 0.1), ("1", 0.8), ("1.0", 0.2), ("1", 0.1)],
        ]
    )
]


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[FakeChecker]:
    """Judge with the fake, in an empty folder with two files."""
    monkeypatch.setattr("stepcheck.checker.Checker", FakeChecker)
    monkeypatch.setattr(FakeChecker, "opened", [])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path / "runs"))
    (tmp_path / "math.json").write_text(json.dumps(CASES), encoding="utf-8")
    (tmp_path / "bon.jsonl").write_text("".join(json.dumps(row) + "\n" for row in BON), encoding="utf-8")
    return FakeChecker.opened


def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which documents the fake is asked for."""
    names: list[str] = []
    check = FakeChecker.check

    def noting(self: FakeChecker, document: Document) -> Judged:
        names.append(f"{document.id}[{document.candidate or 0}]")
        return check(self, document)

    monkeypatch.setattr(FakeChecker, "check", noting)
    return names


def run(*arguments: str) -> int:
    return main(["bench", "processbench", "--data", "math.json", *arguments])


def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_processbench_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Three wrong solutions, one found; two right ones scored, one passes; one too long: F1 = 2·33.3·50/83.3 = 40."""
    assert run("--run", "r", "--format", "json") == 0
    found = shown(capsys)
    assert (found["schema"], found["run"], found["model"], found["threshold"]) == (1, "r", "nano", 0.5)
    assert found["partial"] is True  # a file of six cases is not the published subset
    assert "published are 594" in found["partial_reason"]
    math = found["subsets"]["math"]
    counts = {key: math[key] for key in ("cases", "error_cases", "correct_cases", "errors", "too_long")}
    assert counts == {"cases": 6, "error_cases": 3, "correct_cases": 2, "errors": 1, "too_long": 1}
    assert (math["error_acc"], math["correct_acc"], math["f1"]) == (33.3333, 50, 40)
    assert math["right_answer_wrong_process"] == {"cases": 2, "flagged": 1, "located": 1, "share": 50}
    assert found["average_f1"] == 40


def test_processbench_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """The notice, the main table, the published rows, generators and positions; partial wherever a figure is."""
    assert run("--run", "r") == 0
    out, err = capsys.readouterr()
    assert f"Note: {NOTICE}" in out
    assert re.search(r"^math +6 +33.3 +50.0 +40.0 +\[", out, re.MULTILINE)
    assert re.search(r"^Qwen2.5-Math-PRM-7B +77.6 +73.5$", out, re.MULTILINE)
    assert re.search(r"^B +1 +0.0 +2 +50.0 +0.0$", out, re.MULTILINE)
    assert out.count("partial") >= 2
    assert "PARTIAL" in out
    assert "stepcheck runs show r" in err
    assert "\x1b" not in out


def test_a_file_of_ones_own_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """The published figures are shown beside a published subset only."""
    Path("math.json").rename("own.json")
    assert main(["bench", "processbench", "--data", "own.json", "--run", "r"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^own +6 +33.3 +50.0 +40.0 +\[", out, re.MULTILINE)
    assert "By generator" in out
    assert "published" not in out


def test_the_same_command_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A run without a name is found again; what is done is not done again; the figures are the same."""
    names = asked(monkeypatch)
    assert run("--format", "json", "--ids", "m0,m1") == 0
    first = shown(capsys)
    assert first["partial"] is True
    assert names == ["m0[0]", "m1[0]"]
    assert run("--format", "json", "--ids", "m0,m1") == 0
    assert shown(capsys)["run"] == first["run"]
    assert len(names) == 2
    assert run("--format", "json") == 0
    assert shown(capsys)["run"] != first["run"]
    assert len(names) == 8


def test_a_changed_setting_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A named run with another threshold, other data or another choice: refused, naming it; exit status 1."""
    assert run("--run", "r") == 0
    changes = ["--threshold", "0.4"], ["--limit", "2"], ["--ctx", "512"], ["--tune-on", "math"], ["--model", "other"]
    for change in changes:
        capsys.readouterr()
        assert run("--run", "r", *change) == 1
        err = capsys.readouterr().err
        assert "run 'r' was begun otherwise: " in err
        assert "--run NAME" in err
    Path("math.json").write_text(json.dumps(CASES[:5]), encoding="utf-8")
    assert run("--run", "r") == 1
    assert "data.math.sha256" in capsys.readouterr().err


def test_errors_are_tried_again_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--retry-errors does the failed case again, and no other."""
    Path("math.json").write_text(json.dumps(CASES) + " ", encoding="utf-8")
    assert run("--run", "r") == 0
    names = asked(monkeypatch)
    assert run("--run", "r") == 0
    assert names == []
    assert run("--run", "r", "--retry-errors") == 0
    assert names == ["m5[0]"]
    capsys.readouterr()


def test_a_bad_row_is_counted_and_the_status_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Failed for another reason than length: exit status 1, the first reason on stderr, no figure counts it."""
    Path("math.json").write_text(json.dumps([*CASES, {"id": "m6", "problem": "p", "steps": ["a"]}]), encoding="utf-8")
    assert run("--run", "r", "--format", "json") == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["subsets"]["math"]["errors"] == 2
    assert "1 cases could not be scored; the first: math.json:1" in err
    assert "no `label`" in err


def test_selections(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """--limit, --sample, --ids from a file and --shard choose; wrong ones are refused with exit status 2."""
    names = asked(monkeypatch)
    assert run("--limit", "2") == 0
    assert run("--sample", "2", "--seed", "3") == 0
    (tmp_path / "ids").write_text("m4\nm3\n", encoding="utf-8")
    assert run("--ids", "@ids") == 0
    assert names[:2] == ["m0[0]", "m1[0]"]
    assert names[-2:] == ["m3[0]", "m4[0]"]
    assert len(names) == 6
    for wrong in (["--limit", "0"], ["--shard", "3/2"], ["--shard", "x"], ["--ids", "m9"], ["--ids", "@none"]):
        capsys.readouterr()
        assert run(*wrong) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_a_limit_that_leaves_one_kind_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """The first two are wrong solutions, as in the published files: F1 cannot be had; a sample would help."""
    assert run("--limit", "2") == 0
    out, err = capsys.readouterr()
    assert "warning: the first 2 of math are wrong solutions only, and F1 needs both; --sample 2 draws from" in err
    assert "No right solution was judged of math: F1 needs both." in out
    assert run("--limit", "4", "--run", "both") == 0
    out, err = capsys.readouterr()
    assert "warning" not in err
    assert "F1 needs both" not in out
    assert run("--limit", "2", "--sample", "4", "--run", "drawn", "--format", "json") == 0
    out, err = capsys.readouterr()
    assert "warning" not in err
    assert "the first 2 of a sample of 4 per subset, seed 0" in json.loads(out)["partial_reason"]


def test_several_files_behind_one_data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`--data A B`, as a shell writes `--data *.json`; a pattern that no shell has expanded; files without --data."""
    (tmp_path / "gsm8k.json").write_bytes((tmp_path / "math.json").read_bytes())
    for name, arguments in {
        "a": ["--data", "gsm8k.json", "math.json"],
        "b": ["--data", "*.json"],
        "c": ["gsm8k.json", "math.json"],
        "d": ["--data", "gsm8k.json", "--data", "math.json"],
    }.items():
        assert main(["bench", "processbench", *arguments, "--run", name, "--format", "json"]) == 0
        assert list(shown(capsys)["subsets"]) == ["gsm8k", "math"]
    assert main(["bench", "processbench", "--data", "nothing*.json"]) == 2
    assert "no file matches" in capsys.readouterr().err


def test_shards_merge_to_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Two shards and their merger give the figures of the run in one piece, and it is not called a shard."""
    assert run("--run", "whole", "--format", "json") == 0
    whole = shown(capsys)
    for number in (1, 2):
        assert run("--run", f"s{number}", "--shard", f"{number}/2", "--format", "json") == 0
        assert f"shard {number} of 2" in shown(capsys)["partial_reason"]
    assert main(["runs", "merge", "both", "s1", "s2"]) == 0
    capsys.readouterr()
    assert main(["runs", "show", "both", "--format", "json"]) == 0
    assert shown(capsys) == whole | {"run": "both"}
    assert main(["runs", "merge", "one", "s1"]) == 1
    assert "there is none with the number 2" in capsys.readouterr().err


def test_tuning_and_other_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    """A tuned threshold is reported as such; `runs show` computes any other without a model."""
    assert run("--run", "t", "--tune-on", "math", "--format", "json") == 0
    found = shown(capsys)
    assert found["tuned_on"] == "math"
    assert found["threshold"] == pytest.approx(0.3)
    assert found["subsets"]["math"]["f1"] == pytest.approx(50)
    assert main(["runs", "show", "t", "--format", "json", "--threshold", "0.5"]) == 0
    assert shown(capsys)["subsets"]["math"]["f1"] == 40
    assert main(["runs", "show", "t"]) == 0
    assert "tuned on math" in capsys.readouterr().out
    assert main(["runs", "show", "t", "--threshold", "2"]) == 2
    assert run("--tune-on", "gsm8k") == 2


def test_bon_json(capsys: pytest.CaptureFixture[str]) -> None:
    """By hand, N = 4: the PRM picks a right candidate both times, the vote and the scores in the file once.

    Problem 0 has one right of four, problem 1 two: the file calls 1.0 wrong, though as a vote it is one for 1. mean@1 =
    (1/4 + 2/4)/2 = 37.5; pass@4 = 100; maj@4: answer 2, wrong; answer 1, right: 50; rm@4: the first: right, wrong: 50.
    """
    arguments = ["bench", "bon", "bon.jsonl", "--run", "b", "--format", "json", "--aggregate", "product,min"]
    assert main(arguments) == 0
    found = shown(capsys)
    assert (found["problems"], found["n"], found["grading"], found["partial"]) == (2, 4, "file", False)
    assert (found["mean@1"], found["pass@4"], found["maj@4"], found["rm@4"]) == (37.5, 100, 50, 50)
    assert found["prm@4"] == {"product": 100, "min": 100}
    assert found["prm@1"] == {"product": 37.5, "min": 37.5}
    (differ,) = found["disagreements"]
    assert (differ["id"], differ["candidate"], differ["answer"], differ["file"], differ["own"]) == (
        "1",
        2,
        "1.0",
        False,
        True,
    )
    assert main(["runs", "show", "b", "--grading", "own", "--n", "2", "--format", "json"]) == 0
    found = shown(capsys)
    assert (found["grading"], found["n"], found["mean@1"]) == ("own", 2, 50)


def test_bon_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Every figure over N; the disagreement is listed; a known task stands beside the published figures."""
    Path("gsm8k.jsonl").write_bytes(Path("bon.jsonl").read_bytes())
    assert main(["bench", "bon", "gsm8k.jsonl", "--run", "b"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^pass +37.5 +66.7 +100.0", out, re.MULTILINE)
    assert re.search(r"^gsm8k 1\[2\] +1 +1.0 +wrong +right$", out, re.MULTILINE)
    assert re.search(r"^Qwen2.5-Math-PRM-7B +97.1 +67.6$", out, re.MULTILINE)
    assert main(["bench", "bon", "bon.jsonl", "--run", "b"]) == 1
    assert main(["bench", "bon", "bon.jsonl", "--aggregate", "sum"]) == 2
    assert main(["bench", "bon", "bon.jsonl", "--n", "0"]) == 2


def test_candidates_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What candidates of a problem share is computed once, so they are asked for together."""
    names = asked(monkeypatch)
    assert main(["bench", "bon", "bon.jsonl"]) == 0
    assert names == [f"{i}[{j}]" for i in (0, 1) for j in range(4)]


def two_runs() -> None:
    assert run("--run", "a") == 0
    assert run("--run", "b", "--threshold", "0.3") == 0


def test_compare(capsys: pytest.CaptureFixture[str]) -> None:
    """At 0.3 instead of 0.5 the false alarm on m4 is gone: one flip for B, F1 40 → 50; what is too long is left out."""
    two_runs()
    capsys.readouterr()
    assert main(["runs", "compare", "a", "b", "--format", "json"]) == 0
    found = shown(capsys)
    part = found["parts"]["math"]
    assert (part["a"], part["b"], part["only_a"], part["only_b"], part["mcnemar_p"]) == (40, 50, 0, 1, 1)
    assert part["difference"] == pytest.approx(10)
    assert found["flips"] == [
        {"subset": "math", "id": "m4", "truth": "no error", "a": "step 1", "b": "no error", "better": "B"}
    ]
    assert found["left_out"] == 1
    assert main(["runs", "compare", "a", "b"]) == 0
    assert "thresholds 0.5 and 0.3" in capsys.readouterr().out
    assert main(["bench", "bon", "bon.jsonl", "--run", "c"]) == 0
    assert main(["runs", "compare", "a", "c"]) == 2
    capsys.readouterr()
    assert main(["runs", "compare", "c", "c", "--format", "json"]) == 0
    assert shown(capsys)["parts"]["bon"]["difference"] == 0


def test_export_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """JSONL: one object a case, from which everything can be computed again; CSV: the same as a table."""
    assert run("--run", "r") == 0
    capsys.readouterr()
    assert main(["runs", "export", "r"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["id"], row["label"], row["prediction"]) for row in rows[:2]] == [("m0", 1, 1), ("m1", 1, 0)]
    assert rows[0]["rewards"] == [0.9, 0.2]
    assert rows[0]["steps"] == ["a {0.9}", "b {0.2}"]
    assert rows[5]["error"]["kind"] == "too_long"
    assert rows[5]["rewards"] is None
    assert main(["runs", "export", "r", "--format", "csv"]) == 0
    table = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["hit"] for row in table] == ["true", "false", "false", "true", "false", ""]
    assert table[5]["error"] == "too_long"


def test_export_pages_and_plots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One HTML page with its plots inside and nothing from outside; Markdown; SVG and PNG files."""
    for name, command in (("r", ["processbench", "--data", "math.json"]), ("b", ["bon", "bon.jsonl"])):
        assert main(["bench", *command, "--run", name]) == 0
        assert main(["runs", "export", name, "-f", "html", "-o", f"{name}.html", "--plots", f"{name}-plots"]) == 0
        page = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert page.count("<svg") == (4 if name == "r" else 1)
        assert "<script" not in page
        assert not re.findall(r"""(?:src|href)=["']?(?!#)[^"'>]+""", page)
        files = sorted(path.name for path in (tmp_path / f"{name}-plots").iterdir())
        assert len(files) == 2 * page.count("<svg")
        assert (tmp_path / f"{name}-plots" / files[0]).read_bytes().startswith(b"\x89PNG")
        capsys.readouterr()
        assert main(["runs", "export", name, "-f", "md"]) == 0
        assert "| --" in capsys.readouterr().out.replace("|---", "| --")
        assert main(["runs", "show", name, "--plots"]) == 0
        assert "over" in capsys.readouterr().out


def test_pictures_need_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without matplotlib: an error that says what to install; the page has its plots as text."""
    monkeypatch.setattr("stepcheck.report.plots.figures.available", lambda: False)
    assert run("--run", "r") == 0
    assert main(["runs", "export", "r", "--plots", "plots"]) == 2
    assert "pip install 'stepcheck[plots]'" in capsys.readouterr().err
    assert main(["runs", "export", "r", "-f", "html", "-o", "r.html"]) == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<svg" not in page
    assert "math: accuracy over the threshold" in page


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_are_shown_not_obeyed(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In ids, generators, problems, steps and answers, in every output: no control character, no markup."""
    monkeypatch.setattr("stepcheck.report.plots.figures.available", lambda: False)  # plots as text: quicker
    check_hostile(text, capsys)


def test_hostile_texts_in_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them at once, with the plots drawn by matplotlib."""
    check_hostile("".join(HOSTILE.values()), capsys)


def check_hostile(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run both benches over it through the command, and write the runs in every form there is."""
    row = {
        "id": f"x{text}<b>",
        "generator": f"<i>{text}",
        "problem": text,
        "steps": [f"{text}<script>alert(1)</script>"],
    }
    Path("f.jsonl").write_text(json.dumps(row | {"label": 0}), encoding="utf-8")
    bon = {"id": f"x{text}", "problem": "p", "responses": [f"\\boxed{{1{text}}}"], "score": [True], "pred": [text]}
    Path("g.jsonl").write_text(json.dumps(bon), encoding="utf-8")
    assert main(["bench", "processbench", "--data", "f.jsonl", "--run", "f"]) in {0, 1}
    assert main(["bench", "bon", "g.jsonl", "--run", "g"]) in {0, 1}
    out, err = capsys.readouterr()
    for name in ("f", "g"):
        with Run(Path("runs") / name) as found:
            result = compute(found)
            page = "".join(run_page.page(found, result))
            assert "<script" not in page
            written = [*rows.lines(found), *rows.csv_lines(found), page, show(result, "md"), show(result, "json")]
            written += [terminal.draw(plot) for plot in plots(result)]
            if found.keys(errors=False):
                comparison = compare(found, found)
                written += map(to_text, report_compare.tables(comparison))
            out += "".join(written)
    assert not forbidden(out)
    assert not forbidden(err)


def test_list_show_and_rm(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The list has every run and its state; the manifest says all; deleting without a terminal needs --yes."""
    assert main(["runs", "list"]) == 0
    assert "no runs yet" in capsys.readouterr().err
    assert run("--run", "r", "--limit", "2") == 0
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "run.sqlite").write_bytes(b"torn")
    capsys.readouterr()
    assert main(["runs", "list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"^r +processbench +nano +2/2 +partial +F1 ", listed, re.MULTILINE)
    assert re.search(r"^broken .*unreadable", listed, re.MULTILINE)
    assert main(["runs", "list", "--json"]) == 0
    assert [json.loads(line)["run"] for line in capsys.readouterr().out.splitlines()] == ["broken", "r"]
    assert main(["runs", "show", "r", "--manifest"]) == 0
    manifest = shown(capsys)
    assert manifest["card"]["name"] == "nano"
    assert manifest["data"][0]["sha256"]
    assert manifest["versions"]["llama-cpp-python"]
    assert main(["runs", "rm", "r"]) == 2
    assert main(["runs", "rm", "r", "--yes"]) == 0
    assert not (tmp_path / "runs" / "r").exists()
    assert main(["runs", "show", "r"]) == 1
    assert main(["runs", "rm", "../r", "--yes"]) in {1, 2}
    assert main(["runs", "view", "broken"]) == 2


def test_a_run_can_be_read_without_its_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Problem and steps are in the run: the data may be gone."""
    assert run("--run", "r", "--format", "json") == 0
    before = capsys.readouterr().out
    Path("math.json").unlink()
    assert main(["runs", "show", "r", "--format", "json"]) == 0
    assert capsys.readouterr().out == before
    with Run(tmp_path / "runs" / "r") as found:
        assert found.row(("math", 0, 0)).steps == ("a {0.9}", "b {0.2}")


def test_progress_words() -> None:
    """Done, rate, time left, figures, errors; the rate counts what this session did."""
    state = State(total=1400, earlier=400, done=600, errors=2, seconds=100.0, figures="F1 12.3")
    assert sentence(state) == "600/1,400 cases, 2.0/s, 6:40 left, F1 12.3, 2 not scored"
    assert sentence(State(5, 0, 0, 0, 0.0)) == "0/5 cases"
    assert os.linesep


def test_evidence_beside_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four cases that the fake passes; of the two errors one is found, and a finding in a right one is an alarm.

    Alone: none of 2 errors found, both right ones pass. Together: 1 of 2, and 1 of 2 passes; F1 is 50.
    """
    cases = [
        case("e0", "A", 1, "1 + 1 = 2", "2 + 2 = 5"),
        case("e1", "A", 0, "no sum"),
        case("e2", "A", -1, "3 + 3 = 6"),
        case("e3", "A", -1, "3 + 3 = 7"),
    ]
    (tmp_path / "sums.json").write_text(json.dumps(cases), encoding="utf-8")
    command = ["bench", "processbench", "--data", "sums.json", "--run", "sums", "--format", "json", "--evidence"]
    assert main([*command, "judge"]) == 0
    found = json.loads(capsys.readouterr().out)
    shown = found["evidence"]["subsets"]["sums"]
    assert (found["evidence"]["judges"], found["average_f1"]) == (True, 50.0)
    assert (shown["error_cases"], shown["with_evidence"], shown["kinds"]["arithmetic"]) == (2, 1, 1)
    assert shown["alone"] == {"error_acc": 0.0, "correct_acc": 100.0, "f1": 0.0}
    assert shown["together"] == {"error_acc": 50.0, "correct_acc": 50.0, "f1": 50.0}
    assert [(alarm["id"], alarm["step"], alarm["finding"]) for alarm in shown["false_alarms"]] == [
        ("e3", 0, "3 + 3 = 6, not 7")
    ]
    assert main([*command, "show"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert (alone["average_f1"], alone["evidence"]["judges"]) == (0.0, False)
    assert main(["runs", "show", "sums"]) == 0
    assert "evidence" not in capsys.readouterr().out
    assert main(["runs", "show", "sums", "--evidence", "judge"]) == 0
    text = capsys.readouterr().out
    assert "With the evidence: " in text
    assert re.search(r"sums +nano \+ evidence +50\.0 +50\.0 +50\.0", text)
    assert "3 + 3 = 6, not 7" in text


def test_evidence_is_refused_where_no_label_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Best-of-N has no first wrong steps."""
    assert main(["bench", "bon", "bon.jsonl", "--run", "b"]) == 0
    assert main(["runs", "show", "b", "--evidence", "show"]) == 2
    assert "ProcessBench only" in capsys.readouterr().err
