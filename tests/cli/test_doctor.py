"""`stepcheck doctor`: one look at the machine, for people and for programs."""

import json
from pathlib import Path

import pytest

from stepcheck.cli.main import main
from stepcheck.hub.disk import hashes
from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.machine import machine, speed
from stepcheck.machine.speed import Rate


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing measured here is kept in the cache of whoever runs the tests."""
    for module in (machine, hashes):
        monkeypatch.setattr(module, "user_cache", lambda: tmp_path / "cache")
    return tmp_path / "models"


def test_it_says_what_is_here_and_what_fits(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Build, processor, memory, models with their state, types that fit, and either advice or that there is none."""
    assert main(["doctor", "--models-dir", str(own_cache)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("llama-cpp-python 0.3", "cores to use", "available", "models here", "weight types that fit"):
        assert words in out
    assert next(line for line in out.splitlines() if line.startswith("  nano")).split() == ["nano", "q8_0", "verified"]
    assert "not measured yet; stepcheck doctor --bench" in out
    assert ("better on this machine" in out) != ("This build uses what this machine has" in out)


def test_for_programs(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as one JSON object; what fits is what the free memory allows."""
    assert main(["doctor", "--json", "--models-dir", str(own_cache)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == 1
    assert set(said) == {
        "schema",
        "llama_cpp",
        "cpu",
        "memory_available",
        "models",
        "fits",
        "prefill_tokens_per_second",
        "recommended",
        "advice",
    }
    assert said["memory_available"] > 0
    assert [model["state"] for model in said["models"] if model["name"] == "nano"] == ["verified"]
    assert set(said["fits"]["Qwen2.5-Math-PRM-7B"]) <= {"bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0"}


def test_measured_rates_are_kept_and_recommended_by(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After --bench the table is shown, also the next time, and a pull without a type takes what it recommends."""
    rates = [
        Rate(WeightType.Q8_0, 2, 560.0, 20.0),
        Rate(WeightType.Q4_K_M, 2, 840.0, 30.0),
        Rate(WeightType.Q4_0, 2, 868.0, 31.0),
    ]
    monkeypatch.setattr(speed, "measure", lambda **_options: rates)
    monkeypatch.setattr(machine, "memory_available", lambda: 64_000_000_000)
    assert main(["doctor", "--bench", "--models-dir", str(own_cache)]) == 0
    first = capsys.readouterr().out
    assert main(["doctor", "--models-dir", str(own_cache)]) == 0
    assert capsys.readouterr().out == first
    rows = [line.split() for line in first.splitlines() if line.startswith(("  q8_0", "  q4"))]
    assert rows == [["q8_0", "20.0"], ["q4_k_m", "30.0"], ["q4_0", "31.0"]]
    assert "recommended for Qwen2.5-Math-PRM-7B: q4_k_m" in first
