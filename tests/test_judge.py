"""The seam: a judge that somebody writes in a few lines is one like any other, in every command and in the app."""

import json
import pickle
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path

import pytest

from stepcheck.cli.main import main
from stepcheck.config import load
from stepcheck.document import Document, Step, Unread
from stepcheck.errors import CountMismatchError, InputError, NonFiniteError
from stepcheck.judge import Cost, Gives, Identity, Judge, Judged, Unscored, by_rewards, check
from stepcheck.prm.verdict import Verdict


class Looked:
    """Looks rewards up in a dictionary, by the text of a step; one that it does not know is fine."""

    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    def __init__(self, known: Mapping[str, float]) -> None:
        self.identity = Identity(name="looked-up", sha256="1" * 64, threshold=0.5, notice="Only a dictionary.")
        self.known = dict(known)

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        for item in items:
            if isinstance(item, Unread):
                yield Unscored.of(item, item.error)
                continue
            rewards = [self.known.get(step.text, 0.9) for step in item.steps]
            yield by_rewards(item, rewards, self.identity, Cost(tokens=len(rewards)))

    def close(self) -> None:
        """Hold nothing."""


JUDGE = Looked({"1 + 1 = 3": 0.1, "So 3.": 0.2})
DOCUMENT = Document("What is 1 + 1?", (Step("Add."), Step("1 + 1 = 3"), Step("So 3.")), source="sum.md")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Judge:
    """Every command opens this judge, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("stepcheck.cli.judging.open_judge", lambda *_, **__: JUDGE)
    return JUDGE


@pytest.mark.usefixtures("opened")
def test_it_scores(capsys: pytest.CaptureFixture[str]) -> None:
    """In every format; what it wants to be said is said, and its name and hash stand in the record."""
    Path("sum.jsonl").write_text(json.dumps({"problem": "p", "steps": ["Add.", "1 + 1 = 3"]}), encoding="utf-8")
    assert main(["score", "sum.jsonl", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    record = json.loads(out)
    assert (record["first_error"], record["threshold"]) == (1, 0.5)
    assert [step["reward"] for step in record["steps"]] == [0.9, 0.1]
    assert record["model"] == {"name": "looked-up", "sha256": "1" * 64}
    assert "Only a dictionary." in err
    for form in ("human", "plain", "md", "html", "svg"):
        assert main(["score", "sum.jsonl", "--format", form]) == 0
        assert "1 + 1 = 3" in capsys.readouterr().out.replace("\u00a0", " ")


@pytest.mark.usefixtures("opened")
def test_it_runs_benches_that_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """ProcessBench and Best-of-N, gone on with by the same command and refused to another judge of that name."""
    steps = ["Add.", "1 + 1 = 3"]
    case = {"generator": "A", "problem": "p", "final_answer_correct": True, "steps": steps}
    Path("math.json").write_text(
        json.dumps([case | {"id": f"m{label}", "label": label} for label in (0, 1, -1)]), encoding="utf-8"
    )
    rows = {"problem": "p", "answer": "2", "responses": ["Add.\n\n\\boxed{2}", "1 + 1 = 3\n\n\\boxed{3}"]}
    Path("bon.jsonl").write_text(json.dumps(rows), encoding="utf-8")
    command = ["bench", "processbench", "--data", "math.json", "--run", "r", "--format", "json"]
    for _ in range(2):
        assert main(command) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["model"], found["subsets"]["math"]["error_acc"], found["tokens"]) == ("looked-up", 50, 6)
    assert main(["bench", "bon", "bon.jsonl", "--n", "2", "--run", "b", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["prm@2"] == {"product": 100}
    for words in (["list"], ["show", "r"], ["export", "r", "--format", "jsonl"], ["compare", "r", "r"]):
        assert main(["runs", *words]) == 0
    JUDGE.identity, before = Identity(name="looked-up", sha256="2" * 64, threshold=0.5), JUDGE.identity
    try:
        assert main(command) == 1
    finally:
        JUDGE.identity = before
    assert "judge.sha256 was" in capsys.readouterr().err


async def test_it_judges_in_the_app(tmp_path: Path) -> None:
    """The solution that is opened gets its verdict; there is nothing to load."""
    from stepcheck.tui.app import StepcheckApp
    from stepcheck.tui.files.reading import Target
    from tests.tui.driving import until

    path = tmp_path / "sum.md"
    path.write_text("# Problem\n\n1 + 1?\n\n# Solution\n\n1. Add.\n2. 1 + 1 = 3\n3. So 3.\n", encoding="utf-8")
    app = StepcheckApp(Target(str(path)), load({}), open_judge=lambda _model, _on_loading: JUDGE)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(app.session.entries and app.session.entries[0].review))
        review = app.session.entries[0].review
    assert review is not None
    assert (review.model.name, review.verdict.first_error) == ("looked-up", 1)


def test_it_crosses_processes() -> None:
    """Judge, documents, results and errors are pickled and come back equal, as Ray's actors and tasks need it."""
    judge: Judge = pickle.loads(pickle.dumps(JUDGE))  # noqa: S301 (our own bytes)
    given = [DOCUMENT, Unread("a.jsonl", InputError("a.jsonl:3: no"), 3, "u")]
    items: list[Document | Unread] = pickle.loads(pickle.dumps(given))  # noqa: S301 (our own bytes)
    first, second = pickle.loads(pickle.dumps(list(judge.judge(items))))  # noqa: S301 (our own bytes)
    assert first == check(JUDGE, DOCUMENT)
    assert isinstance(second, Unscored)
    assert (second.line, second.id, str(second.error), second.error.kind) == (3, "u", "a.jsonl:3: no", "input")


def test_rewards_belong_to_steps() -> None:
    """One too few, one that is no number, or no threshold to compare with: refused where they are put together."""
    with pytest.raises(CountMismatchError, match="2 rewards for 3 steps"):
        by_rewards(DOCUMENT, [0.5, 0.5], JUDGE.identity)
    with pytest.raises(NonFiniteError, match="step 2 is nan"):
        by_rewards(DOCUMENT, [0.5, float("nan"), 0.5], JUDGE.identity)
    with pytest.raises(CountMismatchError, match="threshold None"):
        by_rewards(DOCUMENT, [0.5, 0.5, 0.5], Identity(name="m"))
    with pytest.raises(CountMismatchError, match="no threshold"):
        Judged(document=DOCUMENT, model=Identity(name="m"), verdict=Verdict(None), rewards=(0.5, 0.5, 0.5))
