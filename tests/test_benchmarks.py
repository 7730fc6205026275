"""Benchmarks that take hours, or an accelerator: what they measure with runs here, on small models."""

from pathlib import Path

import pytest

from benchmarks.given.weights import CONTEXT, TINY, make_model
from stepcheck.engine.base import EngineOptions
from stepcheck.engine.client import LlamaEngine
from stepcheck.engine.host import load_of
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.machine.speed import MARK

ONE_THREAD = EngineOptions(n_threads=1)


def test_the_cost_of_the_tap_is_measured_with_it(tmp_path: Path) -> None:
    """benchmarks/offload.py reads a state with the tap, and refuses anything else; beside it logits without one."""
    from benchmarks.offload import RawLimit  # loads all of llama-cpp-python

    path = make_model("tiny", TINY, WeightType.Q8_0, tmp_path)
    limit = RawLimit(load_of(path, mark=MARK, context=CONTEXT, options=ONE_THREAD))
    assert (limit.raw(8), limit.tap(8)) == (8, 8)
    limit.close()


def test_the_engine_is_weighed_among_busy_processes(random_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """benchmarks/engine.py --busy starts processes beside the engine's, whose memory is told alone."""
    from benchmarks.engine import busy, memory

    backbone = random_model.with_suffix(".gguf")
    with busy(1), LlamaEngine(backbone, mark=None, context=256, options=ONE_THREAD) as engine:
        assert engine.info.context == 256
        memory(engine, backbone)
    assert capsys.readouterr().out.startswith("worker memory: ")
