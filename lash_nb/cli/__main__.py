"""The command line as a module: `python -m lash_nb.cli`."""

import sys

from lash_nb.cli import main

if __name__ == "__main__":
    sys.exit(main())
