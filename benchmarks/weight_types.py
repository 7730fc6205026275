"""Which weight type is read fastest on this machine?

    python benchmarks/weight_types.py [--types bf16 q4_0 …] [--rounds 5] [--depth 6]

Two layers of Qwen2.5-Math-PRM-7B's exact shape with random weights, 512 tokens a reading, all types in turn within each
round, best of the rounds (stepcheck/machine/speed.py, which `stepcheck doctor --bench` runs too). The 7B's rate
follows; `--depth` holds the rule against a model with so many layers, measured in the same rounds.
"""

import argparse

from stepcheck.hub.gguf.quantize import WeightType
from stepcheck.machine.choice import OFFERED
from stepcheck.machine.machine import machine_id
from stepcheck.machine.speed import SHAPE, measure, whole_layers


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", nargs="+", default=[kind.value for kind in OFFERED], choices=list(WeightType))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--depth", type=int, help="measure a model with so many layers too")
    arguments = parser.parse_args()
    depths = (SHAPE.layers, arguments.depth) if arguments.depth else (SHAPE.layers,)
    rates = measure([WeightType(kind) for kind in arguments.types], rounds=arguments.rounds, depths=depths)
    print(machine_id())
    print(f"{'type':<8} {'layers':>6} {'measured':>9} {'by rule':>9} {'7B':>8}   tokens per second")
    for rate in rates:
        few = next(other for other in rates if other.weight_type is rate.weight_type)
        rule = few.measured * whole_layers(few.layers) / whole_layers(rate.layers)
        print(f"{rate.weight_type:<8} {rate.layers:>6} {rate.measured:>9.1f} {rule:>9.1f} {rate.model:>8.2f}")


if __name__ == "__main__":
    main()
