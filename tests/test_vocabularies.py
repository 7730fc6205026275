"""Tokenizers in other files than tokenizer.json: the same tokens as from it, and as from SentencePiece itself."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stepcheck.engine.base import EngineOptions
from stepcheck.engine.host import load_of
from stepcheck.engine.llama import Backbone
from stepcheck.errors import CheckpointError
from stepcheck.hub.checkpoint.shape import read_shape
from stepcheck.hub.checkpoint.tokenizer import Tokenizer, TokenType, read_tokenizer
from stepcheck.hub.convert import QWEN_TEMPLATE, convert
from stepcheck.hub.gguf.quantize import WeightType
from tests import checkpoints, families, vocabularies
from tests.checkpoints import TEXTS, Spec
from tests.test_families import lent
from tests.vocabularies import BYTE, CONTROL, NORMAL, UNKNOWN, UNUSED, Piece

SMALL = Spec(layers=1, hidden=32, heads=2, kv_heads=1, feed_forward=32)
SHEPHERD = lent("math-shepherd")


def shepherd(folder: Path) -> Path:
    return families.write(folder, "math-shepherd", SMALL)


def read(folder: Path, card: Any = SHEPHERD) -> Tokenizer:
    return read_tokenizer(folder, read_shape(folder).vocab, card.template)


def test_pieces_give_what_tokenizer_json_gives(tmp_path: Path) -> None:
    """SentencePiece's own file and tokenizer.json of one vocabulary: the same tokens, types and order of scores."""
    whole, pieces = read(shepherd(tmp_path / "a")), read(vocabularies.as_pieces(shepherd(tmp_path / "b")))
    assert (pieces.tokens, pieces.types, pieces.model, pieces.scores) == (
        whole.tokens,
        whole.types,
        "llama",
        whole.scores,
    )


def test_parts_give_what_tokenizer_json_gives(tmp_path: Path) -> None:
    """Vocabulary, merges and added tokens in files of their own: everything the same, what is special among it."""
    folder = checkpoints.write(tmp_path / "a", SMALL)
    vocab = read_shape(folder).vocab
    whole = read_tokenizer(folder, vocab, QWEN_TEMPLATE)
    for name, kind in {"b": "Qwen2Tokenizer", "c": "Qwen2TokenizerFast", "d": None}.items():
        parts = vocabularies.as_parts(checkpoints.write(tmp_path / name, SMALL), tokenizer_class=kind)
        if name == "d":
            (parts / "tokenizer_config.json").unlink()
        found = read_tokenizer(parts, vocab, QWEN_TEMPLATE)
        assert (found.tokens, found.types, found.merges, found.pre, found.normalization) == (
            whole.tokens,
            whole.types,
            whole.merges,
            "qwen2",
            "nfc",
        )


def test_gpt2_parts_are_cut_by_gpt2s_rule(tmp_path: Path) -> None:
    """The class in tokenizer_config.json says which rule cuts a text, and that nothing is normalized."""
    folder = vocabularies.as_parts(checkpoints.write(tmp_path / "c", SMALL), tokenizer_class="GPT2Tokenizer")
    found = read_tokenizer(folder, read_shape(folder).vocab, QWEN_TEMPLATE)
    assert (found.pre, found.normalization) == ("gpt-2", "none")


def test_added_tokens_of_the_configuration_are_added(tmp_path: Path) -> None:
    """`added_tokens_decoder` adds to the pieces, special or not, and says again what the pieces are."""
    folder = vocabularies.as_pieces(shepherd(tmp_path / "c"))
    before = read(folder)
    count = before.types.index(TokenType.UNUSED)
    decoder = {
        "0": {"content": "<unk>", "special": True},
        "1": {"content": "<s>", "special": True, "lstrip": False},
        str(count): {"content": "[PAD]", "special": True},
        str(count + 1): {"content": "<step>", "special": False},
    }
    settings = {"added_tokens_decoder": decoder, "pad_token": "[PAD]", "bos_token": {"content": "<s>"}}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    found = read(folder)
    assert found.tokens[count : count + 2] == ["[PAD]", "<step>"]
    assert found.types[count : count + 2] == [TokenType.CONTROL, TokenType.USER_DEFINED]
    assert (found.bos, found.pad) == (1, count)
    assert found.tokens[:count] == before.tokens[:count]
    (folder / "tokenizer_config.json").unlink()
    (folder / "added_tokens.json").write_text(json.dumps({"<step>": count}), encoding="utf-8")
    assert read(folder).tokens[count] == "<step>"


def test_tokenizer_json_goes_first(tmp_path: Path) -> None:
    """Where it is there, the other files are not even opened."""
    folder = shepherd(tmp_path / "c")
    before = read(folder)
    for name in ("tokenizer.model", "vocab.json", "merges.txt"):
        (folder / name).write_bytes(b"nonsense")
    assert read(folder) == before


BYTES: list[Piece] = [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
MARKS: list[Piece] = [(text, -1.0, NORMAL) for text in ("▁ки", "▁+", "▁-")]
FIRST: list[Piece] = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
GOOD = [*FIRST, *BYTES, *MARKS]
model, TRAINER, NORMALIZER = vocabularies.model, vocabularies.TRAINER, vocabularies.NORMALIZER
PIECES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "it has no pieces"),
    "text": (lambda: b"hello, world", "no SentencePiece model, or a damaged one"),
    "early": (lambda: model(GOOD)[:-3], "it ends early"),
    "endless number": (lambda: b"\x0a" + 20 * b"\xff", "a number without an end"),
    "unigram": (lambda: model(GOOD, TRAINER | {3: 1}), "model_type is not BPE"),
    "no type": (lambda: model(GOOD, {35: 1}), "model_type is not BPE"),
    "no fallback": (lambda: model(GOOD, {3: 2}), "byte_fallback is off"),
    "suffix": (lambda: model(GOOD, TRAINER | {24: 1}), "treat_whitespace_as_suffix is on"),
    "nfkc": (lambda: model(GOOD, TRAINER, NORMALIZER | {1: b"nmt_nfkc", 2: b"map"}), "normalized (nmt_nfkc"),
    "spaces": (lambda: model(GOOD, TRAINER, {1: b"identity", 3: 1}), "remove_extra_whitespaces is on"),
    "no escape": (lambda: model(GOOD, TRAINER, NORMALIZER | {5: 0}), "escape_whitespaces is off"),
    "unused": (lambda: model([*GOOD, ("x", 0.0, UNUSED)]), "unused pieces"),
    "bytes": (lambda: model([*FIRST, *BYTES[:-1], *MARKS]), "without the piece <0xFF>"),
    "twice": (lambda: model([*GOOD, GOOD[-1]]), "two of its pieces have the same text"),
    "no mark": (lambda: model([*FIRST, *BYTES, *MARKS[1:]]), "the mark ' ки' is not one token"),
    "kind": (lambda: model([*GOOD, ("x", 0.0, 9)]), "and the type 9"),
    "score": (lambda: model([*GOOD, ("x", float("nan"), NORMAL)]), "has the score nan"),
}


@pytest.mark.parametrize("case", PIECES)
def test_pieces_that_llama_cpp_would_cut_differently_are_refused(case: str, tmp_path: Path) -> None:
    """Every setting that changes how a text is cut, and every damage, is said with the file."""
    make, words = PIECES[case]
    folder = vocabularies.as_pieces(shepherd(tmp_path / "c"))
    (folder / "tokenizer.model").write_bytes(model(GOOD))
    assert read(folder).tokens[:3] == ["<unk>", "<s>", "</s>"]
    (folder / "tokenizer.model").write_bytes(make())
    with pytest.raises(CheckpointError) as caught:
        read(folder)
    assert words in str(caught.value)
    assert str(folder / "tokenizer.model") in str(caught.value)


def without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def put(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


PARTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "class": (put("tokenizer_config.json", '{"tokenizer_class": "BertTokenizer"}'), "'BertTokenizer' does not say how"),
    "no class": (put("config.json", "{}"), "does not say how"),
    "no merges": (without("merges.txt"), "tokenizer.json: cannot be read"),
    "merge": (put("merges.txt", "a b c\n"), "does not join two tokens"),
    "no object": (put("vocab.json", "[]"), "expected an object"),
    "decoder": (put("tokenizer_config.json", '{"added_tokens_decoder": {"x": 1}}'), "key 'added_tokens_decoder'"),
    "added": (put("added_tokens.json", '{"<extra_0>": "5"}'), "key 'added_tokens'"),
}


@pytest.mark.parametrize("case", PARTS)
def test_parts_that_do_not_fit_are_refused(case: str, tmp_path: Path) -> None:
    """A tokenizer of a class that is not known, a file missing or malformed: said by file and key."""
    change, words = PARTS[case]
    folder = vocabularies.as_parts(checkpoints.write(tmp_path / "c", SMALL), tokenizer_class=None)
    (folder / "tokenizer_config.json").write_text("{}")
    vocab = read_shape(folder).vocab
    change(folder)
    with pytest.raises(CheckpointError) as caught:
        read_tokenizer(folder, vocab, QWEN_TEMPLATE)
    assert words in str(caught.value)


def test_a_base_that_is_not_written_down_is_the_codes(tmp_path: Path) -> None:
    """Llama and Mistral configs without `rope_theta` mean 10000; of Qwen2 it must be said."""
    folder = shepherd(tmp_path / "c")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config.pop("rope_theta")
    for kind, name in (("mistral", "MistralForCausalLM"), ("llama", "LlamaForCausalLM")):
        (folder / "config.json").write_text(json.dumps(config | {"model_type": kind, "architectures": [name]}))
        assert read_shape(folder).rope_theta == 10000.0
    (folder / "config.json").write_text(
        json.dumps(config | {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "sliding_window": None})
    )
    with pytest.raises(CheckpointError, match="key 'rope_theta' is missing"):
        read_shape(folder)


def trained(texts: list[str], size: int) -> bytes:
    """A vocabulary as SentencePiece trains it with Llama's settings, Math-Shepherd's marks among its pieces."""
    sentencepiece = pytest.importorskip("sentencepiece")
    out = io.BytesIO()
    marks = ["Step 1: + ки", "Step 2: - ки"] * 50
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*marks, *texts]),
        model_writer=out,
        vocab_size=size,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        split_digits=True,
        character_coverage=0.9995,
        user_defined_symbols=["<sep>"],
        minloglevel=2,
    )
    return out.getvalue()


def loaded(folder: Path, vocabulary: bytes) -> Backbone:
    """A small Mistral with that vocabulary, converted and loaded."""
    source = vocabularies.as_pieces(shepherd(folder / "checkpoint"))
    (source / "tokenizer.model").write_bytes(vocabulary)
    import sentencepiece

    size = sentencepiece.SentencePieceProcessor(model_proto=vocabulary).vocab_size()
    config = json.loads((source / "config.json").read_text(encoding="utf-8")) | {"vocab_size": size + 3}
    (source / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = families.weights("math-shepherd", SMALL, size + 3)
    checkpoints.write_safetensors(source / "model.safetensors", tensors, SMALL.dtype)
    path = convert(source, folder, weight_type=WeightType.F16, name="m", card=SHEPHERD).with_suffix(".gguf")
    options = EngineOptions(n_threads=1, n_gpu_layers=0)
    load = load_of(path, mark=" ки", context=512, options=options, mapped=True)
    return Backbone(load, lambda _done: None)


def compare(backbone: Backbone, vocabulary: bytes, texts: list[str]) -> list[str]:
    """Return the texts that llama.cpp cuts otherwise than SentencePiece; the prefixed space our templates spell out."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_proto=vocabulary)
    return [
        text
        for text in texts
        if text and backbone.tokenize(" " + text, special=False).tolist() != processor.encode(text)
    ]


def test_tokens_equal_sentencepieces_on_texts_of_our_own(tmp_path: Path) -> None:
    """LaTeX, Chinese, tabs, odd spaces, emoji and typed pieces, with a vocabulary trained on a few problems."""
    from tests.test_parity import own_texts

    vocabulary = trained([part for problem, steps in TEXTS for part in (problem, *steps)] * 3, 450)
    texts = [
        *own_texts(),
        "a  b   c    d",
        "x▁y",
        "▁",
        "<s> </s> <unk> <0x41> <sep>",
        " ки ки+-",
        "\t\n \r\n",
        "é\u0301 ﬁ",
    ]
    assert compare(loaded(tmp_path, vocabulary), vocabulary, texts) == []


def shared_texts(shared: Path) -> Iterator[str]:
    """Every text of the data beside this project."""
    for path in sorted((shared / "processbench").glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            yield from (row["problem"], *row["steps"])
    for path in (shared / "gsm8k" / "train.jsonl", shared / "bon" / "math_cot_100.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for value in json.loads(line).values():
                yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


@pytest.mark.parametrize("share", [20, pytest.param(1, marks=pytest.mark.soak)])
def test_tokens_equal_sentencepieces_on_the_data(share: int, shared: Path, tmp_path: Path) -> None:
    """A vocabulary of 4,000 pieces trained on a part of the data: the same tokens on all of it."""
    texts = list(shared_texts(shared))
    vocabulary = trained([text.replace("\n", " ") for text in texts[::10]], 4000)
    chosen = texts[::share]
    wrong = compare(loaded(tmp_path, vocabulary), vocabulary, chosen)
    print(f"{len(chosen)} of {len(texts)} texts, {len(wrong)} cut differently")
    assert wrong == []
