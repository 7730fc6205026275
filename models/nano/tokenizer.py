"""The model's tokenizer: a byte-level BPE in which every whole number up to 9999 is one token. It trains no network.

Pre-tokenizer and byte alphabet are GPT-2's, so llama.cpp's `tokenizer.ggml.pre = gpt-2` cuts a text in the same places.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from models.nano.numbers import digit_strings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MARK = "<extra_0>"
START, END, STOP = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
SPECIALS = (STOP, START, END, MARK)
WORD_PIECES = 2250
SPACE = "Ġ"


def build(texts: Iterable[str], pieces: int = WORD_PIECES) -> Tokenizer:
    """Learn `pieces` word pieces from the texts without their digits, then add the number tokens and the specials."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=pieces, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    learner.train_from_iterator((re.sub(r"\d+", "", text) for text in texts), trainer)
    model = json.loads(learner.to_str())["model"]
    words: list[str] = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [(left, right) for left, right in model["merges"]]
    numbers = [digits for digits in digit_strings() if len(digits) > 1]
    spaced = [SPACE + digits for digits in digit_strings()]
    vocab = {token: index for index, token in enumerate([*words, *numbers, *spaced])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[*merges, *number_merges()]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIALS))
    return tokenizer


def number_merges() -> Iterable[tuple[str, str]]:
    """Merges for every way of cutting a digit string, the short ones first and the leading space last.

    Whatever order the pieces of `Ġ1234` meet in, they end in the one token.
    """
    for length in (2, 3, 4):
        for digits in map("".join, itertools.product("0123456789", repeat=length)):
            yield from ((digits[:cut], digits[cut:]) for cut in range(1, length))
    yield from ((SPACE, digits) for digits in digit_strings())


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json."""
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": END,
        "pad_token": STOP,
        "unk_token": None,
        "add_bos_token": False,
        "model_max_length": 2048,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Tokenizer:
    """Read tokenizer.json from a checkpoint folder."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))
