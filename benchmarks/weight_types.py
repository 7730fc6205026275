"""Which weight type is read fastest on this machine?

    python benchmarks/weight_types.py [--types bf16 q4_0 …] [--rounds 5]

One layer of Qwen2.5-Math-PRM-7B's exact shape with random weights, 512 tokens a reading, all types in turn within each
round, best of the rounds (stepcheck/hub/speed.py, which `stepcheck doctor --bench` runs too). The model's rate is the
layer's divided by its 28 layers.
"""

import argparse

from stepcheck.hub.choice import OFFERED
from stepcheck.hub.machine import machine_id
from stepcheck.hub.quantize import WeightType
from stepcheck.hub.speed import measure


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", nargs="+", default=[kind.value for kind in OFFERED], choices=list(WeightType))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(machine_id())
    print(f"{'type':<8} {'one layer':>12} {'7B':>8}   tokens per second")
    for rate in measure([WeightType(kind) for kind in arguments.types], rounds=arguments.rounds):
        print(f"{rate.weight_type:<8} {rate.layer:>12.1f} {rate.model:>8.2f}")


if __name__ == "__main__":
    main()
