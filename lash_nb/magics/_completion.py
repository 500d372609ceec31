"""Completion of magic lines: verbs, flags, and what may stand in them. Nothing of Python's own is offered there."""

import re
from collections.abc import Iterable
from typing import Final

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from lash_nb.magics._bench import Bench
from lash_nb.magics._prompt import PROMPT
from lash_nb.magics._verb import Argument, Usage
from lash_nb.magics._verbs import VERBS

__all__ = ["Completer"]

_MAGIC: Final = re.compile(r"^\s*(?:[\w.\[\]'\", ]+=\s*)?(?P<sign>%%?)lash(?P<rest>\s.*)$", re.DOTALL)
_PRIORITY: Final = 120
"""Before IPython's own matchers (100)."""


class Completer:
    """The matcher of one shell."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

        @context_matcher(identifier="lash_nb", priority=_PRIORITY)  # type: ignore[untyped-decorator]  # IPython types half of its functions
        def matcher(context: CompletionContext) -> SimpleMatcherResult:
            return self._result(context.text_until_cursor)

        self.matcher: Final = matcher
        """What goes into `shell.Completer.custom_matchers`."""

    def offers(self, text: str) -> tuple[str, list[str]] | None:
        """Return what is typed of the last word and what it may become; None where the text is no magic line."""
        found = _MAGIC.match(text)
        if found is None:
            return None
        *before, typed = re.split(r"\s+", found["rest"].lstrip())
        candidates = self._candidates(PROMPT if found["sign"] == "%%" else None, before, typed)
        return typed, [one for one in dict.fromkeys(candidates) if one.startswith(typed)]

    def _candidates(self, usage: Usage | None, before: list[str], typed: str) -> Iterable[str]:
        if usage is None:
            if not before:
                return VERBS
            usage, before = VERBS.get(before[0]), before[1:]
        if usage is None:
            return ()
        if usage.name == "explain" and before:
            return self._candidates(None, before, typed)
        return self._for_usage(usage, before, typed)

    def _for_usage(self, usage: Usage, before: list[str], typed: str) -> Iterable[str]:
        flags = {argument.name: argument for argument in usage.arguments if argument.is_flag}
        last = flags.get(before[-1]) if before else None
        if (last is not None and "action" not in last.settings) or (
            last is not None and last.settings["action"] == "append"
        ):
            return self._values(last, typed)
        if typed.startswith("-"):
            return (*flags, "--help")
        positions = [argument for argument in usage.arguments if not argument.is_flag]
        taken = len([word for word in before if not word.startswith("-")])
        if positions and positions[-1].settings.get("nargs") == "*":
            taken = min(taken, len(positions) - 1)
        here = self._values(positions[taken], typed) if taken < len(positions) else ()
        return here or flags

    def _values(self, argument: Argument, typed: str) -> list[str]:
        return [one for one in argument.values(self._bench, typed) if one] if argument.values else []

    def _result(self, text: str) -> SimpleMatcherResult:
        offered = self.offers(text)
        if offered is None:
            return SimpleMatcherResult(completions=[], suppress=False)
        typed, candidates = offered
        completions = [SimpleCompletion(text=one, type="magic") for one in candidates]
        return SimpleMatcherResult(completions=completions, suppress=True, matched_fragment=typed, ordered=True)
