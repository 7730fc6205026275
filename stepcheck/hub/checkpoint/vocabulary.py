"""Tokenizers that are not in a tokenizer.json: a vocabulary file and, beside it, the tokens that were added.

Owns bringing them into tokenizer.json's form, so that one set of checks holds for all: `vocab.json` with `merges.txt`
(byte-level BPE; which rule cuts a text before it is told by the tokenizer's class) and what `added_tokens.json` and
`tokenizer_config.json` add to a vocabulary. Refuses a class whose rule is not known.
"""

from pathlib import Path
from typing import Any, Final

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.files import read_json, read_json_if_there

QWEN2_RULE: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 cuts a text before BPE (its published tokenizer.json); llama.cpp names it `qwen2`."""
CLASSES: Final = {"Qwen2Tokenizer": "qwen2", "Qwen2TokenizerFast": "qwen2", "GPT2Tokenizer": "gpt-2"}
"""Classes of byte-level tokenizers → the rule that they cut by."""


def tokenizer_files(names: set[str]) -> tuple[str, ...]:
    """Return the files, of those in a folder, that its tokenizer is read from; empty where there is none."""
    for found in (("tokenizer.json",), ("tokenizer.model",), ("vocab.json", "merges.txt")):
        if names.issuperset(found):
            more = () if found == ("tokenizer.json",) else ("added_tokens.json", "special_tokens_map.json")
            return (*found, *(name for name in (*more, "tokenizer_config.json") if name in names))
    return ()


def read_parts(folder: Path) -> dict[str, Any]:
    """Return what tokenizer.json would hold, from `vocab.json`, `merges.txt` and the added tokens.

    Raises:
        CheckpointError: a file is missing or malformed, or the tokenizer is of a class that is not known.
    """
    rule = _rule(folder)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": rule == "gpt-2"}
    split = {"type": "Split", "pattern": {"Regex": QWEN2_RULE}, "behavior": "Isolated", "invert": False}
    return {
        "added_tokens": added_tokens(folder),
        "normalizer": {"type": "NFC"} if rule == "qwen2" else None,
        "pre_tokenizer": (
            byte_level if rule == "gpt-2" else {"type": "Sequence", "pretokenizers": [split, byte_level]}
        ),
        "model": {"type": "BPE", "vocab": read_json(folder / "vocab.json"), "merges": _merges(folder / "merges.txt")},
    }


def added_tokens(folder: Path) -> list[dict[str, Any]]:
    """Return the tokens beyond a vocabulary file as tokenizer.json lists them, by id.

    tokenizer_config.json's `added_tokens_decoder` says all of them; before there was one, added_tokens.json had text
    and id, and which of them are special was said by name.

    Raises:
        CheckpointError: one of the files is malformed.
    """
    path = folder / "tokenizer_config.json"
    config = read_json_if_there(path)
    listed = config.get("added_tokens_decoder")
    if isinstance(listed, dict) and listed:
        return [_entry(path, number, entry) for number, entry in sorted(listed.items(), key=lambda pair: _id(pair[0]))]
    path = folder / "added_tokens.json"
    texts = read_json_if_there(path)
    special = _special(folder, config)
    found = [{"id": number, "content": text, "special": text in special} for text, number in texts.items()]
    return sorted(found, key=lambda entry: _id(entry["id"]))


def _entry(path: Path, number: str, entry: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    if not isinstance(entry, dict) or _id(number) < 0:
        raise CheckpointError(f"{path}: key 'added_tokens_decoder': expected objects by id, found {number!r:.40}")
    return entry | {"id": _id(number)}


def _id(number: Any) -> int:  # noqa: ANN401 (JSON)
    return int(number) if str(number).isdecimal() else -1


def _special(folder: Path, config: dict[str, Any]) -> set[str]:
    """Return the texts that are called special: as the beginning, the end and so on, or among the others."""
    found: set[str] = set()
    for named in (config, read_json_if_there(folder / "special_tokens_map.json")):
        for key, value in named.items():
            if key.endswith(("_token", "special_tokens")):
                for each in value if isinstance(value, list) else [value]:
                    text = each.get("content") if isinstance(each, dict) else each
                    found |= {text} if isinstance(text, str) else set()
    return found


def _rule(folder: Path) -> str:
    """Tell by which rule a text is cut: the tokenizer's class says it, else the kind of model."""
    path = folder / "tokenizer_config.json"
    name = read_json_if_there(path).get("tokenizer_class")
    if name is None and str(read_json(folder / "config.json").get("model_type", "")).startswith("qwen"):
        return "qwen2"
    if name not in CLASSES:
        raise CheckpointError(
            f"{path}: key 'tokenizer_class': {name!r:.80} does not say how it cuts a text; known are"
            f" {', '.join(CLASSES)}"
        )
    return CLASSES[name]


def _merges(path: Path) -> list[str]:
    """Read one merge a line; the first line may say the format's version."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path}: is not UTF-8") from error
    if lines and lines[0].startswith("#version:"):
        del lines[0]
    return [line.rstrip("\r") for line in lines if line.strip()]
