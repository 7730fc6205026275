"""stepcheck-0.5B: what is shipped belongs to the one official file, and gives the rewards that PyTorch gives with it.

The official file is 491 MB and is not here: with STEPCHECK_REAL_MODELS=FOLDER the tests that need it look for it there.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepcheck.checker import Checker
from stepcheck.document import Document, Step
from stepcheck.hub.disk.store import builtin_dir, find_card, shipped
from stepcheck.hub.gguf.header import read_layout
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.library import import_model
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.pull.offer import make_offer
from stepcheck.hub.pull.pull import already_here, pull
from stepcheck.prm.card import ModelCard
from stepcheck.prm.readout import read_mlp
from tests.hubserver import Repository, serving
from tests.test_parity import say

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
def official(card: ModelCard) -> Path:
    """The official file, where somebody has it."""
    folder = os.environ.get("STEPCHECK_REAL_MODELS")
    assert card.origin
    assert card.origin.backbone
    if not folder or not (Path(folder) / card.origin.backbone.file).is_file():
        pytest.skip("STEPCHECK_REAL_MODELS names no folder with the official file")
    return Path(folder) / card.origin.backbone.file


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
    files = shipped(card)
    path = import_model(official, files["head"], card, tmp_path, adapter=files["adapter"], name="real")
    theirs = by_torch(official, files["adapter"], files["head"], card, TEXTS)
    with Checker(path) as checker:
        judged = [checker.check(Document(problem, tuple(map(Step, steps)))) for problem, steps in TEXTS]
    ours = [list(each.rewards) for each in judged]
    apart = np.concatenate([np.abs(np.subtract(left, right)) for left, right in zip(ours, theirs, strict=True)])
    say(f"{len(apart)} steps: mean {apart.mean():.4f}, largest {apart.max():.4f}")
    assert apart.mean() <= 0.01
    firsts = [
        [next((i for i, r in enumerate(row) if r < card.threshold), -1) for row in rows] for rows in (ours, theirs)
    ]
    assert firsts[0] == firsts[1]


def by_torch(official: Path, adapter: Path, head: Path, card: ModelCard, texts: Any) -> list[list[float]]:
    """Rewards by transformers and torch in float32: the file's blocks dequantized, the LoRA added to its matrices."""
    import torch
    from safetensors.torch import load_file

    body, read = dequantized(official, adapter, card), {k: v.float() for k, v in load_file(head).items()}
    tokenize, rewards = tokenizer_of(official), []
    with torch.inference_mode():
        for problem, steps in texts:
            ids = [*tokenize(card.template.before_problem, True), *tokenize(problem, False)]
            ids, marks = ids + tokenize(card.template.after_problem, True), []
            for step in steps:
                ids += [*tokenize(step, False), MARK]
                marks.append(len(ids) - 1)
            rows = body(torch.tensor([ids])).last_hidden_state[0][marks]
            inner = torch.relu(rows @ read["score.0.weight"].T + read["score.0.bias"])
            rewards.append((inner @ read["score.2.weight"].T + read["score.2.bias"]).softmax(-1)[:, 1].tolist())
    return rewards


def dequantized(official: Path, adapter: Path, card: ModelCard) -> Any:
    """The official file as a torch model, with the adapter merged into it."""
    import gguf
    import torch
    from transformers import Qwen2Config, Qwen2Model

    shape = card.shape
    assert shape
    config = Qwen2Config(
        vocab_size=shape.vocab,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        rms_norm_eps=shape.eps,
        rope_theta=shape.rope_theta,
        use_sliding_window=False,
    )
    weights = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(official).tensors}
    reader = gguf.GGUFReader(adapter)
    lora = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in reader.tensors}
    alpha = float(reader.fields["adapter.lora.alpha"].contents())
    for name in {each.rpartition(".")[0] for each in lora}:
        up, down = lora[f"{name}.lora_b"], lora[f"{name}.lora_a"]
        weights[name] = weights[name] + alpha / len(down) * (up @ down)
    names = {
        "token_embd": "embed_tokens",
        "output_norm": "norm",
        "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    state = {}
    for name, value in weights.items():
        *block, part, kind = name.split(".")
        if part in names:
            state[".".join(["layers" if each == "blk" else each for each in block] + [names[part], kind])] = (
                torch.from_numpy(value.copy())
            )
    with torch.device("meta"):
        body = Qwen2Model(config)
    body = body.to_empty(device="cpu").float().eval()
    body.load_state_dict(state)
    body.rotary_emb = type(body.rotary_emb)(config)  # its frequencies are no weights
    return body


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
