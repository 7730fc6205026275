"""A Ray cluster: one of this machine's own, or one that runs.

Owns the connection, and how many engines fit. A cluster of our own reports nothing to anybody, has no dashboard, and
lets nobody in without the token that is made for it. Refuses to speak to any address that was not given.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from stepcheck import config
from stepcheck.door.reach import reach
from stepcheck.engine.cores import usable_cores
from stepcheck.errors import ServerError, UsageError
from stepcheck.machine.machine import memory_available
from stepcheck.ray.opening import NO_RAY

LOCAL, RUNNING = "local", "auto"
STORE = 100_000_000
"""Bytes of the store for what actors hand each other: here, counts and names."""
SPARE = 1
"""CPUs that are left to Ray's own tasks: without any, a pipeline of Ray Data waits for ever and says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one engine takes: CPUs, accelerators (a part of one is possible), bytes of memory."""

    cpus: int = 1
    gpus: float = 0.0
    memory: int = 0

    def fits(self, cpus: float, gpus: float, memory: float) -> int:
        """How many fit into a machine."""
        found = [cpus // self.cpus]
        if self.memory:
            found.append(memory // self.memory)
        if self.gpus:
            found.append(int(gpus / self.gpus + 1e-9))
        return max(0, int(min(found)))


def check_installed() -> None:
    """Raise UsageError where Ray is missing."""
    if find_spec("ray") is None:
        raise UsageError(NO_RAY)


@contextmanager
def connected(address: str, share: Share, wanted: int | None) -> Iterator[int]:
    """Connect to a cluster, or start one of this machine's, and yield how many engines are to run in it.

    Without `wanted` as many as fit, with a CPU left for Ray. Where this process is connected already, that cluster is
    used and stays as it is.

    Raises:
        ServerError: no cluster answers there.
        UsageError: not a single engine fits.
    """
    if address == LOCAL:
        config.keep_ray_to_itself(anew="ray" not in sys.modules)
    import ray

    if ray.is_initialized():
        yield _engines(ray.nodes(), share, wanted)
        return
    try:
        if address == LOCAL:
            engines = wanted or share.fits(usable_cores(), _gpus(share, wanted), memory_available()) or 1
            _start(engines, share)
        else:
            _join(address)
            engines = _engines(ray.nodes(), share, wanted)
        yield engines
    finally:
        ray.shutdown()


def _start(engines: int, share: Share) -> None:
    """Start a cluster that knows of as many CPUs as the engines take and Ray's own."""
    import ray

    gpus = {"num_gpus": max(1, round(engines * share.gpus + 0.4999))} if share.gpus else {}
    try:
        ray.init(
            address=LOCAL,
            num_cpus=engines * share.cpus + SPARE,
            include_dashboard=False,
            object_store_memory=STORE,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **gpus,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ServerError(f"Ray cannot be started here: {_first(error)}") from error


def _join(address: str) -> None:
    import ray

    if address != RUNNING:
        reach(address.removeprefix("ray://"))
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises ConnectionError, RuntimeError, its own and gRPC's
        raise ServerError(
            f"{address}: no Ray cluster answers there: {_first(error)} If it wants a token, set RAY_AUTH_MODE=token,"
            " with the token in RAY_AUTH_TOKEN or ~/.ray/auth_token"
        ) from error


def _engines(nodes: list[Mapping[str, Any]], share: Share, wanted: int | None) -> int:
    """How many engines are to run: what was asked for, else what fits on the nodes; one CPU stays Ray's."""
    if wanted:
        return wanted
    alive = [node.get("Resources", {}) for node in nodes if node.get("Alive")]
    found = sum(share.fits(has.get("CPU", 0.0), has.get("GPU", 0.0), has.get("memory", 0.0)) for has in alive)
    if not found:
        takes = f"{share.cpus} CPU" + (f", {share.gpus:g} GPU" if share.gpus else "")
        takes += f", {share.memory / 1e9:.1f} GB" if share.memory else ""
        raise UsageError(f"no node of the cluster has room for an engine ({takes}): lower --threads, or --ray-gpus")
    left = sum(has.get("CPU", 0.0) for has in alive) - found * share.cpus
    return found - 1 if left < SPARE and found > 1 else found


def _gpus(share: Share, wanted: int | None) -> float:
    """How many accelerators this machine has, where they are asked for."""
    if not share.gpus or wanted:
        return 0.0
    from stepcheck.machine.machine import describe_build

    found = sum(device.get("kind") == "GPU" for device in describe_build().get("devices", ()))
    if not found:
        raise UsageError("--ray-gpus: this build of llama.cpp sees no GPU here (docs/installing.md)")
    return float(found)


def _first(error: BaseException) -> str:
    """Take the first sentence of an error, with one full stop at its end."""
    return (str(error).strip() or type(error).__name__).split("\n")[0][:300].rstrip(".") + "."
