"""Knowing the machine: what fits, what is refused, what would be better, and which type to pull."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stepcheck.checker import Checker
from stepcheck.engine.base import EngineOptions
from stepcheck.errors import OutOfMemoryError
from stepcheck.hub.checkpoint.shape import Shape
from stepcheck.hub.disk import hashes
from stepcheck.hub.disk.store import builtin_dir, find
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.machine import machine
from stepcheck.machine.choice import best_type, fitting
from stepcheck.machine.doctor import Hardware, advise, missing_features
from stepcheck.machine.machine import (
    Processor,
    check_memory,
    keep_rates,
    known_rates,
    memory_needed,
    memory_of,
    settle_lanes,
)
from stepcheck.machine.speed import measure
from stepcheck.prm.card import ModelCard, read_card

GPU = {"name": "CUDA0", "description": "a card", "kind": "GPU", "free": 80_000_000_000, "total": 80_000_000_000}
BUILD: dict[str, Any] = {"version": "0", "offload": False, "features": ["AVX2"], "backends": ["CPU"], "devices": []}


@pytest.fixture
def seven() -> ModelCard:
    return read_card(builtin_dir() / "qwen2.5-math-prm-7b.toml")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing measured here is kept in the cache of whoever runs the tests."""
    monkeypatch.setattr(machine, "user_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(hashes, "user_cache", lambda: tmp_path / "cache")


def test_the_memory_of_a_model_is_added_up(seven: ModelCard) -> None:
    """Weights, KV cache, one batch, head and process.

    7B at 4,096 tokens: the cache takes 2 (keys, values) x 2 bytes x 28 layers x 512 x 4,096 = 235 MB.
    """
    cache = 2 * 2 * 28 * 512 * 4096
    states = 4 * 512 * (3 * 18944 + 8 * 3584)
    head = 4 * 3584 * 3584
    needed = memory_needed(4_371_000_000, seven)
    assert needed == machine.PROCESS + 4_371_000_000 + cache + states + head
    assert memory_needed(4_371_000_000, seven, EngineOptions(n_lanes=2)) == needed + cache + states
    assert memory_needed(4_371_000_000, seven, EngineOptions(n_ctx=8192)) == needed + cache


def test_a_further_lane_is_left_out_where_it_does_not_fit() -> None:
    """Of its own accord; one that is asked for is not taken back. What a lane takes beside the model is the limit."""
    nano = find("nano", None)
    one, two = (memory_of(nano, EngineOptions(n_lanes=lanes)) for lanes in (1, 2))
    assert one < two
    assert settle_lanes(nano, EngineOptions(), available=two) == EngineOptions()
    assert settle_lanes(nano, EngineOptions(), available=two - 1) == EngineOptions(n_lanes=1)
    assert settle_lanes(nano, EngineOptions(n_lanes=2), available=0) == EngineOptions(n_lanes=2)


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    """1 GB allowed, 700 MB used of which 200 MB are idle file pages: 500 MB are free. Without a limit the system's."""
    whole = machine.memory_available(tmp_path)
    assert whole > 500_000_000
    (tmp_path / "memory.max").write_text("1000000000\n")
    (tmp_path / "memory.current").write_text("700000000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 200000000\n")
    assert machine.memory_available(tmp_path) == 500_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.memory_available(tmp_path) > 500_000_000


def test_which_types_fit(seven: ModelCard) -> None:
    """With 16 GB all but bf16, with 6 GB the four-bit ones, with 2 GB none."""
    assert [kind.value for kind in fitting(seven, 12_000_000_000)] == ["q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0"]
    assert [kind.value for kind in fitting(seven, 5_300_000_000)] == ["q4_k_m", "q4_0"]
    assert fitting(seven, 2_000_000_000) == []


def test_the_type_to_pull(seven: ModelCard) -> None:
    """Unmeasured q4_k_m; measured the most exact that is nearly as fast as the fastest of those that fit."""
    assert best_type(seven, 10**11) is WeightType.Q4_K_M
    keep_rates({"bf16": 20.0, "q8_0": 28.0, "q4_k_m": 30.0, "q4_0": 25.0})
    assert known_rates()["q4_k_m"] == 30.0
    assert best_type(seven, 10**11) is WeightType.Q8_0
    assert best_type(seven, 5_300_000_000) is WeightType.Q4_K_M
    keep_rates({"bf16": 40.0, "q8_0": 28.0})
    assert best_type(seven, 10**11) is WeightType.BF16


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": {"q8_0": "fast"}}'])
def test_a_damaged_memory_of_rates_is_no_rate(content: str, tmp_path: Path, seven: ModelCard) -> None:
    """Whatever the cache holds, there is a type to pull."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / machine.RATES).write_text(content)
    assert known_rates() == {}
    assert best_type(seven, 10**11) is WeightType.Q4_K_M


def test_a_model_that_does_not_fit_is_refused_with_the_numbers(
    random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has what it takes, what there is and what to do; a free accelerator or force let it through."""
    monkeypatch.setattr(machine, "memory_available", lambda: 200_000_000)
    model, options = find(str(random_model)), EngineOptions()
    monkeypatch.setattr(machine, "describe_build", lambda: BUILD)
    with pytest.raises(OutOfMemoryError, match=r"random: takes about 0\.3 GB of memory, 0\.2 GB are free: .* --force"):
        check_memory(model, options)
    with pytest.raises(OutOfMemoryError):
        Checker(random_model)
    Checker(random_model, force=True).close()
    monkeypatch.setattr(machine, "describe_build", lambda: BUILD | {"devices": [GPU]})
    monkeypatch.setattr(sys, "platform", "linux")
    check_memory(model, options)
    with pytest.raises(OutOfMemoryError):
        check_memory(model, EngineOptions(n_gpu_layers=0))
    monkeypatch.undo()
    check_memory(model, options)
    with pytest.raises(OutOfMemoryError, match="lower --ctx"):
        check_memory(find("nano"), EngineOptions(n_ctx=10_000_000), available=8_000_000_000)


@pytest.mark.parametrize(
    ("build", "features", "hardware", "words"),
    [
        ({}, {"avx2"}, ("linux", "x86_64", set()), []),
        ({}, {"avx2", "avx512f", "avx512_bf16"}, ("linux", "x86_64", set()), ["AVX512, AVX512_BF16", "GGML_NATIVE=on"]),
        ({}, {"avx2"}, ("linux", "x86_64", {"NVIDIA"}), ["NVIDIA", "--only-binary llama-cpp-python", "/whl/cu124"]),
        ({"offload": True}, {"avx2"}, ("linux", "x86_64", {"NVIDIA"}), []),
        ({}, {"avx2"}, ("linux", "x86_64", {"AMD"}), ["AMD", "-DGGML_VULKAN=on", "--no-binary llama-cpp-python"]),
        ({}, {"avx2"}, ("darwin", "arm64", set()), ["Metal", "/whl/metal"]),
        ({"error": "no such library"}, set(), ("linux", "x86_64", set()), ["no such library", "/whl/cpu"]),
    ],
)
def test_what_would_be_better(
    build: dict[str, Any], features: set[str], hardware: tuple[str, str, set[str]], words: list[str]
) -> None:
    """The advice names what lies idle and has the exact command; where nothing does, there is none."""
    system, kind, graphics = hardware
    cpu = Processor("a CPU", frozenset(features), 4)
    advice = advise(BUILD | build, cpu, Hardware(system, kind, frozenset(graphics)))
    text = " ".join(f"{entry.reason} {entry.command}" for entry in advice)
    assert all(word in text for word in words)
    assert bool(advice) == bool(words)


@pytest.mark.parametrize(
    ("build", "name", "kind", "words"),
    [
        ({}, "AMD EPYC 9654", "x86_64", ["ZenDNN", "bf16", "-DGGML_ZENDNN=on"]),
        ({"devices": [{"name": "ZenDNN", "kind": "other"}]}, "AMD EPYC 9654", "x86_64", []),
        ({"offload": True}, "AMD EPYC 9654", "x86_64", []),
        ({}, "Intel Xeon", "x86_64", []),
        ({}, "Neoverse-V2", "aarch64", ["KleidiAI", "q4_0", "-DGGML_CPU_KLEIDIAI=on"]),
        ({"features": ["AVX512_BF16", "KLEIDIAI"]}, "Neoverse-V2", "aarch64", []),
    ],
)
def test_kernels_of_the_processors_maker_are_named(
    build: dict[str, Any], name: str, kind: str, words: list[str]
) -> None:
    """Where llama.cpp could be built with them and is not, and no accelerator reads; the gain is to be measured."""
    build = BUILD | {"features": ["AVX512_BF16"]} | build
    advice = advise(build, Processor(name, frozenset({"avx512_bf16"}), 4), Hardware("linux", kind, frozenset()))
    text = " ".join(f"{entry.reason} {entry.command}" for entry in advice)
    assert all(word in text for word in words)
    assert bool(advice) == bool(words)
    assert not words or "doctor --bench" in text


def test_features_are_those_of_this_build() -> None:
    """The build says what is compiled in; what the processor lacks is not missed."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "stepcheck.engine.probe"], capture_output=True, text=True, check=True, timeout=60
    )
    build = json.loads(done.stdout)
    assert set(build) == {"version", "offload", "features", "backends", "devices"}
    assert [device for device in build["devices"] if device["kind"] == "CPU"]
    assert missing_features(build["features"], Processor("", frozenset(), 1)) == []
    assert machine.describe_build() == build | {"devices": machine.describe_build()["devices"]}


def test_rates_are_measured_with_the_real_engine() -> None:
    """Every type of a small shape is made, loaded and read; what was made is gone afterwards."""
    shape = Shape("Qwen2ForProcessRewardModel", 256, 2, 4, 2, 512, 512, 1024, 1e-5, 1e4)
    steps: list[str] = []
    rates = measure((WeightType.BF16, WeightType.Q4_K_M), shape=shape, rounds=1, on_step=steps.append)
    assert [rate.weight_type for rate in rates] == [WeightType.BF16, WeightType.Q4_K_M]
    assert all(
        rate.measured > 0 and rate.model == pytest.approx(rate.measured * 1.126 / 27.126, rel=1e-3) for rate in rates
    )
    assert len(steps) == 2 + 2 * 2
