"""Pulling the other families: heads of every kind out of shards, the same bytes as a local conversion."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepcheck.hub.convert import convert
from stepcheck.hub.disk.store import find
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.hub.net.remote import Hub
from stepcheck.hub.pull.offer import make_offer
from stepcheck.hub.pull.pull import pull
from stepcheck.prm.card import Origin
from tests import checkpoints, families
from tests.checkpoints import Spec
from tests.hubserver import Repository, serving
from tests.test_families import lent

SPEC = Spec(seed=51, layers=2, hidden=64)


def in_shards(folder: Path, name: str, spec: Spec = SPEC) -> Path:
    """A family's checkpoint in three shards: embedding and lm_head in one, half of the rest in each of the others."""
    families.write(folder, name, spec)
    (folder / "model.safetensors").unlink()
    vocab = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    tensors = families.weights(name, spec, vocab)
    shards = [f"model-{i + 1:05d}-of-00003.safetensors" for i in range(3)]
    places: dict[str, Any] = {}
    for number, key in enumerate(tensors):
        places[key] = shards[0] if key.endswith(("embed_tokens.weight", "lm_head.weight")) else shards[1 + number % 2]
    for shard in shards:
        part = {key: tensors[key] for key, place in places.items() if place == shard}
        checkpoints.write_safetensors(folder / shard, part, spec.dtype)
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["skywork", "pure", "outcome", "math-shepherd", "rlhflow"])
def test_a_pulled_model_equals_a_converted_one(name: str, tmp_path: Path) -> None:
    """Backbone and head have the same bytes; a token pair's two rows are cut out of their shard."""
    source = in_shards(tmp_path / "checkpoint", name)
    card = msgspec.structs.replace(lent(name), origin=Origin(repository="some/random"))
    local = find(str(convert(source, tmp_path / "local", weight_type=WeightType.Q8_0, name="m", card=card)))
    with serving(some__random=Repository(source)) as server:
        hub = Hub(endpoint=server.url, stall_seconds=1.0, pace=0.01)
        offer = make_offer(hub, card, WeightType.Q8_0, tmp_path / "models", name="m")
        pulled = find(str(pull(hub, offer)))
    assert pulled.backbone.read_bytes() == local.backbone.read_bytes()
    assert pulled.weights["head"].path.read_bytes() == local.weights["head"].path.read_bytes()
    assert pulled.card.readout == card.readout
    assert pulled.card.template == local.card.template


def test_a_log_ratio_is_pulled_with_its_reference(tmp_path: Path) -> None:
    """Both models from their repositories: byte for byte those of a conversion, stopped anywhere and gone on with."""
    from stepcheck.errors import CancelledError
    from stepcheck.hub.net.watch import Watch

    source = in_shards(tmp_path / "checkpoint", "eurus")
    base = in_shards(tmp_path / "base", "eurus", Spec(seed=52, layers=2, hidden=64))
    readout = msgspec.structs.replace(lent("eurus").readout, reference="some/base")
    card = msgspec.structs.replace(lent("eurus"), origin=Origin(repository="some/random"), readout=readout)
    there = convert(source, tmp_path / "local", weight_type=WeightType.Q8_0, name="m", card=card, reference=base)
    with serving(some__random=Repository(source), some__base=Repository(base)) as server:
        hub = Hub(endpoint=server.url, stall_seconds=1.0, pace=0.01)
        offer = make_offer(hub, card, WeightType.Q8_0, tmp_path / "models", name="m")
        assert offer.reference is not None
        sizes = [path.stat().st_size for folder in (source, base) for path in folder.iterdir()]
        assert offer.download == sum(sizes)
        stops = 0
        while stops < 40:
            watch, count = Watch(), [0]

            def stop(_heard: object, watch: Watch = watch, count: list[int] = count) -> None:
                count[0] += 1
                if count[0] > 9:
                    watch.cancel()

            watch.progress = watch.step = stop
            try:
                made = pull(hub, make_offer(hub, card, WeightType.Q8_0, tmp_path / "models", name="m"), watch=watch)
            except CancelledError:
                stops += 1
                continue
            break
        else:
            pytest.fail("40 stops and no end")
    assert stops > 1
    for ending in (".gguf", ".reference.gguf"):
        assert made.with_name("m" + ending).read_bytes() == there.with_name("m" + ending).read_bytes()
    assert {path.name for path in made.parent.glob("[!.]*")} >= {"m.gguf", "m.reference.gguf", "m.toml"}
    assert not list(made.parent.glob(".pulling*"))
    assert find(str(made)).card.readout == readout
