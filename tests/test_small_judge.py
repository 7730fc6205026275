"""stepcheck-0.5B: what is shipped belongs to the one official file, and gives the rewards that PyTorch gives with it.

The comparisons of benchmarks/small_judge.py are tried on random miniatures.

The official file is 491 MB and is not here: with STEPCHECK_REAL_MODELS=FOLDER the tests that need it look for it there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import small_judge
from benchmarks.given.reference import OURS, Torch, compare
from benchmarks.given.side import Answer, Read, Request, Side
from benchmarks.given.solutions import spread
from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions
from stepcheck.hub.disk.store import builtin_dir, find, find_card, shipped
from stepcheck.hub.gguf.header import read_layout
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.library import import_model
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.pull.offer import make_offer
from stepcheck.hub.pull.pull import already_here, pull
from stepcheck.prm.card import ModelCard
from stepcheck.prm.readout import read_mlp
from tests import checkpoints
from tests.hubserver import Repository, serving
from tests.test_parity import EXACT, say

NAME = "stepcheck-0.5B"
MARK = 271
"""A blank line in Qwen2.5's vocabulary."""
TEXTS = (
    (
        "A farm shop gets 6 crates of 24 apples. It sells 85 before noon and 37 after. How many are left?",
        ("The 6 crates hold 6 × 24 = 144 apples.", "It sells 85 + 37 = 122 apples.", "144 - 122 = 22 are left."),
    ),
    (
        "A club sold 24 tickets on Monday and twice as many on Tuesday, at $3. How much did it take?",
        (
            "On Tuesday it sold $24 \\times 2 = 48$ tickets.",
            "Together that is $24 + 48 = 82$ tickets.",
            "At $3 each that is $82 \\times 3 = 246$ dollars.",
            "The answer is $\\boxed{246}$.",
        ),
    ),
    ("小华有 8 筐梨，每筐 35 个。他送出 40 个。还剩多少个？", ("8 × 35 = 280 个。", "280 - 40 = 240 个。")),
    ("What is 12% of 50?", ("12% is 0.12.", "0.12 × 50 = 6.", "So the answer is 60.")),
)


@pytest.fixture(scope="module")
def card() -> ModelCard:
    """The built-in card."""
    found = find_card(NAME, Path("nowhere")).card
    assert found is not None
    return found


@pytest.fixture(scope="module")
def official(card: ModelCard, real_models: Path) -> Path:
    """The official file, where somebody has it."""
    assert card.origin
    assert card.origin.backbone
    path = real_models / card.origin.backbone.file
    if not path.is_file():
        pytest.skip(f"{real_models}, named by STEPCHECK_REAL_MODELS, has no {path.name}")
    return path


def test_what_is_shipped_is_what_the_card_pins(card: ModelCard) -> None:
    """Head and adapter are beside the card, small, of the card's shape; the backbone is pinned and not there."""
    assert card.shape
    assert card.origin
    assert card.origin.backbone
    files = shipped(card)
    assert set(files) == {"head", "adapter"}
    assert sum(path.stat().st_size for path in files.values()) <= 25e6
    assert read_mlp(files["head"], card.readout).hidden == card.shape.hidden
    values, tensors = read_layout(files["adapter"])
    assert (values["general.architecture"], values["adapter.type"]) == ("qwen2", "lora")
    assert len(tensors) == 2 * 7 * card.shape.layers
    assert {min(shape) for shape in tensors.values()} == {32}  # rank 16, filled up to whole blocks
    assert card.origin.backbone.revision == card.origin.revision != ""
    assert card.origin.backbone.sha256
    assert not list((builtin_dir() / "stepcheck-0.5b").glob("*q4_k_m*"))


def test_a_pull_takes_one_file(card: ModelCard, official: Path, tmp_path: Path) -> None:
    """The official file from its repository at the pinned commit, and nothing else; then the model is there."""
    assert card.origin
    with serving(
        **{card.origin.repository.replace("/", "__"): Repository(official.parent, commit=card.origin.revision)}
    ) as hub:
        client = Hub(endpoint=hub.url)
        made = pull(client, make_offer(client, card, WeightType.Q4_K_M, tmp_path / "models"))
        assert {request.path for request in hub.requests} == {official.name}
    assert already_here(tmp_path / "models", "stepcheck-0.5B-q4_k_m", card) == made
    with Checker(NAME, models_dir=tmp_path / "models") as checker:
        problem, steps = TEXTS[0]
        assert len(checker.check(Document(problem, tuple(map(Step, steps)))).rewards) == len(steps)


def test_rewards_are_those_of_torch(card: ModelCard, official: Path, tmp_path: Path) -> None:
    """On the real file, dequantized, with the same LoRA: mean difference at most 0.01, the same first errors."""
    pytest.importorskip("torch")
    from models.training.judge import lay_out
    from models.training.reading import read_judge

    files = shipped(card)
    path = import_model(official, files["head"], card, tmp_path, adapter=files["adapter"], name="real")
    backbone, torch_judge = read_judge(find(str(path)))
    laid = [lay_out(backbone, card.template, problem, steps) for problem, steps in TEXTS]
    assert [each.ids for each in laid] == list(plain_ids(official, card))
    with Checker(path) as checker:
        judged = [checker.check(Document(problem, tuple(map(Step, steps)))) for problem, steps in TEXTS]
    apart = compare([each.rewards for each in judged], [torch_judge.read(each) for each in laid], card.threshold)
    say(f"{len(apart.steps)} steps: mean {apart.steps.mean():.4f}, largest {apart.steps.max():.4f}")
    assert apart.steps.mean() <= 0.01
    assert all(apart.same)


def plain_ids(official: Path, card: ModelCard) -> Iterator[tuple[int, ...]]:
    """The tokens of every text, by llama.cpp's own tokenizer: a blank line after each step."""
    tokenize = tokenizer_of(official)
    for problem, steps in TEXTS:
        ids = [*tokenize(card.template.before_problem, True), *tokenize(problem, False)]
        ids += tokenize(card.template.after_problem, True)
        yield (*ids, *(token for step in steps for token in (*tokenize(step, False), MARK)))


def tokenizer_of(path: Path) -> Any:
    """llama.cpp's tokenizer of a file, in this process: text and whether it may hold special tokens → ids."""
    import llama_cpp

    quiet = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
    llama_cpp.llama_log_set(quiet, None)
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    vocab = llama_cpp.llama_model_get_vocab(model)

    def tokenize(text: str, special: bool) -> list[int]:
        data = text.encode()
        ids = (llama_cpp.llama_token * (len(data) + 8))()
        return list(ids[: llama_cpp.llama_tokenize(vocab, data, len(data), ids, len(ids), False, special)])

    tokenize.kept = (model, quiet)  # type: ignore[attr-defined]
    return tokenize


def document(number: int) -> Document:
    """A document that is told apart by its problem."""
    return Document(str(number), (Step("a"),))


def test_solutions_are_taken_evenly() -> None:
    """Of every author as many; where one has too few, the others give more; not more than there are."""
    groups = {"a": [document(1)], "b": [document(2), document(3), document(4)], "c": [document(5), document(6)]}
    taken = [(name, each.problem) for name, each in spread(groups, 5)]
    assert taken == [("a", "1"), ("b", "2"), ("c", "5"), ("b", "3"), ("c", "6")]
    assert len(spread(groups, 100)) == 6


def test_two_readings_are_compared_by_step_and_first_error() -> None:
    """|0.9 - 0.8|, |0.1 - 0.2|, |0.6 - 0.4|; at 0.5 the first names step 1 in both, the second in one only."""
    apart = compare([[0.9, 0.1], [0.6]], [[0.8, 0.2], [0.4]], 0.5)
    assert apart.steps.tolist() == pytest.approx([0.1, 0.1, 0.2])
    assert apart.same == (True, False)


@pytest.mark.usefixtures("one_thread")
def test_the_small_judge_is_compared_with_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """benchmarks/small_judge.py on a miniature: the same rewards in float32, a process a side, and a row for each."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tests.test_reading import make

    model, _ = make(tmp_path, "qwen2", WeightType.F16)
    torch_judge = Torch(model, tmp_path / "torch")
    documents = [Document(problem, tuple(map(Step, steps))) for problem, steps in checkpoints.TEXTS]
    with Checker(model.card_path, options=EngineOptions(n_threads=1)) as judge:
        small_judge.measure_parity(judge, torch_judge, [("people", each) for each in documents], 1)
    table = capsys.readouterr().out
    people, together = (line.split() for line in table.splitlines()[3:5])
    assert people[1:] == together[1:]
    assert together[1:3] == ["4", "13"]
    assert float(together[5]) <= EXACT
    assert together[-2:] == ["100.0", "%"]
    del torch_judge.sides["LoRA merged"]  # one process that loads torch is enough
    small_judge.beside_transformers(torch_judge, documents, 1, rounds=1)
    *_, ours, theirs = capsys.readouterr().out.splitlines()
    assert ours.split()[0] == OURS
    assert theirs.startswith("LoRA beside")
    assert "1.00 x" in ours
    assert 0 < float(theirs.split()[-1]) < 0.05  # bfloat16


def test_sides_that_read_other_tokens_are_not_compared() -> None:
    """A side that left a token out would look faster: the table is refused."""
    answers = [Answer(Read([0.5], tokens, tokens), 1.0, 1.0, 1, 1) for tokens in (7, 8)]
    with pytest.raises(SystemExit, match="read other tokens"):
        small_judge.report_sides({OURS: [[answers[0]]], "other": [[answers[1]]]})


def test_a_side_that_cannot_read_is_told(tmp_path: Path) -> None:
    """A process that ends, for its model is not there, is a sentence, not a wait for its answer."""
    request = Request("1 + 1?", ["2"], [1], [0])
    with (
        Side("engine", str(tmp_path / "none.toml"), threads=1) as side,
        pytest.raises(SystemExit, match="ended with 1"),
    ):
        side.ask(request)
