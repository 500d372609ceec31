"""The command line: `lash-nb demo` shows a first turn and opens the notebooks, `lash-nb trace FILE` looks into a trace."""

from lash_nb.cli._main import main

__all__ = ["main"]
