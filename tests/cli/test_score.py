"""`stepcheck score` over a fake checker: what is read, written, said and returned."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stepcheck.cli.main import main
from stepcheck.cli.meter import Meter, Reading, line
from stepcheck.cli.output import ExitCode, Sink
from stepcheck.cli.score import READ_AHEAD_BYTES
from stepcheck.engine.base import EngineOptions
from tests.fakes import NOTICE, FakeChecker
from tests.test_report import HOSTILE, forbidden

ROOT = Path(__file__).parent.parent.parent
FAKED = (
    "import sys, stepcheck.checker, tests.fakes;"
    "stepcheck.checker.Checker = tests.fakes.FakeChecker;"
    "from stepcheck.cli.main import main; sys.exit(main())"
)
RIGHT = {"problem": "What is 1 + 1?", "steps": ["One and one.", "So 2."], "id": "right"}
WRONG = {"problem": "What is 1 + 2?", "steps": ["One and two.", "So 4. {0.1}", "Yes. {0.3}"], "id": "wrong"}
LONG = {"problem": "too long", "steps": ["x"], "id": "long"}


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[FakeChecker]:
    """Judge with the fake, in an empty folder."""
    monkeypatch.setattr("stepcheck.checker.Checker", FakeChecker)
    monkeypatch.setattr(FakeChecker, "opened", [])
    monkeypatch.chdir(tmp_path)
    return FakeChecker.opened


@pytest.fixture
def answers(tmp_path: Path) -> str:
    """A JSONL file: one right, one wrong, one too long, one torn row, one right."""
    rows = [json.dumps(RIGHT), json.dumps(WRONG), json.dumps(LONG), '{"problem": "torn', json.dumps(RIGHT)]
    (tmp_path / "answers.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return "answers.jsonl"


@pytest.fixture
def solution(tmp_path: Path) -> str:
    """A Markdown file with one wrong step."""
    text = "# Problem\n\nWhat is 1 + 2?\n\n# Solution\n\nOne and two.\n\nSo 4. {0.1}\n\nYes. {0.3}\n"
    (tmp_path / "solution.md").write_text(text, encoding="utf-8")
    return "solution.md"


def spawn(*arguments: str, env: dict[str, str] | None = None, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", FAKED, "score", *arguments],
        **more,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )


def test_human(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The notice comes first, then problem, steps, the first error marked, the verdict; off a terminal no bars."""
    assert main(["score", solution]) == ExitCode.done
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f"Note: {NOTICE}"
    assert "What is 1 + 2?" in out
    assert "2 ✗ 0.100 So 4. {0.1}  ◀ first error" in out
    assert "✗ Step 2 is the first error: reward 0.100, threshold 0.5." in out
    assert "█" not in out
    assert "\x1b" not in out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    assert err == "a better judge of grade-school mathematics: stepcheck models pull stepcheck-0.5B\n"


def test_json_of_one_document(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One document is one object; its offsets are those of the source text."""
    assert main(["score", "--format", "json", solution]) == ExitCode.done
    out, err = capsys.readouterr()
    record = json.loads(out)
    text = Path(solution).read_text(encoding="utf-8")
    assert record["source"] == "solution.md"
    assert record["first_error"] == 1
    assert [text[step["start"] : step["end"]] for step in record["steps"]] == [s["text"] for s in record["steps"]]
    assert err == f"note: {NOTICE}\n"


def test_json_of_several_documents(solution: str, answers: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Several documents are an array, in the order of the files."""
    assert main(["score", "-f", "json", solution, answers]) == ExitCode.error
    records = json.loads(capsys.readouterr().out)
    assert [record["source"] for record in records] == ["solution.md"] + 5 * ["answers.jsonl"]


def test_jsonl_in_jsonl_out(answers: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A row for every row, in order; a failed one is an error in its place; stderr counts them; exit code 1."""
    assert main(["score", "--format", "jsonl", answers]) == ExitCode.error
    out, err = capsys.readouterr()
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["line"] for record in records] == [1, 2, 3, 4, 5]
    assert [record.get("first_error", "error") for record in records] == [None, 1, "error", "error", None]
    assert [record["error"]["kind"] for record in records if "error" in record] == ["too_long", "input"]
    assert "2 of 5 solutions could not be scored; the first: answers.jsonl:3: 5000 tokens" in err


def test_plain(answers: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line per step, and one for each failure."""
    assert main(["score", "--format", "plain", answers]) == ExitCode.error
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[2] for line in lines] == [
        *("ok", "ok"),
        *("ok", "first-error", "wrong"),
        *("error", "error"),
        *("ok", "ok"),
    ]


def test_human_of_many(answers: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The notice is said once; at the end stands how many were right, wrong and not scored."""
    assert main(["score", answers]) == ExitCode.error
    out = capsys.readouterr().out
    assert out.count(NOTICE) == 1
    assert "5 solutions · 2 without a wrong step · 1 with one · 2 not scored" in out
    assert "✗ not scored: 5000 tokens" in out


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`-` is standard input."""
    text = "# Problem\n\nWhat is 1 + 1?\n\n# Solution\n\nSo 3. {0.2}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))
    assert main(["score", "-", "--format", "json"]) == ExitCode.done
    record = json.loads(capsys.readouterr().out)
    assert (record["source"], record["first_error"]) == ("-", 0)


@pytest.mark.parametrize(("fail_under", "code"), [("0.05", 0), ("0.1", 0), ("0.11", 3), ("1", 3)])
def test_fail_under(solution: str, fail_under: str, code: int) -> None:
    """Exit code 3 if a step's reward (the lowest is 0.1) is under the limit; equal is not under."""
    assert main(["score", solution, "--fail-under", fail_under]) == code


@pytest.mark.parametrize("fail_under", ["-0.1", "1.5", "nan"])
def test_fail_under_must_be_a_reward(solution: str, fail_under: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A limit that no reward can be compared with is wrong usage."""
    assert main(["score", solution, f"--fail-under={fail_under}"]) == ExitCode.usage
    assert "--fail-under" in capsys.readouterr().err


def test_an_error_counts_for_more_than_a_low_reward(answers: str) -> None:
    """With failed rows the exit code is 1, whatever the rewards of the others are."""
    assert main(["score", answers, "--fail-under", "0.9"]) == ExitCode.error


def test_options_reach_the_checker(solution: str, fake: list[FakeChecker], monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags win over the environment; the checker is started early and closed at the end."""
    monkeypatch.setenv("STEPCHECK_THRESHOLD", "0.9")
    monkeypatch.setenv("STEPCHECK_N_UBATCH", "64")
    flags = ["--threshold", "0.05", "--model", "other", "--models-dir", "there", "--threads", "3"]
    assert main(["score", solution, *flags, "--gpu-layers", "0", "--ctx", "99"]) == 0
    (checker,) = fake
    assert checker.threshold == 0.05
    assert checker.identity.name == "other"
    assert checker.models_dir == Path("there")
    assert checker.options == EngineOptions(n_threads=3, n_gpu_layers=0, n_ctx=99, n_ubatch=64)
    assert checker.started
    assert checker.closed


def test_a_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is one sentence on stderr, and the exit code 1."""
    assert main(["score", "nowhere.md"]) == ExitCode.error
    out, err = capsys.readouterr()
    assert err.startswith("error: nowhere.md")
    assert err.count("\n") == 1
    assert "not scored" not in out


def test_a_missing_file_among_others(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are judged all the same."""
    assert main(["score", "nowhere.md", solution, "-f", "jsonl"]) == ExitCode.error
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["error" in record for record in records] == [True, False]


def test_problem_from_text_and_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--problem` is the problem itself, or the name of a file with it."""
    (tmp_path / "steps.md").write_text("First step.\n\nSecond step.\n")
    (tmp_path / "problem.txt").write_text("\ufeffHow many?", encoding="utf-8")
    for option in ("How many?", "problem.txt"):
        assert main(["score", "steps.md", "--problem", option, "-f", "json"]) == 0
        record = json.loads(capsys.readouterr().out)
        assert (record["problem"], len(record["steps"])) == ("How many?", 2)


def test_thinking_is_judged_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`<think>…</think>` is left out, and the note says how to have it judged."""
    (tmp_path / "x.md").write_text("# Problem\nP\n# Solution\n<think>\na\n\nb\n</think>\n\nc")
    assert main(["score", "x.md", "-f", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["steps"]) == 1
    assert "--keep-thinking" in record["notes"][0]
    assert main(["score", "x.md", "--keep-thinking", "-f", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["steps"]) == 3


def test_output_file(answers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o` writes the same rows to a file in UTF-8, and nothing to stdout; no other file is left."""
    (tmp_path / "out.jsonl").write_text("old")
    assert main(["score", answers, "-f", "jsonl", "-o", "out.jsonl"]) == ExitCode.error
    assert capsys.readouterr().out == ""
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.jsonl", "out.jsonl"]


def test_output_file_is_whole_or_untouched(
    answers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the work breaks off, the old file is still there, and nothing else."""
    (tmp_path / "out.jsonl").write_text("old")

    def breaks(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stepcheck.report.summary.Summary.add", breaks)
    assert main(["score", answers, "-o", "out.jsonl"]) == ExitCode.error
    assert "No space left on device" in capsys.readouterr().err
    assert (tmp_path / "out.jsonl").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.jsonl", "out.jsonl"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("where", [["-o", "/dev/full"], []])
def test_a_full_disk_is_said_with_the_place(solution: str, where: list[str]) -> None:
    """The sentence names what could not be written, and what to do."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "stepcheck", "score", solution, *where]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    name = "/dev/full" if where else "standard output"
    assert done.returncode == 1
    assert f"error: {name}: cannot be written: No space left on device; make room" in done.stderr


def test_output_into_a_missing_folder(solution: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be written, that is said before anything is judged."""
    assert main(["score", solution, "-o", "no/such/out.json"]) == ExitCode.usage
    assert "cannot be written" in capsys.readouterr().err


def test_control_characters_in_names(capsys: pytest.CaptureFixture[str]) -> None:
    """A file's name can carry escape sequences; the error shows them."""
    assert main(["score", "\x1b[2Jx.md"]) == ExitCode.error
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("form", ["human", "jsonl"])
def test_the_reader_may_leave(answers: str, form: str) -> None:
    """`| head -1` ends quietly: no message, no traceback."""
    child = spawn(*[answers] * 2000, "-f", form, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    said = child.stderr.read().decode()
    child.stderr.close()
    assert child.wait(timeout=30) == ExitCode.done
    assert "Traceback" not in said
    assert "error" not in said.lower()


@pytest.mark.timed
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C in the middle: one line, exit code 130, within a second, and no file half-written."""
    row = {"problem": "slow", "steps": ["x"]}
    (tmp_path / "slow.jsonl").write_text(json.dumps(RIGHT) + "\n" + json.dumps(row) + "\n")
    child = spawn("slow.jsonl", "-f", "jsonl", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()  # the first row is there, so the second is under way
    time.sleep(0.2)
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert time.monotonic() - start < 1
    assert child.returncode == ExitCode.interrupted
    assert err.decode().splitlines()[-1] == "interrupted"
    assert "Traceback" not in err.decode()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "gbk"])
@pytest.mark.parametrize("form", ["human", "plain", "json"])
def test_old_encodings(tmp_path: Path, encoding: str, form: str) -> None:
    """An output that cannot carry every character gets escapes, never a crash; JSON stays the same JSON."""
    row = {"problem": "苹果 🙂 × ÷", "steps": ["∑ é. {0.1}"]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    child = spawn(
        "a.jsonl", "-f", form, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PYTHONIOENCODING": encoding}
    )
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    text = out.decode(encoding)
    if form == "json":
        assert json.loads(text)["problem"] == row["problem"]


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize("quiet", [False, True])
def test_on_a_terminal(solution: str, quiet: bool) -> None:
    """On a terminal there are colours and bars; with NO_COLOR the bars stay and no colour code is written."""
    import pty

    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": "100"} | ({"NO_COLOR": "1"} if quiet else {})
    child = spawn(solution, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    page = drain(ours)
    assert child.wait(timeout=30) == 0
    assert "█" in page
    assert "◀ first error" in page
    assert ("\x1b[38;5;" in page or "\x1b[1;38;5;" in page) is not quiet


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
def test_progress_is_shown_on_a_terminal_only_and_only_when_long(tmp_path: Path, solution: str) -> None:
    """After a second of work a line shows how far it is, and is taken away at the end; quick work shows none."""
    import pty

    row = json.dumps({"problem": "slow", "steps": ["x"]})
    (tmp_path / "slow.jsonl").write_text(json.dumps(RIGHT) + "\n" + row + "\n")
    for file, expected in (("slow.jsonl", True), (solution, False)):
        ours, theirs = pty.openpty()
        child = spawn(file, "-f", "jsonl", stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        page = ""
        if expected:
            while "1/2" not in page:  # however busy the machine is
                page += os.read(ours, 4096).decode(errors="replace")
            child.send_signal(signal.SIGINT)
        page += drain(ours)
        child.wait(timeout=30)
        assert ("1/2" in page) is expected
        if expected:
            assert page.rstrip().endswith("\r\x1b[Kinterrupted")


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize("form", ["human", "plain", "json", "jsonl"])
def test_nothing_foreign_reaches_the_terminal(tmp_path: Path, form: str) -> None:
    """On a real terminal, stdout and stderr together carry our colours and line ends, and no other control."""
    import pty

    kinds = [evil for evil in HOSTILE.values() if evil != "\ud800"]  # no JSON file can hold half a pair
    rows = [{"problem": f"p{evil}", "steps": [f"a{evil}b", f"c{evil} {{0.1}}"], "id": f"i{evil}"} for evil in kinds]
    rows.append({"problem": "too long", "steps": ["x"], "id": "".join(kinds)})
    (tmp_path / "evil.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ours, theirs = pty.openpty()
    child = spawn("evil.jsonl", "\x1b]0;name\x07.md", "-f", form, stdout=theirs, stderr=theirs, env={"TERM": "xterm"})
    os.close(theirs)
    page = drain(ours)
    assert child.wait(timeout=30) == ExitCode.error
    assert "context is 4096" in page
    assert "name" in page
    foreign = forbidden(re.sub(r"\x1b\[[0-9;]*m|\r\n", "", page))
    assert [character for character in foreign if not (form == "plain" and character == "\t")] == []


def drain(terminal: int) -> str:
    """Read a pseudo-terminal until its other end is closed."""
    read = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says EIO at the end
            break
        if not part:
            break
        read += part
    os.close(terminal)
    return read.decode()


def test_progress_line() -> None:
    """After 25 of 100 characters in 10 s: a quarter of the bar, 30 s left, 120 tokens in 10 s = 12 tokens/s."""
    reading = Reading(done=3, total=12, work=25, all_work=100, tokens=120, seconds=10.0, left=30.0)
    assert line(reading, utf8=True) == "█████··············· 3/12, 0:10, 0:30 left, 12 tokens/s"
    assert line(reading, utf8=False).startswith("#####...............")
    assert line(Reading(0, 12, 0, 100, 0, 2.0), utf8=False) == "." * 20 + " 0/12, 0:02"
    assert line(Reading(7, None, 70, 0, 700, 7000.0), utf8=True) == "7 scored, 1:56:40, 0 tokens/s"
    of_size = line(Reading(7, None, 70, 140, 700, 70.0, 70.0), utf8=True)
    assert of_size == "██████████·········· 7 scored, 1:10, 1:10 left, 10 tokens/s"


class Terminal(io.StringIO):
    """Remembers what is written, and says that somebody watches."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.timed
def test_meter_has_patience_and_makes_room() -> None:
    """Nothing for a second; then a line; while results are written it is off the screen, and stays off until after."""
    stream = Terminal()
    with Meter(stream) as meter:
        meter.expect(2, 10)
        time.sleep(0.5)
        assert stream.getvalue() == ""
        time.sleep(0.8)
        assert "0/2" in stream.getvalue()
        with meter.paused():
            written = stream.getvalue()
            assert written.endswith("\r\x1b[K")
            time.sleep(0.5)
            assert stream.getvalue() == written
        time.sleep(0.5)
        assert len(stream.getvalue()) > len(written)
    assert stream.getvalue().endswith("\r\x1b[K")


def test_results_are_written_while_the_meter_makes_room(
    answers: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every result reaches the sink while the progress line is away, the summary too."""
    away = [False]

    @contextlib.contextmanager
    def paused(_: Meter) -> Iterator[None]:
        away[0] = True
        yield
        away[0] = False

    seen = []
    write = Sink.write

    def watched(sink: Sink, text: str) -> None:
        seen.append(away[0])
        write(sink, text)

    monkeypatch.setattr(Meter, "paused", paused)
    monkeypatch.setattr(Sink, "write", watched)
    main(["score", answers])
    assert capsys.readouterr().out
    assert seen == [False] + 6 * [True]  # the notice comes before the work; five results and the summary


def test_meter_is_silent_elsewhere() -> None:
    """Without a terminal not a byte is written, however long it takes."""
    stream = io.StringIO()
    with Meter(stream) as meter:
        meter.expect(2, 10)
        time.sleep(1.3)  # longer than its patience
    assert stream.getvalue() == ""


def test_meter_says_elsewhere_that_slow_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A critic takes minutes for one solution: a plain line now and then, with nothing that moves a cursor."""
    monkeypatch.setattr("stepcheck.cli.meter.TALK_S", 0.05)
    stream = io.StringIO()
    with Meter(stream, talks=True) as meter:
        meter.expect(2, 10)
        meter.advance(5, 100)
        while stream.getvalue().count("\n") < 2:
            time.sleep(0.01)
    first, *_ = stream.getvalue().splitlines()
    assert "1/2" in first
    assert not set(stream.getvalue()) & {"\r", "\x1b"}


def test_many_rows_take_no_more_memory_than_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 rows, judged, then all of them kept: at no time are more than a few held."""
    main(["score", "-f", "jsonl", "--evidence", "off", str(ROOT / "examples" / "solutions.jsonl")])  # imports
    held = [sys.getallocatedblocks()]

    def looking(count: Callable[..., None]) -> Callable[..., None]:
        def counted(meter: Meter, *work: int) -> None:
            count(meter, *work)
            if meter._done in (1_000, 10_000):
                held.append(sys.getallocatedblocks())

        return counted

    monkeypatch.setattr(Meter, "advance", looking(Meter.advance))
    monkeypatch.setattr(Meter, "keep", looking(Meter.keep))
    rows = tmp_path / "rows.jsonl"
    row = {"problem": "What is 1 + 1?", "steps": ["1 + 1 = 2. {0.9}", "So it is 2. {0.8} " + "x" * 40]}
    rows.write_text("".join(json.dumps(row | {"id": str(i)}) + "\n" for i in range(10_000)))
    assert rows.stat().st_size > READ_AHEAD_BYTES  # else all of it is read at once, to tell the time that is left
    command = ["score", str(rows), "-f", "jsonl", "--evidence", "off", "--resume", "-o", str(tmp_path / "out.jsonl")]
    assert main(command) == 0
    assert main(command) == 0
    assert len(held) == 5
    assert max(held) - held[0] < 20_000  # two a row, of some twenty that a row that is held takes
