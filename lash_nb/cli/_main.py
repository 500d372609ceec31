"""How a command ends: after Ctrl-C, or a signal that tells it to, without a word, whatever it was doing.

Everything else is imported in there: who is impatient presses Ctrl-C while libraries load.
"""

import importlib
from collections.abc import Sequence

from lash_nb.cli._ending import INTERRUPTED, Ended, ending_on_signals

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    It is 1 after an error, which is told in one line, and 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP; a command that is none
    ends the process with 2.
    """
    try:
        with ending_on_signals():
            code: int = importlib.import_module("lash_nb.cli._command").run(arguments)
            return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Ended as ended:
        return ended.exit_code
