"""Keeps a question that `%lash` is given: to the shell a line that ends in `?` asks for help about its last word.

It goes into `shell.input_transformers_cleanup`, before the shell looks for such lines. `%lash?` and `%lash VERB?` stay help.
"""

import re
from typing import Final

from IPython.core.inputtransformer2 import make_tokens_by_line

__all__ = ["keep_questions"]

_QUESTION: Final = re.compile(r"(?P<before>\s*(?:[^%=]+=\s*)?)%lash[ \t]+(?P<line>\S+[ \t]+[^\s?].*\?)\s*")
_CALL: Final = "{before}get_ipython().run_line_magic('lash', {line!r})\n"


def keep_questions(lines: list[str]) -> list[str]:
    """Return the lines of a cell with every `%lash VERB TEXT?` as the call that the shell makes of a magic."""
    found = {row: match for row, line in enumerate(lines) if (match := _QUESTION.fullmatch(line))}
    if not found or lines[0].startswith("%%"):
        return lines
    # Within a string of several lines no token starts at the sign.
    starts = {token.start for tokens in make_tokens_by_line(lines) for token in tokens}
    asked = {row: match for row, match in found.items() if (row + 1, match.end("before")) in starts}
    return [_CALL.format(**asked[row].groupdict()) if row in asked else line for row, line in enumerate(lines)]
