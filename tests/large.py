"""Large random checkpoints, written block by block: what they weigh is real, what they say is noise."""

import json
from itertools import accumulate
from pathlib import Path

import numpy as np

from stepcheck.hub.checkpoint.shape import read_shape
from stepcheck.hub.gguf.backbone import layout
from tests import checkpoints
from tests.checkpoints import Spec


def write(folder: Path, spec: Spec, vocab: int | None = None) -> int:
    """Write a bfloat16 checkpoint in `spec.shards` shards, layer after layer as published ones are; return its bytes.

    The language model's head is there too, as in the originals. `vocab` is the embedding's rows; by default the
    tokenizer's and `spec.spare`.
    """
    tokenizer = checkpoints.small_tokenizer()
    known = len(tokenizer["model"]["vocab"]) + len(tokenizer["added_tokens"])
    vocab = vocab or known + spec.spare
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(checkpoints.config(spec, vocab)), encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    hidden = spec.hidden
    shapes = {f"model.{origin}": size for origin, size in layout(read_shape(folder)).values()}
    shapes |= {"score.0.weight": (hidden, hidden), "score.0.bias": (hidden,), "score.2.weight": (2, hidden)}
    shapes |= {"score.2.bias": (2,), "lm_head.weight": (vocab, hidden)}
    sizes = {name: 2 * int(np.prod(size)) for name, size in shapes.items()}
    total, places = sum(sizes.values()), {}
    for name, end in zip(sizes, accumulate(sizes.values()), strict=True):
        number = min(spec.shards, (end - 1) * spec.shards // total + 1)
        places[name] = f"model-{number:05d}-of-{spec.shards:05d}.safetensors"
    for shard in sorted(set(places.values())):
        _write_shard(folder / shard, {name: shapes[name] for name, place in places.items() if place == shard})
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return total


def _write_shard(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    header, end = {}, 0
    for name, size in shapes.items():
        begin, end = end, end + 2 * int(np.prod(size))
        header[name] = {"dtype": "BF16", "shape": list(size), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    seed = int.from_bytes(path.name.encode()[6:11], "little")
    block = np.random.Generator(np.random.PCG64(seed)).standard_normal(1 << 22, np.float32) / 64
    data = (block.view(np.uint32) >> 16).astype("<u2").tobytes()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for start in range(0, end, len(data)):
            file.write(data[: end - start])
