"""Small random models with a chat template in their file, and the same tokenizer in transformers to be held against."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests import checkpoints, families, vocabularies

QWEN = r"""{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
{%- else %}
    {{- '<|im_start|>system\nYou are a small critic. You are helpful.<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == "user" and not message.tool_calls %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""
"""As Qwen2.5's: a default system turn, no BOS."""
LLAMA3 = r"""{{- bos_token }}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- set said = "" %}
{%- if messages[0]['role'] == 'system' %}
    {%- set said = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\nToday Date: " + date_string + "\n\n" + said + "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}
    {{- message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""
"""As Llama 3.1's: BOS, a system turn with a date, white space around a turn cut off."""
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}"
    "{% endfor %}"
)
"""As Mistral's first ones: BOS, no system turn, no marks of its own."""
MISTRAL_MARKED = MISTRAL.replace("' [/INST]'", "'[/INST]'")
"""As Mistral's third: the same words, which are special tokens there."""
MARKS = ("[INST]", "[/INST]")


def qwen() -> dict[str, Any]:
    """Qwen2's kind of tokenizer."""
    return {"tokenizer": checkpoints.small_tokenizer(), "pre": "qwen2", "template": QWEN}


def llama3() -> dict[str, Any]:
    """Llama 3's kind."""
    ends = {"bos": "<|begin_of_text|>", "eos": "<|eot_id|>"}
    return {"tokenizer": families.llama3_tokenizer(), "pre": "llama-bpe", "template": LLAMA3, **ends}


def mistral() -> dict[str, Any]:
    """SentencePiece's kind, as Llama 2 and Mistral have it: a space before a text and behind a special token."""
    return {"tokenizer": families.sentencepiece_tokenizer(), "template": MISTRAL, "bos": "<s>", "eos": "</s>"}


def mistral_marked() -> dict[str, Any]:
    """The same with marks of its own, and a space before the very first word alone."""
    tokenizer = families.sentencepiece_tokenizer()
    first = len(tokenizer["model"]["vocab"])
    for number, mark in enumerate(MARKS):
        tokenizer["model"]["vocab"][mark] = first + number
        tokenizer["added_tokens"].append(checkpoints.special(first + number, mark))
    tokenizer["normalizer"] = None
    tokenizer["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    return mistral() | {"tokenizer": tokenizer, "template": MISTRAL_MARKED}


KINDS = {"Qwen2.5": qwen, "Llama-3": llama3, "Mistral": mistral, "Mistral, marked": mistral_marked}


def write(
    path: Path,
    *,
    tokenizer: dict[str, Any],
    template: str | None,
    pre: str = "",
    bos: str = "",
    eos: str = "<|im_end|>",
    user_defined: tuple[str, ...] = (),
    context: int = 1024,
) -> Path:
    """Write a random language model of one layer with this tokenizer and template as a GGUF."""
    pieces = _pieces(tokenizer, set(user_defined))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_rope_dimension_count(16)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2" if pre else "llama")
    writer.add_tokenizer_pre(pre or "default")
    writer.add_token_list([text for text, _, _ in pieces])
    writer.add_token_types([kind for _, _, kind in pieces])
    if pre:
        writer.add_token_merges(tokenizer["model"]["merges"])
    else:
        writer.add_token_scores([score for _, score, _ in pieces])
    numbers = {text: number for number, (text, _, _) in enumerate(pieces)}
    writer.add_bos_token_id(numbers[bos or eos])
    writer.add_eos_token_id(numbers[eos])
    if template is not None:
        writer.add_chat_template(template)
    for name, shape in _shapes(len(pieces)).items():
        draw = np.random.default_rng(len(name)).standard_normal(shape).astype(np.float32)
        writer.add_tensor(name, np.ones(shape, np.float32) if name.endswith("norm.weight") else draw / 8)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _pieces(tokenizer: dict[str, Any], user_defined: set[str]) -> list[vocabularies.Piece]:
    """Text, score and kind of every token, by number."""
    if tokenizer["model"]["byte_fallback"]:
        return vocabularies.pieces_of(tokenizer)
    marks = {entry["content"]: entry["id"] for entry in tokenizer["added_tokens"]}
    vocab = tokenizer["model"]["vocab"] | marks
    kinds = {mark: vocabularies.USER_DEFINED if mark in user_defined else vocabularies.CONTROL for mark in marks}
    ordered = sorted(vocab, key=lambda text: int(vocab[text]))
    return [(text, 0.0, kinds.get(text, vocabularies.NORMAL)) for text in ordered]


def _shapes(vocab: int) -> dict[str, tuple[int, ...]]:
    layer = {
        "attn_norm.weight": (32,),
        "attn_q.weight": (32, 32),
        "attn_k.weight": (16, 32),
        "attn_v.weight": (16, 32),
        "attn_output.weight": (32, 32),
        "ffn_norm.weight": (32,),
        "ffn_gate.weight": (64, 32),
        "ffn_up.weight": (64, 32),
        "ffn_down.weight": (32, 64),
    }
    whole = {"token_embd.weight": (vocab, 32), "output_norm.weight": (32,), "output.weight": (vocab, 32)}
    return whole | {f"blk.0.{name}": shape for name, shape in layer.items()}


def in_transformers(*, tokenizer: dict[str, Any], template: str, bos: str = "", eos: str = "", **_: Any) -> Any:
    """The same tokenizer and template in transformers."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    named = {"bos_token": bos, "eos_token": eos}
    found = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(tokenizer)),
        **{name: text for name, text in named.items() if text},
    )
    found.chat_template = template
    return found


def published_tokens(tokenizer: Any, text: str) -> list[int]:
    """Tokens of a lone question, as code/run_eval.py of QwenLM/ProcessBench makes them."""
    messages = [{"role": "user", "content": text}]
    laid_out = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return list(tokenizer(laid_out, add_special_tokens=False).input_ids)
