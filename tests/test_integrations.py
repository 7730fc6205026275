"""Clients of training frameworks: their own forms in and out, and TRL's own trainer."""

import asyncio
import copy
import json
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stepcheck.document import Document, Unread
from stepcheck.errors import InputError, RunError, StepcheckError, TooLongError, UsageError
from stepcheck.integrations import openrlhf, verl
from stepcheck.integrations.rewards import Rewards
from stepcheck.integrations.trl import METRIC, StepReward
from stepcheck.judge import Gives, Identity, Judged, Unscored, by_rewards
from stepcheck.report import precomputed
from tests.serving import serving

ME = Identity(name="fake", sha256="0" * 64, threshold=0.5)


class Fake:
    """Gives each step the number that it is, and notes how it is asked; `long` is too long for it."""

    identity = ME
    gives: frozenset[Gives] = frozenset({"rewards", "verdict"})

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.busy = threading.Lock()
        self.hold = threading.Event()
        self.hold.set()

    def judge(self, items: Iterable[Document | Unread], /) -> Generator[Judged | Unscored, None, None]:
        assert self.busy.acquire(blocking=False), "asked from two threads at once"
        seen: list[str] = []
        self.calls.append(seen)
        self.hold.wait(10)
        for item in items:
            if isinstance(item, Unread):
                yield Unscored.of(item, item.error)
            elif item.steps[0].text == "long":
                yield Unscored.of(item, TooLongError("longer than the context"))
            else:
                seen.append(item.problem)
                yield by_rewards(item, [float(step.text) for step in item.steps], ME)
        self.busy.release()

    def close(self) -> None:
        self.calls.append(["closed"])


def talk(text: str, role: str = "assistant") -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


@pytest.mark.parametrize(("reduce", "value"), [("min", 0.25), ("product", 0.1), ("last", 0.8), ("mean", 0.5166666)])
def test_trl_is_given_a_number_a_completion(reduce: Any, value: float) -> None:
    """Rewards 0.5, 0.25, 0.8: their least, product, last and mean; texts and conversations alike."""
    reward = StepReward(Fake, reduce=reduce)
    steps = "0.5\n\n0.25\n\n0.8"
    found = reward(
        prompts=["P", talk("P", "user")], completions=[steps, talk(steps)], completion_ids=[[1], [2]], answer=["1", "2"]
    )
    assert found == pytest.approx([value, value])
    assert reward.__name__ == f"stepcheck_{reduce}"


def test_what_cannot_be_judged_is_none_for_trl() -> None:
    """An empty completion and one that is too long have no number; the trainer's log has their share."""
    logged: dict[str, float] = {}
    reward = StepReward(Fake, problem="question")
    found = reward(
        prompts=["…"] * 4,
        completions=["0.5", "", "long", talk("")],
        question=["Q"] * 4,
        log_metric=logged.__setitem__,
    )
    assert found == [0.5, None, None, None]
    assert logged == {METRIC: 0.75}
    with pytest.raises(UsageError, match="no column 'problem'; there are answer"):
        StepReward(Fake, problem="problem")(prompts=["a"], completions=["b"], answer=["1"])
    with pytest.raises(UsageError, match="no way to reduce is called 'max'"):
        StepReward(Fake, reduce="max")  # type: ignore[arg-type]


def test_a_reward_function_goes_to_another_process() -> None:
    """What is copied holds no judge and no lock of this one, and judges."""
    reward = Rewards(Fake, "last")
    assert reward.score(["P"], ["0.5\n\n0.9"])[0].value == 0.9
    twin = copy.deepcopy(reward)
    assert twin.score(["P"], ["0.4"])[0].value == 0.4
    assert twin.reduce == "last"


def test_calls_from_threads_are_judged_together() -> None:
    """While one call is judged the others wait and are judged as one; each hears of its own completions."""
    fake = Fake()
    reward = Rewards(lambda: fake)
    fake.hold.clear()
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(reward.score, ["P"], ["0.9"])
        while not fake.calls:
            pass
        rest = [pool.submit(reward.score, [f"P{n % 2}"], [f"0.{n}"]) for n in range(1, 9)]
        while len(reward._waiting) < 8:
            pass
        fake.hold.set()
        assert first.result()[0].value == 0.9
        assert [one.result()[0].value for one in rest] == [float(f"0.{n}") for n in range(1, 9)]
    assert [len(call) for call in fake.calls] == [1, 8]
    assert sorted(fake.calls[1]) in (fake.calls[1], fake.calls[1][::-1])  # a problem's solutions side by side


def test_an_error_reaches_every_call() -> None:
    """No such model: an error for whoever asks, and the next call tries again."""
    reward = Rewards("no-such-model")
    for _ in range(2):
        with pytest.raises(Exception, match="no-such-model"):
            reward.score(["P"], ["0.5"])


def test_verl_is_given_a_dict_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call of verl by name, single and in the plural: 0 for what cannot be judged, and `judged` says so."""
    verl._rewards.cache_clear()
    monkeypatch.setattr("stepcheck.integrations.rewards.open_judge", lambda *_, **__: Fake())
    found = verl.compute_score(
        data_source="openai/gsm8k",
        solution_str="0.5\n\n0.25",
        ground_truth="72",
        extra_info={"question": "Q", "num_turns": None},
        reduce="product",
    )
    assert found == {"score": 0.125, "judged": 1.0}
    many = verl.compute_scores(
        data_sources=["a", "a"],
        solution_strs=["", "0.5"],
        ground_truths=[None, "1"],
        extra_infos=[{"question": "Q"}] * 2,
    )
    assert many == [{"score": 0.0, "judged": 0.0}, {"score": 0.5, "judged": 1.0}]
    with pytest.raises(UsageError, match="a: extra_info has no 'problem'"):
        verl.compute_score("a", "0.5", None, {"question": "Q"}, problem_key="problem")
    verl._rewards.cache_clear()


CHATML = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat?<|im_end|>\n<|im_start|>assistant\n"


def test_openrlhf_is_given_lists() -> None:
    """A query is prompt and response in one text, with the template's marks; the problem is the user's turn."""
    fake = Fake()
    reward = openrlhf.StepReward(lambda: fake, unjudged=-1.0)
    found = reward([f"{CHATML}0.5\n\n0.25<|im_end|>\n", f"{CHATML}<|im_end|>"], [CHATML, CHATML], ["72", "3"])
    assert found == {"rewards": [0.25, -1.0], "scores": [0.25, -1.0], "extra_logs": {"judged": [1.0, 0.0]}}
    assert fake.calls == [["What?"]]
    with pytest.raises(InputError, match="does not begin with its prompt"):
        reward(["other"], ["P"])
    with pytest.raises(InputError, match=r"has <\|strange\|>"):
        openrlhf.problem_of("<|strange|>x")
    assert openrlhf.problem_of("What is 1 < 2?") == "What is 1 < 2?"
    assert openrlhf.problem_of("<s>[INST] Q? [/INST]") == "Q?"


def post(app: Any, body: bytes) -> tuple[int, dict[str, Any]]:
    """Ask an application as a server does."""
    sent: list[dict[str, Any]] = []

    async def ask() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/get_reward", "headers": [], "query_string": b""}
        await app(scope, receive, send)

    asyncio.run(ask())
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


def test_openrlhf_over_http() -> None:
    """The form of its remote reward model; what is no such request is refused with the reason."""
    app = openrlhf.app(openrlhf.StepReward(Fake))
    asked = {"query": ["Q? 0.5", "Q? "], "prompts": ["Q? ", "Q? "], "labels": ["1", "2"]}
    status, found = post(app, json.dumps(asked).encode())
    assert status == 200
    assert found == {"rewards": [0.5, 0.0], "scores": [0.5, 0.0], "extra_logs": {"judged": [1.0, 0.0]}}
    for body, words in ((b"{", "expected a JSON object"), (b"[]", "expected a JSON object"), (b"{}", "`query`")):
        status, found = post(app, body)
        assert (status, words in found["error"]) == (400, True)
    status, found = post(app, json.dumps({"query": ["a"], "prompts": ["b"]}).encode())
    assert (status, "does not begin" in found["error"]) == (400, True)


def test_none_imports_its_framework() -> None:
    """Importing the clients loads no torch, no trainer and no server."""
    code = (
        "import sys, stepcheck.integrations.trl, stepcheck.integrations.verl, stepcheck.integrations.openrlhf,"
        " stepcheck.integrations.inspect; print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not set(done.stdout.split()) & {"torch", "trl", "verl", "openrlhf", "inspect_ai", "starlette", "ray"}


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keep what a trainer of theirs prints and warns to itself."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.usefixtures("quiet")
def test_trl_trains_with_it(tmp_path: Path) -> None:
    """TRL's own GRPOTrainer takes two steps on a random tiny model, with the built-in judge behind the reward."""
    torch = pytest.importorskip("torch")
    trl = pytest.importorskip("trl")
    from datasets import Dataset
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    words = ["<pad>", "<eos>", "<unk>", "What", "is", "+", "=", "1", "2", "3", "4", "?"]
    own = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=own, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = Qwen2ForCausalLM(
        Qwen2Config(vocab_size=len(words), num_key_value_heads=1, eos_token_id=1, pad_token_id=0, **shape)
    )
    options = trl.GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=2,
        per_device_train_batch_size=2,
        num_generations=2,
        max_completion_length=8,
        report_to="none",
        logging_steps=1,
        save_strategy="no",
        use_cpu=True,
        bf16=False,
    )
    reward = StepReward("nano")
    data = Dataset.from_list([{"prompt": f"What is 1 + {n} ?"} for n in (1, 2)])
    trainer = trl.GRPOTrainer(model, reward_funcs=reward, args=options, train_dataset=data, processing_class=tokenizer)
    try:
        assert trainer.train().global_step == 2
    finally:
        reward.close()
    logged = [entry for entry in trainer.state.log_history if "rewards/stepcheck_min/mean" in entry]
    assert len(logged) == 2
    assert all(0 <= entry["rewards/stepcheck_min/mean"] <= 1 for entry in logged)
    assert all(METRIC in entry for entry in logged)


def test_a_run_becomes_scores_for_inspect(
    tmp_path: Path, examples: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`runs export --format inspect`: a record a sample and epoch, as its `precomputed_scores` reads them."""
    from stepcheck.cli.main import main

    monkeypatch.setenv("STEPCHECK_RUNS", str(tmp_path / "runs"))
    rows = [json.loads(line) for line in (examples / "candidates.jsonl").read_text().splitlines()][:2]
    rows[1] = {"id": "one", "problem": "What is 1 + 1?", "response": "1 + 1 = 3"}
    rows.append({"id": "none", "problem": "What is 1 + 1?", "response": ""})
    data = tmp_path / "samples.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    assert main(["bench", "bon", str(data), "--run", "samples"]) in {0, 1}
    scores = tmp_path / "scores.jsonl"
    capsys.readouterr()
    assert main(["runs", "export", "samples", "--format", "inspect", "-o", str(scores)]) == 0
    assert "1 rows were not judged and are left out" in capsys.readouterr().err
    found = [json.loads(line) for line in scores.read_text().splitlines()]
    count = len(rows[0]["responses"])
    assert [(one["id"], one.get("epoch")) for one in found] == [
        *((rows[0]["id"], epoch) for epoch in range(1, count + 1)),
        ("one", 1),
    ]
    assert found[-1]["value"] == found[-1]["metadata"]["aggregates"]["min"] < 0.3
    assert found[-1]["explanation"].startswith("step 1 is the first error: reward 0.0")
    if find_spec("inspect_ai") is not None:
        from inspect_ai.scorer._precomputed import _read_scores_file

        assert len(_read_scores_file(str(scores))) == count + 1


@pytest.mark.parametrize(("ids", "words"), [(["one", "one"], "two rows have the id 'one'"), ([None], "has no id")])
def test_samples_are_found_by_their_id(ids: list[str | None], words: str) -> None:
    """A row without an id, or with that of another, is refused: no sample is found by it."""
    rows = [SimpleNamespace(id=each, candidate=None, line=3, error="failed") for each in ids]
    run: Any = SimpleNamespace(manifest=SimpleNamespace(name="r", threshold=0.5), rows=lambda **_: rows)
    with pytest.raises(RunError, match=words):
        list(precomputed.lines(run, 0.5))


def test_a_server_judges_for_a_training() -> None:
    """With `server=` our own server gives the rewards that its judge gives here, and none where it has none."""
    fake = Fake()
    with serving(fake) as client:
        reward = StepReward(reduce="product", server=f"http://127.0.0.1:{client.port}")
        assert reward(prompts=["P", "Q", "P"], completions=["0.5\n\n0.25", "", "0.75"]) == [0.125, None, 0.75]
        reward.close()
    with pytest.raises(StepcheckError, match="is a server running there"):
        reward(prompts=["P"], completions=["0.5"])
