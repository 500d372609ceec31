"""`%lash prompt`: what the model would get at the next call."""

from argparse import Namespace
from typing import Final

from lash_nb.magics._bench import Bench
from lash_nb.magics._verb import Argument, Verb
from lash_nb.runtime import PromptPreview

__all__ = ["PREVIEW_VERB"]


async def _prompt(bench: Bench, asked: Namespace) -> PromptPreview:
    opened = bench.session()
    opened.refresh_tools()
    return await opened.session.control.state.preview_prompt(" ".join(asked.text) or None)


def _python(_bench: Bench, asked: Namespace) -> str:
    return f"await session.control.state.preview_prompt({repr(' '.join(asked.text)) if asked.text else ''})"


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
    ),
)
"""The verb."""
