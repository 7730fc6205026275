"""`python -m stepcheck`."""

import sys

from stepcheck.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
