"""Our rewards against an independent reference: `tokenizers` for the ids, transformers + torch in float32 for the rest.

`python -m tests.test_parity` writes the golden rewards anew, with the reference.
"""

import dataclasses
import json
import random
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.engine.base import EngineOptions
from stepcheck.hub.convert import convert
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.judge import Judged
from tests import checkpoints
from tests.checkpoints import MARK, PROMPT, TEXTS, Spec

GOLDEN = Path(__file__).parent / "golden" / "parity.json"
SPECS = (
    Spec(seed=1),
    Spec(seed=2, hidden=96, heads=6, kv_heads=1, layers=2, eps=1e-6, rope_theta=1e6, tied=True, shards=3),
    Spec(
        seed=3,
        hidden=256,
        kv_heads=4,
        layers=4,
        feed_forward=512,
        eps=1e-4,
        dtype="F16",
        prefix="",
        architecture="Qwen2Model",
    ),
    Spec(seed=5, hidden=256, heads=2, kv_heads=1, layers=2, tied=True, dtype="F32", architecture="Qwen2ForCausalLM"),
)
EXACT, ROUNDED = 1e-3, 0.02
"""Largest difference in a reward for f32 and f16, and for q8_0."""
Text = tuple[str, tuple[str, ...]]


def reference(
    folder: Path, texts: Sequence[Text], *, activations: str = "float32", mark: str = MARK
) -> list[list[float]]:
    """Rewards by transformers and torch; with `activations` bfloat16, what enters a matrix is rounded to it first.

    So does ggml with a bf16 file: it multiplies bfloat16 by bfloat16 and adds in float32.
    """
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from transformers import Qwen2Config, Qwen2Model

    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    configuration = Qwen2Config(**{k: v for k, v in settings.items() if k not in {"architectures", "model_type"}})
    configuration._attn_implementation = "eager"
    body = Qwen2Model(configuration).float().eval()
    tensors = {k: v.float() for file in sorted(folder.glob("*.safetensors")) for k, v in load_file(file).items()}
    state = {k.removeprefix("model."): v for k, v in tensors.items() if not k.startswith(("score.", "lm_head."))}
    body.load_state_dict(state)
    if activations == "bfloat16":
        for module in body.modules():
            if isinstance(module, torch.nn.Linear):
                module.register_forward_pre_hook(lambda _module, inputs: (inputs[0].bfloat16().float(),))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rewards = []
    with torch.inference_mode():
        for ids, marks in (lay_out(tokenizer, text, mark) for text in texts):
            rows = body(torch.tensor([ids])).last_hidden_state[0][marks]
            inner = torch.relu(rows @ tensors["score.0.weight"].T + tensors["score.0.bias"])
            logits = inner @ tensors["score.2.weight"].T + tensors["score.2.bias"]
            rewards.append(logits.softmax(-1)[:, 1].tolist())
    return rewards


def say(line: str) -> None:
    """Show a measured figure under `pytest -s`."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def lay_out(tokenizer: Any, text: Text, mark: str = MARK) -> tuple[list[int], list[int]]:
    """Token ids of a whole prompt and the places of its marks."""
    problem, steps = text
    ids, marks = [], []
    (closing,) = tokenizer.encode(mark, add_special_tokens=False).ids
    for part in (PROMPT[0], problem, PROMPT[1]):
        ids += tokenizer.encode(part, add_special_tokens=False).ids
    for step in steps:
        ids += [*tokenizer.encode(step, add_special_tokens=False).ids, closing]
        marks.append(len(ids) - 1)
    return ids, marks


def score(card: Path, texts: Sequence[Text]) -> list[list[float]]:
    """Rewards by stepcheck, the real way."""
    documents = [Document(problem, tuple(map(Step, steps))) for problem, steps in texts]
    with Checker(card, options=EngineOptions(n_threads=1)) as checker:
        reviews = list(checker.check_many(documents))
    assert all(isinstance(review, Judged) for review in reviews), reviews
    return [list(review.rewards) for review in reviews if isinstance(review, Judged)]


def differences(ours: list[list[float]], theirs: list[list[float]]) -> float:
    """The largest difference; the counts must agree."""
    assert [len(row) for row in ours] == [len(row) for row in theirs]
    return max(abs(a - b) for left, right in zip(ours, theirs, strict=True) for a, b in zip(left, right, strict=True))


def check_parity(folder: Path, spec: Spec, texts: Sequence[Text], tokenizer: dict[str, Any] | None = None) -> str:
    """Compare all four types with the reference and return the measured figures as a line."""
    source = checkpoints.write(folder / "checkpoint", spec, tokenizer)
    exact = reference(source, texts)
    flat = np.concatenate(exact)
    assert flat.std() > 0.02, f"rewards hardly differ (standard deviation {flat.std():.3f}): nothing would be shown"
    figures = [f"rewards {flat.min():.2f}…{flat.max():.2f}, standard deviation {flat.std():.3f}"]
    for weight_type, bound in (
        ("f32", EXACT),
        ("f16", EXACT),
        ("bf16", rounding(source, texts, exact)),
        ("q8_0", ROUNDED),
    ):
        card = convert(source, folder / weight_type, weight_type=WeightType(weight_type))
        largest = differences(score(card, texts), exact)
        figures.append(f"{weight_type} {largest:.6f}")
        assert largest <= bound, f"{spec}: {figures}, {bound=}"
    return ", ".join(figures)


def rounding(source: Path, texts: Sequence[Text], exact: list[list[float]]) -> float:
    """Twice what bfloat16 activations move the reference's rewards by; no engine that has them can be much nearer."""
    return 2 * differences(reference(source, texts, activations="bfloat16"), exact)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"seed{spec.seed}")
def test_rewards_equal_the_reference(spec: Spec, tmp_path: Path) -> None:
    """Random checkpoints of several shapes: f32 and f16 within 1e-3, q8_0 within 0.02, on English, LaTeX, Chinese.

    A bf16 file holds the same weights exactly, but ggml rounds what it multiplies them with to bfloat16 as well, which
    moves rewards by what it moves the reference's.
    """
    pytest.importorskip("torch")
    say(check_parity(tmp_path, spec, TEXTS))


def test_bf16_rewards_are_within_a_thousandth(tmp_path: Path) -> None:
    """Where rewards spread less (standard deviation 0.02), and their rounding with them, bf16 too stays within 1e-3."""
    pytest.importorskip("torch")
    for spec in SPECS[:2]:
        source = checkpoints.write(tmp_path / f"{spec.seed}", dataclasses.replace(spec, gain=0.25))
        exact = reference(source, TEXTS)
        largest = differences(score(convert(source, tmp_path, weight_type=WeightType.BF16), TEXTS), exact)
        say(f"standard deviation {np.concatenate(exact).std():.3f}, largest difference {largest:.6f}")
        assert np.concatenate(exact).std() > 0.015
        assert largest <= EXACT


def test_a_gpt2_tokenizer_gives_the_same_rewards(tmp_path: Path) -> None:
    """A checkpoint whose tokenizer cuts like GPT-2 goes the same way as one that cuts like Qwen2."""
    pytest.importorskip("torch")
    say(check_parity(tmp_path, Spec(seed=8), TEXTS, checkpoints.small_tokenizer("gpt-2", pairs=True)))


def test_golden_rewards_without_torch(tmp_path: Path) -> None:
    """A checkpoint made from a seed scores as the reference scored it when the golden file was written."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    source = checkpoints.write(tmp_path / "checkpoint", Spec(**golden["spec"]))
    for weight_type, bound in (("f32", EXACT), ("f16", EXACT), ("q8_0", ROUNDED)):
        card = convert(source, tmp_path / weight_type, weight_type=WeightType(weight_type))
        assert differences(score(card, TEXTS), golden["rewards"]) <= bound


@pytest.mark.soak
def test_rewards_equal_the_reference_at_large(tmp_path: Path, shared: Path) -> None:
    """Thirty random shapes and seeds, the real Qwen2 vocabulary among them, on real problems and solutions."""
    pytest.importorskip("torch")
    texts = [*TEXTS, *real_texts(shared, 6)]
    rng = random.Random(7)
    for seed in range(30):
        heads = rng.choice((2, 4, 8))
        spec = Spec(
            seed=100 + seed,
            hidden=heads * rng.choice((16, 32, 64)),
            heads=heads,
            kv_heads=rng.choice([k for k in (1, 2, 4, 8) if heads % k == 0]),
            layers=rng.randint(1, 5),
            context=4096,
            feed_forward=rng.choice((96, 160, 512)),
            eps=rng.choice((1e-5, 1e-6, 1e-4)),
            rope_theta=rng.choice((1e4, 1e6, 5e5)),
            tied=rng.random() < 0.5,
            shards=rng.randint(1, 4),
            dtype=rng.choice(("F32", "F16", "BF16")),
        )
        tokenizer = checkpoints.real_tokenizer(shared / "qwen2-vocab.gguf") if seed % 10 == 0 else None
        say(f"{spec.seed}: {check_parity(tmp_path / str(seed), spec, texts, tokenizer)}")


def real_texts(shared: Path, count: int) -> Iterator[Text]:
    """The first problems of ProcessBench's subsets with their solutions."""
    for subset in ("gsm8k", "math"):
        for case in json.loads((shared / "processbench" / f"{subset}.json").read_text(encoding="utf-8"))[: count // 2]:
            yield case["problem"], tuple(case["steps"])


HOSTILE = (
    "e\u0301tude de l'\u00e9quation",  # decomposed and composed é
    "\u212b \u2126 \u1e9b\u0323 \ufb01",  # singletons of NFC, a ligature
    "x ≠ y, x =\u0338 y; a² + b² = c²; ∑_{i=1}^{n} i = n(n+1)/2",
    "我们有 $x=3$,所以\\(x^2=9\\)。答案是 ９，不是 ８。",
    "设 f(x)=\\frac{1}{x}，求导得 f'(x)=-\\frac{1}{x^2}。\r\n因此……",
    "I'LL, We'Re, THEY'VE, it's, ’s 'S\t\ttabs\n\n\n  end   ",
    "1234567890 1,234.5 ½ Ⅷ ٣ 三 x₁₂",
    "emoji 👩‍👩‍👧 🇫🇷 ✓ ✗ \u200b\u00a0nbsp\u3000ideographic",
    "\\begin{align*}\n  x &= 1 \\\\\n  y &= 2\n\\end{align*}",
    "﷽ हिन्दी ไทย русский 한국어 עברית",
    " leading", "trailing ", "\n", " ", "",
)  # fmt: skip
"""Texts of our own that tokenizers like to disagree about."""


def own_texts() -> list[str]:
    """Everything of ours that is tokenized."""
    return [*HOSTILE, *(part for problem, steps in TEXTS for part in (problem, *steps))]


def mismatches(card: Path, source: Path, texts: Sequence[str]) -> list[str]:
    """Texts whose ids by llama.cpp, with our GGUF, are not those by `tokenizers` with the checkpoint's file."""
    import llama_cpp
    from tokenizers import Tokenizer

    quiet = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
    llama_cpp.llama_log_set(quiet, None)
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(card.with_suffix(".gguf")).encode(), parameters)
    assert model
    vocab = llama_cpp.llama_model_get_vocab(model)
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    nfc = 'normalization = "nfc"' in card.read_text(encoding="utf-8")
    wrong = []
    expected = (encoding.ids for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False))
    for text, theirs in zip(texts, expected, strict=True):
        data = (unicodedata.normalize("NFC", text) if nfc else text).encode()
        ids = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(vocab, data, len(data), ids, len(ids), False, False)
        if ids[:count] != theirs:
            wrong.append(text)
    llama_cpp.llama_model_free(model)
    return wrong


@pytest.mark.parametrize("pre", ["qwen2", "gpt-2"])
def test_token_ids_equal_the_tokenizers_library(pre: str, tmp_path: Path) -> None:
    """Texts of our own, with both pre-tokenizers, give the ids that the checkpoint's own tokenizer gives."""
    pytest.importorskip("tokenizers")
    source = checkpoints.write(tmp_path / "checkpoint", Spec(layers=1), checkpoints.small_tokenizer(pre))
    card = convert(source, tmp_path, weight_type=WeightType.Q8_0)
    assert mismatches(card, source, own_texts()) == []


@pytest.mark.parametrize("every", [13, pytest.param(1, marks=pytest.mark.soak)])
def test_token_ids_of_all_real_texts(tmp_path: Path, shared: Path, every: int) -> None:
    """Qwen2's own vocabulary on every text (or every thirteenth) of the data folder, and on ours: identical ids."""
    pytest.importorskip("tokenizers")
    tokenizer = checkpoints.real_tokenizer(shared / "qwen2-vocab.gguf")
    source = checkpoints.write(tmp_path / "checkpoint", Spec(layers=1, hidden=32, heads=2, kv_heads=1), tokenizer)
    card = convert(source, tmp_path, weight_type=WeightType.Q8_0)
    texts = list(dict.fromkeys([*own_texts(), *list(all_texts(shared))[::every]]))
    assert len(texts) > 5000 / every
    wrong = mismatches(card, source, texts)
    say(f"{len(texts)} texts, {sum(map(len, texts)):,} characters, {len(wrong)} with other ids")
    assert wrong == []


def all_texts(shared: Path) -> Iterator[str]:
    """Every problem, step, solution and response in the data folder."""
    for path in sorted((shared / "processbench").glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8")):
            yield from (case["problem"], *case["steps"])
    for path in (shared / "bon" / "math_cot_100.jsonl", shared / "gsm8k" / "train.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield from strings(json.loads(line))


def strings(value: Any) -> Iterator[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def write_golden(folder: Path) -> None:
    """Write the golden file with the reference."""
    spec = Spec(seed=11, layers=2)
    rewards = reference(checkpoints.write(folder, spec), TEXTS)
    data = {"spec": dataclasses.asdict(spec), "rewards": [[round(reward, 6) for reward in row] for row in rewards]}
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    say(str(GOLDEN))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        write_golden(Path(temporary))
