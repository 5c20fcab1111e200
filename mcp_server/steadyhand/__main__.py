"""`python -m steadyhand` is the same as `steadyhand`."""

import sys

from steadyhand.cli import main

if __name__ == "__main__":
    sys.exit(main())
