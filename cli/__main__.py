"""`python -m reelq.cli`: the same as `reelq`."""

import sys

from reelq.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
