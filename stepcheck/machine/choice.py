"""Which weight type to take: the one that fits and that was measured to be best here.

Owns the rule. Apart from `machine`, so that scoring, which only asks whether a model fits, need not load the quantizer.
"""

from typing import Final

from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.machine import machine
from stepcheck.prm.card import ModelCard

DEFAULT_TYPE: Final = WeightType.Q4_K_M
OFFERED: Final = (
    WeightType.BF16,
    WeightType.Q8_0,
    WeightType.Q6_K,
    WeightType.Q5_K_M,
    WeightType.Q4_K_M,
    WeightType.Q4_0,
)
"""The types worth choosing from, the most exact first."""
NEARLY: Final = 0.9
"""A more exact type is chosen if it reaches this share of the fastest one's rate."""


def fitting(card: ModelCard, available: int | None = None) -> list[WeightType]:
    """Return the offered types of a card that fit into this machine's memory, the most exact first."""
    free = machine.memory_available() if available is None else available
    return [
        kind
        for kind in OFFERED
        if kind.value in card.memory and machine.memory_needed(card.memory[kind.value] * 1_000_000, card) <= free
    ]


def best_type(card: ModelCard, available: int | None = None) -> WeightType:
    """Choose the type to pull: measured here and fitting, the most exact that is nearly as fast as the fastest.

    Without a measurement it is q4_k_m, the usual choice, or the largest that fits where that does not.
    """
    fits = fitting(card, available)
    rates = machine.known_rates()
    measured = [kind for kind in fits if kind.value in rates]
    if not measured:
        return DEFAULT_TYPE if DEFAULT_TYPE in fits or not fits else fits[0]
    most = max(rates[kind.value] for kind in measured)
    return next(kind for kind in measured if rates[kind.value] >= NEARLY * most)
