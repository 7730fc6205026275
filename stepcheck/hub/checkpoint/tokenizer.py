"""A checkpoint's tokenizer → the tokenizer fields of a GGUF.

Owns which tokenizers llama.cpp can repeat exactly: byte-level BPE behind a pre-tokenizer whose rule llama.cpp knows,
and SentencePiece's BPE with byte fallback.
Refuses every other one by name, because a tokenizer that is nearly right scores nearly at random.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, Literal

from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.files import read_json, read_json_if_there
from stepcheck.hub.checkpoint.pieces import CONTROL, UNKNOWN, USER_DEFINED, read_pieces
from stepcheck.hub.checkpoint.sentencepiece import (
    BYTE,
    SPACE,
    check_bytes,
    check_rules,
    is_sentencepiece,
    piece_scores,
)
from stepcheck.hub.checkpoint.vocabulary import QWEN2_RULE, added_tokens, read_parts, tokenizer_files
from stepcheck.patterns import regex
from stepcheck.prm.card import Template

LLAMA3_RULE: Final = QWEN2_RULE.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
"""How Llama 3 does: up to three digits at a time; llama.cpp names it `llama-bpe`, and takes whole words first."""
SPECIAL_LOOK: Final = regex(r"<\|[^<|>\s]+\|>|</?s>")
"""ChatML-like markers and SentencePiece's; one of them in a template that the tokenizer does not know would be cut into
pieces unseen."""


class TokenType(IntEnum):
    """llama.cpp's token types, by its own numbers."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    """Never found in plain text, only where special tokens are asked for."""
    USER_DEFINED = 4
    """Found in any text before BPE."""
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer as a GGUF holds it; `tokens[i]` and `types[i]` belong to id i."""

    tokens: list[str]
    types: list[TokenType]
    merges: list[str]
    pre: str
    normalization: Literal["none", "nfc"]
    """What the caller must do to a text first: llama.cpp normalizes nothing here."""
    bos: int | None
    eos: int | None
    pad: int | None
    model: Literal["gpt2", "llama"] = "gpt2"
    """llama.cpp's name of the algorithm: byte-level BPE or SentencePiece's."""
    scores: tuple[float, ...] = ()
    """SentencePiece's, by id."""


def read_tokenizer(folder: Path, vocab: int, template: Template) -> Tokenizer:
    """Read a folder's tokenizer and pad it to `vocab` tokens, the rows of the embedding.

    It is read from tokenizer.json, else from tokenizer.model (SentencePiece), else from vocab.json with merges.txt.

    The mark and the template's markers become CONTROL tokens, so that plain text can never contain them.

    Raises:
        CheckpointError: no BPE that llama.cpp knows, ids that clash, or a mark that is not one token.
    """
    path, data = _read(folder)
    model = _model(path, data)
    added = _added(path, data)
    _check_numbering(path, model["vocab"], added)
    tokens, types = _vocabulary(path, model, added, vocab, template)
    pieces = is_sentencepiece(data)
    _check_template(path, {*added, *model["vocab"]}, added, template, spell=_with_spaces if pieces else _with_bytes)
    bos, eos, pad = _special_ids(folder, tokens)
    if "scores" in model:
        scores = tuple(model["scores"].get(text, 0.0) for text in tokens)
        return Tokenizer(tokens, types, [], "default", "none", bos, eos, pad, "llama", scores)
    merges = _merges(path, model)
    read = Tokenizer(tokens, types, [" ".join(pair) for pair in merges], "default", "none", bos, eos, pad)
    if pieces:
        check_rules(path, data)
        scores = tuple(piece_scores(path, model["vocab"], merges, tokens))
        return replace(read, merges=[], model="llama", scores=scores)
    pre = _pre_tokenizer(path, data.get("pre_tokenizer"))
    if bool(model.get("ignore_merges")) != (pre == "llama-bpe"):
        raise CheckpointError(
            f"{path}: key 'model.ignore_merges': {bool(model.get('ignore_merges'))} cannot be repeated in llama.cpp"
            f" behind the pre-tokenizer {pre!r}"
        )
    return replace(read, pre=pre, normalization=_normalization(path, data.get("normalizer")))


def _read(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Find what the folder's tokenizer is written in, and bring it into tokenizer.json's form."""
    files = tokenizer_files({path.name for path in folder.iterdir() if path.is_file()})
    path = folder / (files[0] if files else "tokenizer.json")
    if path.name == "tokenizer.model":
        return path, _of_pieces(path)
    return path, read_parts(folder) if path.name == "vocab.json" else read_json(path)


def _of_pieces(path: Path) -> dict[str, Any]:
    """Bring SentencePiece's own file into tokenizer.json's form; its pieces have scores and need no merges."""
    pieces = read_pieces(path)
    vocab = {piece.text: number for number, piece in enumerate(pieces)}
    if len(vocab) < len(pieces):
        raise CheckpointError(f"{path}: two of its pieces have the same text")
    check_bytes(path, vocab)
    special = [
        {"id": number, "content": piece.text, "special": piece.kind == CONTROL}
        for number, piece in enumerate(pieces)
        if piece.kind in (CONTROL, USER_DEFINED)
    ]
    unknown = next((piece.text for piece in pieces if piece.kind == UNKNOWN), None)
    more = added_tokens(path.parent)
    listed = {entry.get("content") for entry in more}
    return {
        "added_tokens": [*(entry for entry in special if entry["content"] not in listed), *more],
        "model": {
            "type": "BPE",
            "vocab": vocab,
            "scores": {piece.text: piece.score for piece in pieces},
            "byte_fallback": True,
            "unk_token": unknown,
        },
    }


def _with_spaces(text: str) -> str:
    return text.replace(" ", SPACE)


def _with_bytes(text: str) -> str:
    """Spell a text as byte-level BPE does, one character a byte."""
    letters = byte_letters()
    return "".join(letters[byte] for byte in text.encode())


def byte_letters() -> list[str]:
    """Return byte-level BPE's character of each byte: what is not printable is moved up from 256 on."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    moved = itertools.count(256)
    return [chr(byte if byte in shown else next(moved)) for byte in range(256)]


def _model(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    model = data.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        kind = model.get("type") if isinstance(model, dict) else model
        raise CheckpointError(
            f"{path}: key 'model': only byte-level BPE and SentencePiece's BPE are converted, found {kind!r}"
        )
    for key in ("continuing_subword_prefix", "end_of_word_suffix", "dropout"):
        if model.get(key):
            raise CheckpointError(f"{path}: key 'model.{key}': {model[key]!r} cannot be repeated in llama.cpp")
    vocab = model.get("vocab")
    if not isinstance(vocab, dict) or not vocab or not all(type(number) is int for number in vocab.values()):
        raise CheckpointError(f"{path}: key 'model.vocab': expected an object of token → id")
    return model


def _added(path: Path, data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the added tokens by their text; refuses the options that llama.cpp has no field for."""
    entries = data.get("added_tokens") or []
    added: dict[str, dict[str, Any]] = {}
    for entry in entries if isinstance(entries, list) else [entries]:
        well = isinstance(entry, dict) and type(entry.get("id")) is int and isinstance(entry.get("content"), str)
        if not well or not entry["content"]:
            raise CheckpointError(
                f"{path}: key 'added_tokens': expected objects with 'id' and 'content', found {entry!r}"
            )
        for option in ("lstrip", "rstrip", "single_word"):
            if entry.get(option):
                raise CheckpointError(
                    f"{path}: added token {entry['content']!r}: '{option}' cannot be repeated in llama.cpp"
                )
        added[entry["content"]] = entry
    return added


def _check_numbering(path: Path, vocab: dict[str, int], added: dict[str, dict[str, Any]]) -> None:
    """Refuse added tokens whose ids have gaps: the tokenizers library ignores such ids and numbers on from the last.

    Which of the two a model was trained with cannot be known, and a mark under the wrong id scores at random.
    """
    expected = len(vocab)
    for text, entry in added.items():
        if text not in vocab and entry["id"] != expected:
            raise CheckpointError(
                f"{path}: added token {text!r} has id {entry['id']}, but the tokenizers library would make it"
                f" {expected}: ids of added tokens must go on from the vocabulary without gaps"
            )
        expected = max(expected, entry["id"] + 1)


def _vocabulary(
    path: Path, model: dict[str, Any], added: dict[str, dict[str, Any]], vocab: int, template: Template
) -> tuple[list[str], list[TokenType]]:
    """Lay tokens out by id and fill the holes with unused ones; every text and every id may appear once."""
    ids: dict[str, int] = {**model["vocab"]}
    for text, entry in added.items():
        if ids.setdefault(text, entry["id"]) != entry["id"]:
            raise CheckpointError(f"{path}: token {text!r} has two ids, {ids[text]} and {entry['id']}")
    slots: list[str | None] = [None] * vocab
    for text, number in ids.items():
        if not 0 <= number < vocab:
            raise CheckpointError(f"{path}: token {text!r} has id {number}, but config.json's vocab_size is {vocab}")
        if slots[number] is not None:
            raise CheckpointError(f"{path}: id {number} belongs to two tokens, {slots[number]!r} and {text!r}")
        if not text:
            raise CheckpointError(f"{path}: id {number} has an empty token")
        slots[number] = text
    tokens = [text if text is not None else _filler(number, ids) for number, text in enumerate(slots)]
    types = [
        _type(text, added.get(text), model, template) if slot is not None else TokenType.UNUSED
        for text, slot in zip(tokens, slots, strict=True)
    ]
    return tokens, types


def _filler(number: int, ids: dict[str, int]) -> str:
    text = f"[PAD{number}]"
    while text in ids:
        text = f"[{text}]"
    return text


def _type(text: str, entry: dict[str, Any] | None, model: dict[str, Any], template: Template) -> TokenType:
    if text == model.get("unk_token"):
        return TokenType.UNKNOWN
    if entry is None:
        return TokenType.BYTE if model.get("byte_fallback") and BYTE.fullmatch(text) else TokenType.NORMAL
    named = {template.mark, *SPECIAL_LOOK.findall("".join(template.special_texts))}
    return TokenType.CONTROL if entry.get("special") or text in named else TokenType.USER_DEFINED


def _check_template(
    path: Path,
    known: set[str],
    added: dict[str, dict[str, Any]],
    template: Template,
    *,
    spell: Callable[[str], str],
) -> None:
    """Refuse a template whose mark or markers are not one token each; `spell` writes a text as the vocabulary does."""
    if template.mark is not None and template.mark not in added and spell(template.mark) not in known:
        raise CheckpointError(
            f"{path}: the mark {template.mark!r} is not one token of this tokenizer, so no reward could be read at it;"
            " the checkpoint is not a process reward model of this family, or its card names another mark"
        )
    for text in SPECIAL_LOOK.findall("".join(template.special_texts)):
        if text not in added:
            raise CheckpointError(
                f"{path}: the template's {text!r} is not one token of this tokenizer; give its own template"
            )


def _merges(path: Path, model: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the merges; older files hold them as `left right`, newer ones as pairs."""
    merges = model.get("merges")
    if not isinstance(merges, list):
        raise CheckpointError(f"{path}: key 'model.merges': expected a list")
    vocab, result = model["vocab"], []
    for number, merge in enumerate(merges):
        parts = merge.split(" ") if isinstance(merge, str) else merge
        if (
            not isinstance(parts, list)
            or len(parts) != 2  # noqa: PLR2004 (a pair)
            or not all(isinstance(part, str) and part in vocab and " " not in part for part in parts)
            or "".join(parts) not in vocab
        ):
            raise CheckpointError(
                f"{path}: key 'model.merges': number {number}, {merge!r}, does not join two tokens to a third"
            )
        result.append((parts[0], parts[1]))
    return result


def _pre_tokenizer(path: Path, rule: Any) -> str:  # noqa: ANN401 (JSON)
    """Name the pre-tokenizer as llama.cpp does, by its structure.

    Raises:
        CheckpointError: its rule is not one of those that were compared with llama.cpp's, token by token.
    """
    parts = rule.get("pretokenizers") if isinstance(rule, dict) and rule.get("type") == "Sequence" else [rule]
    parts = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    byte_level = parts[-1] if parts and parts[-1].get("type") == "ByteLevel" else {}
    plain = bool(byte_level) and not byte_level.get("add_prefix_space", True)
    cut_by_bytes = byte_level.get("use_regex", True)
    if plain and cut_by_bytes and len(parts) == 1:
        return "gpt-2"
    if plain and not cut_by_bytes and len(parts) == 2 and _is_split(parts[0], QWEN2_RULE):  # noqa: PLR2004 (split, bytes)
        return "qwen2"
    if plain and not cut_by_bytes and len(parts) == 2 and _is_split(parts[0], LLAMA3_RULE):  # noqa: PLR2004 (split, bytes)
        return "llama-bpe"
    raise CheckpointError(
        f"{path}: key 'pre_tokenizer': only those of Qwen2, Llama 3 and GPT-2 are converted; llama.cpp would cut this"
        f" one's text differently: {str(rule)[:300]}"
    )


def _is_split(part: dict[str, Any], expression: str) -> bool:
    """Whether a part isolates the matches of exactly this expression."""
    found = (part.get("type"), part.get("pattern"), part.get("behavior"), part.get("invert"))
    return found == ("Split", {"Regex": expression}, "Isolated", False)


def _normalization(path: Path, rule: Any) -> Literal["none", "nfc"]:  # noqa: ANN401 (JSON)
    if isinstance(rule, dict) and rule.get("type") == "Sequence":
        inner = rule.get("normalizers") or [None]
        rule = inner[0] if isinstance(inner, list) and len(inner) == 1 else rule
    if rule is None:
        return "none"
    if isinstance(rule, dict) and rule.get("type") == "NFC":
        return "nfc"
    raise CheckpointError(f"{path}: key 'normalizer': only NFC or none is converted, found {str(rule)[:200]}")


def _special_ids(folder: Path, tokens: list[str]) -> tuple[int | None, int | None, int | None]:
    """Find bos, eos and pad: by name in tokenizer_config.json, else by id in config.json; none is also an answer."""
    by_name = read_json_if_there(folder / "tokenizer_config.json")
    by_id = read_json(folder / "config.json")
    places = {text: number for number, text in enumerate(tokens)}
    found: list[int | None] = []
    for key in ("bos", "eos", "pad"):
        name, number = by_name.get(f"{key}_token"), by_id.get(f"{key}_token_id")
        name = name.get("content") if isinstance(name, dict) else name
        number = number[0] if isinstance(number, list) and number else number
        if isinstance(name, str) and name in places:
            found.append(places[name])
        else:
            found.append(number if type(number) is int and 0 <= number < len(tokens) else None)
    return found[0], found[1], found[2]
