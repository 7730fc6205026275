"""This machine: its memory and processor, what a model takes of it, and the rates that were measured on it.

Owns the arithmetic of fitting. Refuses a model that does not fit, with the numbers, before it is loaded: a machine that
swaps looks like a program that hangs.
"""

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from stepcheck.engine.base import LANE_CELLS, N_LANES, EngineOptions
from stepcheck.engine.cores import usable_cores
from stepcheck.errors import OutOfMemoryError
from stepcheck.hub.disk.hashes import user_cache
from stepcheck.hub.disk.store import Model
from stepcheck.prm.card import ModelCard

PROCESS: Final = 250_000_000
"""Bytes of the engine's process without a model."""
UBATCH: Final = 512
RATES: Final = "rates.json"


@dataclass(frozen=True, slots=True)
class Processor:
    """The CPU: its name, what it can do as far as this system tells, and the cores this process may use."""

    name: str
    features: frozenset[str]
    cores: int


def memory_available(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that a new process could take: the system's, or what a container's limit leaves.

    File pages that were not used lately count as free: the kernel gives them back before it kills anybody.
    """
    import psutil

    available = int(psutil.virtual_memory().available)
    limit, used = _number(cgroup / "memory.max"), _number(cgroup / "memory.current")
    if limit is None or used is None:
        return available
    return min(available, max(0, limit - used + _idle_pages(cgroup / "memory.stat")))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _idle_pages(path: Path) -> int:
    try:
        rows = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
        return int(rows.get("inactive_file", 0))
    except (OSError, ValueError):
        return 0


def memory_needed(backbone: int, card: ModelCard, options: EngineOptions = EngineOptions()) -> int:  # noqa: B008 (frozen)
    """Bytes that running a model takes: weights, KV caches in float16, a batch's states for each, head and process.

    `backbone` is the GGUF's size in bytes. Without a shape in the card, a tenth of the weights stands for the rest. A
    further lane counts where it was asked for: by itself there is one only if it fits (`settle_lanes`).
    """
    shape = card.shape
    if shape is None:
        return PROCESS + backbone + backbone // 10
    context, batch = options.n_ctx or card.context, options.n_ubatch or UBATCH
    lanes = options.n_lanes or 1
    cells = context + (lanes - 1) * min(context, LANE_CELLS)
    cache = 2 * 2 * shape.layers * ((shape.head_dim or shape.hidden // shape.heads) * shape.kv_heads) * cells
    states = 4 * batch * lanes * (3 * shape.feed_forward + 8 * shape.hidden)
    return PROCESS + backbone + cache + states + 4 * shape.hidden * shape.hidden


def memory_of(model: Model, options: EngineOptions) -> int:
    """Bytes that running a model takes by the files that are here, its reference's too."""
    parts = model.weights.parts.items()
    sizes = (part.path.stat().st_size for role, part in parts if role in {"backbone", "reference"})
    return sum(memory_needed(size, model.card, options) for size in sizes)


def settle_lanes(model: Model, options: EngineOptions, *, available: int | None = None) -> EngineOptions:
    """Settle for one lane where several would not fit into memory, unless a number is asked for."""
    free = memory_available() if available is None else available
    if options.n_lanes is None and memory_of(model, replace(options, n_lanes=N_LANES)) > free:
        return replace(options, n_lanes=1)
    return options


def check_memory(model: Model, options: EngineOptions, *, available: int | None = None) -> None:
    """Refuse a model that does not fit into memory.

    Where layers go to an accelerator, its free memory counts too; it is asked for only if the rest is too small.

    Raises:
        OutOfMemoryError: with what it takes, what there is, and what to do.
    """
    free = memory_available() if available is None else available
    needed = memory_of(model, options)
    if needed <= free:
        return
    if options.n_gpu_layers != 0 and sys.platform != "darwin":  # a Mac's graphics share its memory
        free += sum(device.get("free", 0) for device in describe_build()["devices"] if device["kind"] == "GPU")
        if needed <= free:
            return
    raise OutOfMemoryError(
        f"{model.card.name}: takes about {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free: choose a"
        " smaller weight type (stepcheck doctor says which fit), lower --ctx, or load it all the same with --force"
    )


def describe_build() -> dict[str, Any]:
    """Ask a child process what this build of llama.cpp is and which devices it sees.

    Keys: `version`, `offload`, `features` (of the CPU, as compiled in), `devices` (name, description, kind, free and
    total bytes), `backends`; an `error` where it cannot be loaded.
    """
    command = [sys.executable, "-P", "-m", "stepcheck.engine.probe"]
    unknown: dict[str, Any] = {"version": "", "offload": False, "features": [], "devices": [], "backends": []}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 (our own)
    except (OSError, subprocess.TimeoutExpired) as error:
        return unknown | {"error": str(error)}
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:]
        return unknown | {"error": " ".join(last) or f"its process ended with status {done.returncode}"}
    return found


def processor() -> Processor:
    """Describe the CPU as far as this system tells."""
    lines = (line.split(":", 1) for line in _cpuinfo().splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in lines}
    name = fields.get("model name") or fields.get("machdep.cpu.brand_string") or platform.processor()
    flags = fields.get("flags") or fields.get("Features") or ""
    return Processor(name or platform.machine(), frozenset(flags.lower().split()), usable_cores())


def _cpuinfo() -> str:
    """The system's own description of the CPU, as `key: value` lines."""
    if sys.platform == "linux":
        try:
            return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
        except OSError:
            return ""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "machdep.cpu.brand_string"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 (fixed)
        return done.stdout
    return ""


def machine_id() -> str:
    """Name what a rate depends on: CPU, cores and the build of llama.cpp."""
    import importlib.metadata

    cpu = processor()
    return f"{cpu.name}, {cpu.cores} cores, llama-cpp-python {importlib.metadata.version('llama-cpp-python')}"


def keep_rates(rates: dict[str, float]) -> None:
    """Keep measured prefill rates (tokens per second by weight type, of the 7B shape) for this machine."""
    path = user_cache() / RATES
    known = _all_rates() | {machine_id(): rates}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{RATES}.{os.getpid()}")
        part.write_text(json.dumps(known), encoding="utf-8")
        part.replace(path)
    except OSError:
        return  # the rates were shown; a cache that cannot be written costs only measuring again


def known_rates() -> dict[str, float]:
    """Return what `keep_rates` kept for this machine; empty where nothing was measured."""
    found = _all_rates().get(machine_id(), {})
    return {kind: float(rate) for kind, rate in found.items() if isinstance(rate, int | float)}


def _all_rates() -> dict[str, dict[str, Any]]:
    try:
        known = json.loads((user_cache() / RATES).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {key: value for key, value in known.items() if isinstance(value, dict)} if isinstance(known, dict) else {}
