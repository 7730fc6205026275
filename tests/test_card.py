"""Model cards: what is wrong with one is said with file and key, and what is written reads back the same."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcheck.errors import CardError
from stepcheck.hub.convert import QWEN_TEMPLATE
from stepcheck.hub.store import builtin_dir
from stepcheck.prm.card import Files, ModelCard, Origin, Readout, Template, read_card, render_card

CARD = """
name = "m"
title = "A model"
licence = "Apache-2.0"
architecture = "Qwen2ForProcessRewardModel"
context = 4096

[template]
before_problem = "<|im_start|>user\\n"
after_problem = "<|im_end|>\\n"
mark = "<extra_0>"

[readout]
kind = "mlp"

[files]
backbone = "m.gguf"
backbone_sha256 = "{sha}"
head = "m.head.safetensors"
head_sha256 = "{sha}"
""".replace("{sha}", "0" * 64)


def test_a_card_is_read(tmp_path: Path) -> None:
    """A card with only what is needed has the usual threshold, class 1 as the positive one and no normalization."""
    (tmp_path / "m.toml").write_text(CARD, encoding="utf-8")
    card = read_card(tmp_path / "m.toml")
    assert (card.threshold, card.readout.positive, card.template.normalization) == (0.5, 1, "none")
    assert card.template.before_problem == "<|im_start|>user\n"


WRONG = {
    "unknown key": ('title = "A model"', 'title = "A model"\ntreshold = 0.4', "treshold"),
    "missing key": ('licence = "Apache-2.0"\n', "", "licence"),
    "number": ("context = 4096", "context = 0", "context"),
    "text for a number": ("context = 4096", 'context = "4096"', "context"),
    "threshold": ("context = 4096", "context = 4096\nthreshold = 1.5", "threshold"),
    "not a number": ("context = 4096", "context = 4096\nthreshold = nan", "threshold"),
    "name": ('name = "m"', 'name = "../m"', "name"),
    "empty mark": ('mark = "<extra_0>"', 'mark = ""', "template.mark"),
    "no mark": ('mark = "<extra_0>"\n', "", "'mark' is the token where"),
    "mark and end": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nread_at = "end"', "'mark' is the token where"),
    "no step": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nstep = "Step:"', "'step' must hold {step} once"),
    "no problem": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nproblem = "Q"', "'problem' must hold {problem} once"),
    "between": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nbetween_steps = " "', "'between_steps' is for"),
    "never reached": (
        'mark = "<extra_0>"',
        'mark = "<extra_0>"\nreads = "prefixes"\nafter_mark = " "',
        "'after_mark' is never",
    ),
    "readout": ('kind = "mlp"', 'kind = "magic"', "readout.kind"),
    "normalization": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nnormalization = "nfkc"', "template.normalization"),
    "hash": ("0" * 64, "0" * 63, "files.backbone_sha256"),
    "schema": ('name = "m"', 'name = "m"\nschema = 2', "schema"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_key_is_named_with_its_file(case: str, tmp_path: Path) -> None:
    """Each way to be wrong is refused, and the message names the file and the key."""
    old, new, key = WRONG[case]
    assert old in CARD
    path = tmp_path / "m.toml"
    path.write_text(CARD.replace(old, new), encoding="utf-8")
    with pytest.raises(CardError, match=re.escape(key)) as caught:
        read_card(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"name = ", b"[[[[", b"= 1"])
def test_a_file_that_is_no_card_is_refused(content: bytes, tmp_path: Path) -> None:
    """Empty, not UTF-8, not TOML, not there: an error with the file's name."""
    path = tmp_path / "m.toml"
    path.write_bytes(content)
    with pytest.raises(CardError, match=re.escape(str(path))):
        read_card(path)
    with pytest.raises(CardError, match="cannot be read"):
        read_card(tmp_path / "none.toml")


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    threshold=st.floats(0, 1),
    with_files=st.booleans(),
)
def test_what_is_written_reads_back_the_same(text: str, threshold: float, with_files: bool) -> None:
    """Whatever the texts hold, quotes, backslashes, control characters, emoji: TOML gives the same card back."""
    import msgspec

    files = Files(backbone=text, backbone_sha256="0" * 64, head=text, head_sha256="f" * 64)
    card = ModelCard(
        name="m",
        title=text,
        licence=text,
        architecture=text,
        context=7,
        threshold=threshold,
        notice=text,
        template=Template(before_problem=text, after_problem=text, mark=text, normalization="nfc"),
        readout=Readout(kind="mlp", positive=0),
        files=files if with_files else None,
        origin=Origin(repository=text, revision=text),
    )
    assert msgspec.convert(tomllib.loads(render_card(card)), ModelCard) == card


def test_built_in_cards_are_sound() -> None:
    """Every card that is shipped reads; those of Qwen carry the published prompt, mark and normalization."""
    cards = [read_card(path) for path in sorted(builtin_dir().glob("*.toml"))]
    assert {card.name for card in cards} >= {"Qwen2.5-Math-PRM-7B", "Qwen2.5-Math-PRM-72B", "Qwen2.5-Math-7B-PRM800K"}
    for card in cards:
        if card.name.startswith("Qwen2.5-Math") and card.readout.kind == "mlp":
            template = card.template
            assert (template.before_problem, template.after_problem, template.mark) == (
                QWEN_TEMPLATE.before_problem,
                QWEN_TEMPLATE.after_problem,
                QWEN_TEMPLATE.mark,
            )
            assert (template.normalization, card.context, card.files) == ("nfc", 4096, None)
