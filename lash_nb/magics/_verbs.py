"""The table of all verbs, and the two that tell about the others."""

import difflib
import textwrap
from argparse import Namespace
from collections.abc import Mapping
from typing import Final

from lash_nb.errors import CallerError
from lash_nb.magics._arguments import session_python
from lash_nb.magics._attachment_verb import ATTACHMENT_VERB
from lash_nb.magics._bench import Bench
from lash_nb.magics._graph_verbs import GRAPH_VERBS
from lash_nb.magics._look_verbs import LOOK_VERBS
from lash_nb.magics._plot_verb import PLOT
from lash_nb.magics._preview_verb import PREVIEW_VERB
from lash_nb.magics._prompt import PROMPT, read_assignment
from lash_nb.magics._provider_verbs import PROVIDER_VERBS
from lash_nb.magics._queue_verb import QUEUE_VERB
from lash_nb.magics._session_verbs import SESSION_VERBS
from lash_nb.magics._step_verbs import STEP_VERBS
from lash_nb.magics._store_verbs import STORE_VERBS
from lash_nb.magics._tools_verb import TOOLS_VERB
from lash_nb.magics._trace_verb import TRACE_VERB
from lash_nb.magics._usage_verb import USAGE_VERB
from lash_nb.magics._verb import Argument, Usage, Verb

__all__ = ["VERBS", "overview", "verb_named"]


_WIDTH: Final = 100
"""Characters of a line in the cell of a notebook."""


def verb_named(name: str) -> Verb:
    """Return the verb of that name.

    Raises:
        CallerError: there is none; the message says what was meant, perhaps.
    """
    if name in VERBS:
        return VERBS[name]
    near = [f"{verb.name} {name}" for verb in VERBS.values() if name in verb.choices]
    near += difflib.get_close_matches(name, VERBS, n=1)
    hint = f"did you mean %lash {near[0]}?" if near else "all verbs: %lash help"
    raise CallerError(f"no verb {name}; {hint}", code="magics_verb")


def overview() -> str:
    """Return all verbs with what they do, a line each."""
    width = max(map(len, VERBS))
    lines = [line for verb in VERBS.values() for line in _told(f"  %lash {verb.name:<{width}}  ", verb.summary)]
    prompt = "%%lash, then a prompt in the lines below, runs a turn of the current session (%%lash --help)."
    return "\n".join([prompt, *lines, "More about one: %lash VERB --help. Its Python: %lash explain VERB …"])


def _told(head: str, words: str) -> list[str]:
    """A verb and what it does; what does not fit on the line goes on below."""
    return textwrap.wrap(words, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def _help(_bench: Bench, asked: Namespace) -> None:
    print(verb_named(asked.verb).help() if asked.verb else overview())  # noqa: T201 - said in the cell


def _explain(bench: Bench, asked: Namespace) -> None:
    usage, rest = _usage(asked.line)
    meant = usage.parse(rest)
    session = [session_python(meant.session)] if getattr(meant, "session", None) else []
    print("\n".join([*session, usage.python(bench, meant)]))  # noqa: T201 - said in the cell


def _usage(line: str) -> tuple[Usage, str]:
    """What a magic line uses, and the rest of the line."""
    head, _, rest = line.partition("lash") if line.lstrip().startswith("%") else ("", "", line)
    if head.strip() == "%%":
        return PROMPT, read_assignment(rest)[0]
    name, _, arguments = rest.strip().partition(" ")
    if not name:
        raise CallerError("explain what? e.g. %lash explain new demo", code="magics_usage")
    return verb_named(name), arguments


_VERB_NAMES: Final = Argument(
    name="VERB", help="one of the verbs", values=lambda _bench, _typed: VERBS, settings={"nargs": "?"}
)

VERBS: Final[Mapping[str, Verb]] = {
    verb.name: verb
    for verb in (
        *SESSION_VERBS,
        *STORE_VERBS,
        *PROVIDER_VERBS,
        *STEP_VERBS,
        QUEUE_VERB,
        TOOLS_VERB,
        PREVIEW_VERB,
        USAGE_VERB,
        *GRAPH_VERBS,
        *LOOK_VERBS,
        ATTACHMENT_VERB,
        TRACE_VERB,
        PLOT,
        Verb(
            name="explain",
            summary="print the Python that a magic line stands for",
            run=_explain,
            python=lambda _bench, asked: f"# {asked.line}",
            arguments=(
                Argument(name="LINE", help="the line, with or without %%lash", values=lambda _bench, _typed: VERBS),
            ),
            takes_rest=True,
        ),
        Verb(
            name="help",
            summary="list the verbs, or tell about one",
            run=_help,
            python=lambda _bench, _asked: "help(lash_nb.LashSession)",
            arguments=(_VERB_NAMES,),
        ),
    )
}
"""Every verb by its name, in the order in which help lists them."""
