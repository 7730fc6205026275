"""What this build of llama.cpp is: `python -m stepcheck.engine.probe` prints one JSON object and ends.

A process of its own, for the parent never loads llama.cpp, and a build that does not fit the processor ends with an
illegal instruction.
"""

import importlib.metadata
import json
import sys


def main() -> None:
    """Print, as JSON, how llama.cpp was built and what it finds."""
    from stepcheck.engine.devices import build_info

    version = importlib.metadata.version("llama-cpp-python")
    sys.stdout.write(json.dumps({"version": version} | build_info()) + "\n")


if __name__ == "__main__":
    main()
