"""`stepcheck doctor`: what this machine can run, how fast, and what would make it faster."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepcheck import config
from stepcheck.cli import groups, options
from stepcheck.cli.output import json_text, opened
from stepcheck.cli.transfer import size
from stepcheck.report.clean import clean, clean_line

if TYPE_CHECKING:
    from stepcheck.machine.doctor import Advice
    from stepcheck.machine.machine import Processor
    from stepcheck.machine.speed import Rate


@dataclass(frozen=True, slots=True)
class _Health:
    """Everything that is reported."""

    build: dict[str, Any]
    cpu: "Processor"
    memory: int
    models: list[dict[str, Any]]
    fits: dict[str, list[str]]
    rates: dict[str, float]
    recommended: str
    advice: "list[Advice]"


def doctor(
    *,
    bench: Annotated[bool, typer.Option("--bench", help="Measure how fast each weight type is read here.")] = False,
    models_dir: groups.ModelsDir = None,
    threads: groups.Threads = None,
    gpu_layers: groups.GpuLayers = None,
    as_json: options.JsonOption = False,
) -> None:
    """Say what this machine can run, how fast, and what to install to make it faster.

    With --bench, two layers of the 7B's shape are made and read in each weight type, which takes a few minutes and,
    meanwhile, 3 GB of disk. The rates are kept, and `models pull` chooses the type by them.
    """
    from stepcheck.machine.machine import keep_rates

    settings = groups.settle({"models_dir": models_dir, "n_threads": threads, "n_gpu_layers": gpu_layers})
    if bench:
        rates = _bench(settings)
        keep_rates({rate.weight_type.value: rate.model for rate in rates})
    health = _examine(settings)
    with opened(None) as sink:
        sink.write(_as_json(health) if as_json else clean(_as_text(health)))


def _bench(settings: config.Config) -> "list[Rate]":
    from stepcheck.machine.speed import measure

    terminal = sys.stderr is not None and sys.stderr.isatty()

    def step(words: str) -> None:
        if terminal:
            sys.stderr.write(f"\r\x1b[K{words}")
            sys.stderr.flush()

    rates = measure(options=settings.engine, on_step=step)
    if terminal:
        sys.stderr.write("\r\x1b[K")
    return rates


def _examine(settings: config.Config) -> _Health:
    from stepcheck.hub.disk.store import list_models
    from stepcheck.machine.choice import best_type, fitting
    from stepcheck.machine.doctor import advise, hardware
    from stepcheck.machine.machine import describe_build, known_rates, memory_available, processor
    from stepcheck.prm.families import runs

    build, cpu, memory = describe_build(), processor(), memory_available()
    listed = list_models(settings.models_dir)
    cards = [entry.card for entry in listed if entry.card and entry.card.memory and runs(entry.card)]
    seven = next((card for card in cards if card.name == "Qwen2.5-Math-PRM-7B"), None)
    return _Health(
        build=build,
        cpu=cpu,
        memory=memory,
        models=[_model(entry) for entry in listed if entry.ready],
        fits={card.name: [kind.value for kind in fitting(card, memory)] for card in cards},
        rates=known_rates(),
        recommended=best_type(seven, memory).value if seven else "",
        advice=advise(build, cpu, hardware()),
    )


def _model(entry: Any) -> dict[str, Any]:  # noqa: ANN401 (a Listed)
    """Describe a model that is here, hashed only if it changed since it was last."""
    from stepcheck.errors import StepcheckError
    from stepcheck.hub.disk.store import find, verify

    state = "verified"
    try:
        verify(find(str(entry.path)))
    except StepcheckError as error:
        state = str(error)
    card = entry.card
    return {"name": entry.name, "type": card.weight_type, "path": str(entry.path), "state": state}


def _as_json(health: _Health) -> str:
    return json_text(
        {
            "llama_cpp": health.build,
            "cpu": {"name": health.cpu.name, "cores": health.cpu.cores, "features": sorted(health.cpu.features)},
            "memory_available": health.memory,
            "models": health.models,
            "fits": health.fits,
            "prefill_tokens_per_second": health.rates,
            "recommended": health.recommended,
            "advice": [{"reason": advice.reason, "command": advice.command} for advice in health.advice],
        }
    )


def _as_text(health: _Health) -> str:
    build = health.build
    version = build["version"] or "(cannot be loaded)"
    lines = [
        f"llama.cpp   llama-cpp-python {version}, backends {', '.join(build['backends']) or 'none'}",
        f"compiled    {', '.join(build['features']) or '(unknown)'}",
        f"processor   {clean_line(health.cpu.name)}, {health.cpu.cores} cores to use",
        f"memory      {size(health.memory)} available",
        *(
            f"device      {clean_line(device['name'])}: {clean_line(device['description'])},"
            f" {size(device['free'])} of {size(device['total'])} free"
            for device in build["devices"]
            if device["kind"] != "CPU"
        ),
        "",
        "models here",
        *(f"  {model['name']:<32} {model['type']:<8} {clean_line(model['state'])}" for model in health.models),
        "",
        "weight types that fit",
        *(f"  {name:<36} {' '.join(kinds) or 'none'}" for name, kinds in health.fits.items()),
        "",
        *_rates(health),
    ]
    if health.advice:
        lines += ["", "better on this machine"]
        lines += [line for advice in health.advice for line in (f"  {advice.reason}:", f"    {advice.command}")]
    else:
        lines += ["", "This build uses what this machine has."]
    return "\n".join(lines) + "\n"


def _rates(health: _Health) -> list[str]:
    if not health.rates:
        return ["prefill rates: not measured yet; stepcheck doctor --bench"]
    rows = [f"  {kind:<8} {rate:8.1f}" for kind, rate in health.rates.items()]
    head = "prefill rates of the 7B shape, in tokens per second (measured on two layers, 512 tokens)"
    return [head, *rows, f"  recommended for Qwen2.5-Math-PRM-7B: {health.recommended}"]
