"""``python -m izhi`` is the same program as ``izhi``."""

import sys

from izhi.cli import main

if __name__ == "__main__":
    sys.exit(main())
