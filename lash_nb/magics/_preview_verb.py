"""`%lash prompt`: what the model would get at the next call."""

from argparse import Namespace
from typing import Final

from lash_nb.magics._arguments import SESSION
from lash_nb.magics._bench import Bench
from lash_nb.magics._verb import Argument, Verb
from lash_nb.runtime import PromptPreview

__all__ = ["PREVIEW_VERB"]


async def _prompt(bench: Bench, asked: Namespace) -> PromptPreview:
    opened = bench.session(asked.session)
    opened.refresh_tools()
    return await opened.session.control.state.preview_prompt(" ".join(asked.text) or None, ask_hooks=asked.hooks)


def _python(_bench: Bench, asked: Namespace) -> str:
    given = [*([repr(" ".join(asked.text))] if asked.text else []), *(["ask_hooks=True"] if asked.hooks else [])]
    return f"await session.control.state.preview_prompt({', '.join(given)})"


PREVIEW_VERB: Final = Verb(
    name="prompt",
    summary="what the model would get at the next call, by component with sizes; nobody is asked",
    run=_prompt,
    python=_python,
    arguments=(
        Argument(
            name="TEXT",
            help="as if this were the next prompt (default: what waits in the queue); in quotes when it ends in a question mark",
            settings={"nargs": "*"},
        ),
        Argument(
            name="--hooks",
            help="ask the plugins' hooks, too, as the turn will; what they do outside of the session is done",
            settings={"action": "store_true"},
        ),
        SESSION,
    ),
)
"""The verb."""
