"""A hub with the layouts of the real repositories: every card of a checkpoint family pulls, converts and gives rewards.

File names and what is missing are those of the public copies; weights are random, and small. The rewards are held
against the families' references in torch, which read the same weights from a plain folder.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from stepcheck.hub.convert import convert
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.pull.offer import make_offer
from stepcheck.hub.pull.pull import pull
from stepcheck.prm.card import read_card
from tests import families, pickles, vocabularies
from tests.checkpoints import TEXTS
from tests.hubserver import HubServer, Repository, serving
from tests.test_families import EXACT, REFERENCES, SPEC, Reference, lent, score
from tests.test_pull_families import in_shards
from tests.test_ratio import log_likelihoods

Change = Callable[[Path], object]
MORE = ("README.md", ".gitattributes", "generation_config.json", "modeling_prm.py", "training_args.bin", "optimizer.pt")
"""What lies in repositories beside a model, and is never fetched."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A repository: whether its weights are in shards, and what else is different; then what a pull fetches."""

    sharded: bool
    changes: tuple[Change, ...]
    fetched: frozenset[str]


def without(*keys: str) -> Change:
    """Take keys out of config.json."""

    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kept = {key: value for key, value in config.items() if key not in keys}
        (folder / "config.json").write_text(json.dumps(kept), encoding="utf-8")

    return change


def slow_beside(folder: Path) -> None:
    """The older files of the same tokenizer beside tokenizer.json."""
    data = (folder / "tokenizer.json").read_bytes()
    vocabularies.as_parts(folder)
    (folder / "tokenizer.json").write_bytes(data)


SHARDS = frozenset(f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)) | {"model.safetensors.index.json"}
PARTS = {"config.json", "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"}
FAST = {"config.json", "tokenizer.json"}
LAYOUTS = {
    "skywork": Layout(
        sharded=False,
        changes=(slow_beside, pickles.repack),
        fetched=frozenset(FAST | {"tokenizer_config.json", "pytorch_model.bin"}),
    ),
    "math-shepherd": Layout(
        sharded=True,
        changes=(vocabularies.as_pieces, pickles.repack, without("rope_theta")),
        fetched=frozenset({"config.json", "tokenizer.model", "pytorch_model.bin.index.json"})
        | {f"pytorch_model-0000{i}-of-00003.bin" for i in (1, 2, 3)},
    ),
    "rlhflow": Layout(sharded=True, changes=(), fetched=SHARDS | FAST),
    "pure": Layout(sharded=True, changes=(vocabularies.as_parts,), fetched=SHARDS | PARTS | {"tokenizer_config.json"}),
    "outcome": Layout(sharded=True, changes=(slow_beside,), fetched=SHARDS | FAST | {"tokenizer_config.json"}),
    "trl": Layout(
        sharded=False,
        changes=(slow_beside,),
        fetched=frozenset(FAST | {"tokenizer_config.json", "model.safetensors"}),
    ),
    "actprm": Layout(sharded=True, changes=(slow_beside,), fetched=SHARDS | FAST | {"tokenizer_config.json"}),
    "fover-qwen": Layout(sharded=True, changes=(slow_beside,), fetched=SHARDS | FAST | {"tokenizer_config.json"}),
    "versaprm": Layout(sharded=True, changes=(), fetched=SHARDS | FAST),
}


def serve(server: HubServer, name: str, folder: Path) -> tuple[Path, Path]:
    """Put a family's repository on the server under its card's name; return a plain folder of it, and the served."""
    plain = families.write(folder / "plain", name, SPEC)
    layout = LAYOUTS[name]
    served = in_shards(folder / "served", name, SPEC) if layout.sharded else shutil.copytree(plain, folder / "served")
    for change in layout.changes:
        change(served)
    for extra in MORE:
        (served / extra).write_bytes(b"nothing to see")
    origin = lent(name).origin
    assert origin is not None
    server.repositories[origin.repository] = Repository(served)
    return plain, served


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_repository_as_it_is_gives_the_references_rewards(name: str, tmp_path: Path) -> None:
    """Pulled with the shipped card alone: f16 rewards within 1e-3 of torch, and nothing fetched that is not needed."""
    pytest.importorskip("torch")
    with serving() as server:
        plain, served = serve(server, name, tmp_path)
        hub = Hub(endpoint=server.url, stall_seconds=1.0, pace=0.01)
        offer = make_offer(hub, lent(name), WeightType.F16, tmp_path / "models")
        made = pull(hub, offer)
    model = Reference(plain)
    theirs = np.concatenate([REFERENCES[name](model, *text) for text in TEXTS])
    ours = np.concatenate(score(made, TEXTS))
    largest = float(np.abs(ours - theirs).max())
    bytes_there = sum(path.stat().st_size for path in served.iterdir() if path.name in LAYOUTS[name].fetched)
    print(
        f"{name}: {len(ours)} rewards, largest difference {largest:.6f}; {server.sent:,} of {bytes_there:,} bytes sent"
    )
    assert largest <= EXACT
    assert theirs.std() > 0.02
    assert {request.path for request in server.requests} == LAYOUTS[name].fetched
    assert server.sent <= 1.02 * bytes_there + len(offer.shards) * (70_000 + 40_000)


def test_eurusprm_stage1_converts_as_it_is(tmp_path: Path) -> None:
    """Vocabulary, merges and added tokens in files of their own, in shards, and its reference with a tokenizer.json."""
    pytest.importorskip("torch")
    plain, base = (
        families.write(tmp_path / name, "eurus", replace(SPEC, seed=seed)) for name, seed in (("a", 3), ("b", 4))
    )
    served = vocabularies.as_parts(in_shards(tmp_path / "c", "eurus", replace(SPEC, seed=3)))
    card = lent("eurus")
    card = msgspec.structs.replace(card, readout=msgspec.structs.replace(card.readout, scale=0.02))
    made = convert(served, tmp_path / "out", weight_type=WeightType.F16, name="m", card=card, reference=base)
    one, two = Reference(plain), Reference(base)
    theirs = [np.array(log_likelihoods(one, text)) - np.array(log_likelihoods(two, text)) for text in TEXTS]
    rewards = 1 / (1 + np.exp(-0.02 * np.concatenate(theirs)))
    assert np.abs(np.concatenate(score(made, TEXTS)) - rewards).max() <= EXACT


def test_what_the_main_branch_lacks_is_taken_from_a_request(tmp_path: Path) -> None:
    """Math-Shepherd's weights only in `refs/pr/5`, as safetensors: a card with an order of revisions finds them."""
    card = lent("math-shepherd")
    assert card.origin is not None
    with serving() as server:
        plain, served = serve(server, "math-shepherd", tmp_path)
        request = shutil.copytree(served, tmp_path / "request")
        for path in served.glob("pytorch_model*"):
            path.unlink()
        for path in request.glob("pytorch_model*"):
            path.unlink()
        shutil.copy(plain / "model.safetensors", request / "model.safetensors")
        at = Repository(request, commit="5" * 40)
        server.repositories[card.origin.repository] = Repository(served, refs={"refs/pr/5": at})
        origin = msgspec.structs.replace(card.origin, revision="", revisions=("main", "refs/pr/5"))
        hub = Hub(endpoint=server.url, stall_seconds=1.0, pace=0.01)
        card = msgspec.structs.replace(card, origin=origin)
        made = pull(hub, make_offer(hub, card, WeightType.F16, tmp_path / "models"))
    found = read_card(made).origin
    assert found is not None
    assert found.revision == "5" * 40
