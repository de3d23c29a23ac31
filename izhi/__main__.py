"""``python -m izhi`` is the same program as ``izhi``."""

import sys

if __name__ == "__main__":
    from izhi import children

    sys.path[:] = children.search_path()  # which -m began with the working folder

    from izhi.cli import main

    sys.exit(main())
