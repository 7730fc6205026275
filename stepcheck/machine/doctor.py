"""What would be better on this machine: the build of llama.cpp against the hardware, and the command that mends it.

Owns the advice. Pure but for `hardware`, which looks at what is plugged in without loading any driver.
"""

import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stepcheck.machine.machine import Processor

WHEELS: Final = "https://abetlen.github.io/llama-cpp-python/whl"
"""The maintainers' index of prebuilt wheels, one folder per backend."""
FEATURES: Final = {
    "avx2": "AVX2",
    "fma": "FMA",
    "f16c": "F16C",
    "avx512f": "AVX512",
    "avx512_vnni": "AVX512_VNNI",
    "avx512_bf16": "AVX512_BF16",
    "amx_int8": "AMX_INT8",
    "asimddp": "DOTPROD",
    "i8mm": "MATMUL_INT8",
    "sve": "SVE",
}
"""What a CPU calls a feature in /proc/cpuinfo → what llama.cpp calls it when compiled in."""
ARM: Final = frozenset({"aarch64", "arm64"})
VENDORS: Final = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}


@dataclass(frozen=True, slots=True)
class Advice:
    """What is amiss and the exact command for it."""

    reason: str
    command: str


@dataclass(frozen=True, slots=True)
class Hardware:
    """System, machine and the graphics processors' makers, as far as can be seen without their drivers."""

    system: str
    machine: str
    graphics: frozenset[str]


def hardware() -> Hardware:
    """Look at what is plugged in."""
    found = set()
    for vendor in Path("/sys/class/drm").glob("card*/device/vendor"):
        try:
            found.add(VENDORS.get(vendor.read_text(encoding="ascii").strip(), ""))
        except OSError:
            continue
    if shutil.which("nvidia-smi"):
        found.add("NVIDIA")
    return Hardware(sys.platform, platform.machine().lower(), frozenset(found - {""}))


def advise(build: dict[str, Any], cpu: Processor, machine: Hardware) -> list[Advice]:
    """Say what would make this machine faster; an empty list where the build uses all there is. Pure."""
    if build.get("error"):
        return [Advice(f"llama.cpp cannot be loaded: {build['error']}", install("cpu"))]
    advice = []
    if not build["offload"]:
        if "NVIDIA" in machine.graphics:
            advice.append(Advice("an NVIDIA graphics processor is here, this build cannot use it", install("cu124")))
        elif machine.system == "darwin" and machine.machine == "arm64":
            advice.append(Advice("this Mac's graphics processor could be used through Metal", install("metal")))
        elif machine.graphics:
            names = " and ".join(sorted(machine.graphics))
            advice.append(Advice(f"graphics of {names} could be used through Vulkan", rebuild("-DGGML_VULKAN=on")))
    missing = missing_features(build["features"], cpu)
    if missing:
        advice.append(
            Advice(f"this processor has {', '.join(missing)}, this build leaves it unused", rebuild("-DGGML_NATIVE=on"))
        )
    return advice if build["offload"] else advice + more_kernels(build, cpu, machine)


def more_kernels(build: dict[str, Any], cpu: Processor, machine: Hardware) -> list[Advice]:
    """Name the makers' own matrix kernels that llama.cpp can be built with, and this build is not.

    Their gain is llama.cpp's word (docs/build.md, docs/backend/ZenDNN.md: 1.1 to 2 times in bf16 on Zen 4 and 5), not
    measured here; so the advice is to measure.
    """
    found = []
    compare = "may be read faster; hold 'stepcheck doctor --bench' of before against after"
    if machine.system != "darwin" and machine.machine in ARM and "KLEIDIAI" not in build["features"]:
        flags = ("-DGGML_NATIVE=on", "-DGGML_CPU_KLEIDIAI=on")
        found.append(Advice(f"Arm's KleidiAI is not in this build: q4_0 and q8_0 {compare}", rebuild(*flags)))
    amd = cpu.name.startswith("AMD") and "avx512_bf16" in cpu.features
    if amd and all(device["name"] != "ZenDNN" for device in build["devices"]):
        flags = ("-DGGML_NATIVE=on", "-DGGML_ZENDNN=on")
        found.append(Advice(f"AMD's ZenDNN is not in this build: bf16 {compare}", rebuild(*flags)))
    return found


def missing_features(compiled: list[str], cpu: Processor) -> list[str]:
    """Return the features that the processor has and the build lacks, by llama.cpp's names."""
    return [name for flag, name in FEATURES.items() if flag in cpu.features and name not in compiled]


def install(backend: str) -> str:
    """Return the command that installs a prebuilt wheel."""
    return (
        "pip install --force-reinstall --no-deps --only-binary llama-cpp-python"
        f" --extra-index-url {WHEELS}/{backend} llama-cpp-python"
    )


def rebuild(*flags: str) -> str:
    """Return the command that compiles llama.cpp anew."""
    return (
        f'CMAKE_ARGS="{" ".join(("-DLLAVA_BUILD=OFF", *flags))}" pip install --force-reinstall --no-deps --no-cache-dir'
        " --no-binary llama-cpp-python llama-cpp-python"
    )
