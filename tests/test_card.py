"""Model cards: what is wrong with one is said with file and key, and what is written reads back the same."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcheck.errors import CardError
from stepcheck.hub.checkpoint.shape import Shape
from stepcheck.hub.convert import QWEN_TEMPLATE
from stepcheck.hub.disk.store import builtin_dir
from stepcheck.hub.gguf.backbone import backbone_size
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.prm.card import CardShape, Files, ModelCard, Origin, Readout, Template, read_card, render_card

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
    "lines": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nlines = "least"\nafter_mark = " "', "'lines' are closed by"),
    "rule for lines": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nlines = "first"', "template.lines"),
    "joined": ('mark = "<extra_0>"', 'read_at = "end"\nreads = "joined"\nbetween_steps = " "', "joined steps have no"),
    "joined at a head": (
        'mark = "<extra_0>"',
        'read_at = "end"\nreads = "joined"\nbetween_steps = " "\nafter_step = "."',
        "is for a log ratio",
    ),
    "behind": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nbehind = 1', "'behind' and 'lead' are for"),
    "never reached": (
        'mark = "<extra_0>"',
        'mark = "<extra_0>"\nreads = "prefixes"\nafter_mark = " "',
        "'after_mark' is never",
    ),
    "readout": ('kind = "mlp"', 'kind = "magic"', "readout.kind"),
    "normalization": ('mark = "<extra_0>"', 'mark = "<extra_0>"\nnormalization = "nfkc"', "template.normalization"),
    "hash": ("0" * 64, "0" * 63, "files.backbone_sha256"),
    "schema": ('name = "m"', 'name = "m"\nschema = 2', "schema"),
    "activation": ('kind = "mlp"', 'kind = "mlp"\nactivation = "relu"', "readout.activation"),
    "shape": ("[files]", "[shape]\nhidden = 0\n[files]", "shape.hidden"),
    "memory": ("[files]", "[memory]\nq8_0 = -1\n[files]", "memory"),
    "oracle": (
        "[files]",
        '[oracle]\nsource = "a"\nproblem = "b"\nsteps = ["c", "d"]\nrewards = [0.5]\n[files]',
        "'rewards' must be one a step: 2 steps, 1 rewards",
    ),
    "figures": (
        "[files]",
        '[published]\nsource = "a"\nprocessbench = {gsm8k = 101}\n[files]',
        "published.processbench",
    ),
    "source of figures": ("[files]", "[published]\n[files]", "published"),
    "two revisions": (
        "[files]",
        '[origin]\nrepository = "a/b"\nrevision = "main"\nrevisions = ["main"]\n[files]',
        "give one of the two",
    ),
    "writing": (
        "[files]",
        '[writing]\nnew_tokens = 9\nsource = "a"\n[files]',
        "'writing' is for a critic, not for a mlp",
    ),
    "source of writing": ("[files]", "[writing]\nnew_tokens = 9\n[files]", "writing"),
    "empty revision": ("[files]", '[origin]\nrepository = "a/b"\nrevisions = [""]\n[files]', "origin.revisions"),
    "backbone": ("[files]", '[origin]\nrepository = "a/b"\nbackbone = {file = "x.gguf"}\n[files]', "origin.backbone"),
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


FAMILIES = {
    "mlp": {"Qwen2.5-Math-PRM-7B", "Qwen2.5-Math-PRM-72B", "Qwen2.5-Math-7B-PRM800K"},
    "linear": {
        *("Skywork-o1-Open-PRM-Qwen-2.5-1.5B", "Skywork-o1-Open-PRM-Qwen-2.5-7B", "PURE-PRM-7B"),
        *("Qwen2.5-Math-1.5B-Instruct-PRM-0.2", "SCAN-PRM-7B"),
    },
    "ensemble": {"ActPRM", "ActPRM-X"},
    "token_pair": {
        *("Math-Shepherd-PRM-7B", "RLHFlow-PRM-Mistral-8B", "RLHFlow-PRM-Deepseek-8B"),
        *("VersaPRM-Base-8B", "FoVer-PRM-Qwen-2.5-7B", "FoVer-PRM-Llama-3.1-8B"),
    },
    "outcome": {"Qwen2.5-Math-RM-72B"},
    "log_ratio": {"EurusPRM-Stage1", "EurusPRM-Stage2"},
    "critic": {"QwQ-32B-Preview", "Qwen2.5-72B-Instruct", "Llama-3.3-70B-Instruct"},
}
UNPUBLISHED = {"VersaPRM-Base-8B", "FoVer-PRM-Qwen-2.5-7B", "FoVer-PRM-Llama-3.1-8B"}
"""Models whose authors give no F1 of ProcessBench for them."""
A_SOURCE = re.compile(r"arXiv \d{4}\.\d{5}|[A-Za-z0-9][\w.-]+/[A-Za-z0-9][\w.-]+")
"""A paper or a repository, by which a statement can be looked up."""


def built_in() -> dict[str, ModelCard]:
    return {card.name: card for card in map(read_card, sorted(builtin_dir().glob("*.toml")))}


def test_every_judge_of_the_papers_has_a_card() -> None:
    """Each family's models are there, with the repository of their weights if it is known, and figures that add up."""
    cards = built_in()
    assert {kind: {name for name, card in cards.items() if card.readout.kind == kind} for kind in FAMILIES} == FAMILIES
    for card in cards.values():
        assert card.files is None
        assert card.origin is not None or card.name == "SCAN-PRM-7B"
        if card.origin is not None:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+", card.origin.repository)
            assert card.origin.revision == ""
        assert bool(card.published) == (card.name not in UNPUBLISHED)
        for figures in (card.published.processbench, card.published.best_of_8) if card.published else ():
            if "omnimath" in figures:
                four = [figures[key] for key in ("gsm8k", "math", "olympiadbench", "omnimath")]
                assert sum(four) / 4 == pytest.approx(figures["average"], abs=0.06)
            if "minerva" in figures:
                assert sum(figures.values()) - figures["average"] == pytest.approx(7 * figures["average"], abs=0.36)


def test_no_card_states_anything_without_a_source() -> None:
    """Threshold, licence, figures and oracle each name a paper or a repository where they can be looked up."""
    for card in built_in().values():
        stated = {
            "threshold": card.threshold_source,
            "licence": card.licence_source,
            "published": card.published.source if card.published else None,
            "oracle": card.oracle.source if card.oracle else None,
            "writing": card.writing.source if card.writing else None,
        }
        without = [key for key, source in stated.items() if source is not None and not A_SOURCE.search(source)]
        assert without == [], card.name
        assert card.licence


def test_a_critics_card_says_how_it_was_let_write() -> None:
    """8,192 new tokens as ProcessBench's script has it, 32,768 for QwQ; votes at temperature 1 and top-p 0.9."""
    found = {card.name: card.writing for card in built_in().values() if card.readout.kind == "critic"}
    assert {name: writing.new_tokens for name, writing in found.items() if writing} == {
        "Llama-3.3-70B-Instruct": 8192,
        "Qwen2.5-72B-Instruct": 8192,
        "QwQ-32B-Preview": 32768,
    }
    assert {(writing.temperature, writing.top_p, writing.top_k) for writing in found.values() if writing} == {
        (1, 0.9, 0)
    }


def test_oracles_are_of_their_cards() -> None:
    """The solutions whose rewards authors tell: as many rewards as steps, and a wrong step in each."""
    cards = {name: card for name, card in built_in().items() if card.oracle}
    assert set(cards) == {"Qwen2.5-Math-PRM-7B", "Qwen2.5-Math-PRM-72B", "ActPRM", "FoVer-PRM-Qwen-2.5-7B"}
    for card in cards.values():
        assert card.oracle is not None
        assert len(card.oracle.rewards) == len(card.oracle.steps) >= 3
        assert 1 <= sum(reward < card.threshold for reward in card.oracle.rewards) <= 2
        assert card.oracle.tolerance == (0.3 if card.name == "Qwen2.5-Math-PRM-72B" else 0.05)


def test_built_in_cards_are_shown_as_they_are(tmp_path: Path) -> None:
    """What `models show` prints of a card is the same card."""
    for card in built_in().values():
        (tmp_path / "shown.toml").write_text(render_card(card), encoding="utf-8")
        assert read_card(tmp_path / "shown.toml") == card


def test_the_prompt_of_qwens_reward_models() -> None:
    """Qwen2.5-Math-PRM's cards carry the published prompt, mark, normalization and context."""
    for name in FAMILIES["mlp"]:
        card = built_in()[name]
        template = card.template
        assert (template.before_problem, template.after_problem, template.mark) == (
            QWEN_TEMPLATE.before_problem,
            QWEN_TEMPLATE.after_problem,
            QWEN_TEMPLATE.mark,
        )
        assert template.before_problem == (
            "<|im_start|>system\nPlease reason step by step, and put your final answer within \\boxed{}."
            "<|im_end|>\n<|im_start|>user\n"
        )
        assert (template.normalization, card.context, card.threshold) == ("nfc", 4096, 0.5)
        assert (card.architecture, card.readout) == ("Qwen2ForProcessRewardModel", Readout(kind="mlp", positive=1))


def test_the_shapes_of_qwens_reward_models() -> None:
    """7B and 72B have the shapes of their published configs; the 72B's eps is not known and is not assumed.

    Heads of 12.9 and 67.1 million parameters follow: H·H + H + 2·H + 2.
    """
    seven, large = built_in()["Qwen2.5-Math-PRM-7B"].shape, built_in()["Qwen2.5-Math-PRM-72B"].shape
    assert seven == CardShape(
        hidden=3584,
        layers=28,
        heads=28,
        kv_heads=4,
        feed_forward=18944,
        vocab=152064,
        eps=1e-5,
        rope_theta=10000.0,
        tied=False,
    )
    assert large == CardShape(hidden=8192, layers=80, heads=64, kv_heads=8, feed_forward=29568, vocab=152064)
    for shape, millions in ((seven, 12.9), (large, 67.1)):
        assert (shape.hidden**2 + 3 * shape.hidden + 2) / 1e6 == pytest.approx(millions, abs=0.06)


@pytest.mark.parametrize("name", sorted(set().union(*FAMILIES.values()) - FAMILIES["log_ratio"] - FAMILIES["critic"]))
def test_the_memory_of_a_card_is_what_its_weights_take(name: str) -> None:
    """Every megabyte in the table is the size of the tensors that a conversion of this shape writes."""
    card = built_in()[name]
    assert card.shape is not None
    fields = {
        key: getattr(card.shape, key) for key in ("hidden", "layers", "heads", "kv_heads", "feed_forward", "vocab")
    }
    family = "qwen2" if card.architecture.startswith("Qwen2") else "llama"
    shape = Shape(
        architecture=card.architecture, context=card.context, eps=1e-5, rope_theta=1e4, family=family, **fields
    )
    assert list(card.memory) == ["bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0"]
    for kind, megabytes in card.memory.items():
        assert megabytes == -(-backbone_size(shape, WeightType(kind)) // 1_000_000)
