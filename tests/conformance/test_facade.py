"""Which cores can be built, with which error others are refused, and which of two faults is told: as the reference does.

A golden line is a few settings of a scenario; the core is built from it like that of a recorded scenario.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

from lash_nb.core import LashCore
from lash_nb.errors import EmbedError, LashRuntimeError
from lash_nb.wire import to_builtins
from tests.conformance.turns._build import build
from tests.conformance.turns._run import Run

_SCRIPT: Final = {"provider": {"script": [{"text": "Done."}]}}


def settings_of(facade_line: dict[str, Any]) -> dict[str, Any]:
    """The scenario that a line stands for."""
    return {**_SCRIPT, **facade_line.get("settings", facade_line.get("choices", {}))}


def refusal(error: EmbedError) -> dict[str, Any]:
    """An error as the golden lines have it, but for its text."""
    facet = {"facet": error.fields["facet"]} if "facet" in error.fields else {}
    return {"variant": error.variant, **facet}


def without_text(result: Any) -> Any:
    """What is compared of a golden result: of an error all but its text."""
    if not isinstance(result, dict):
        return result
    return {key: without_text(value) for key, value in result.items() if key not in {"text", "message"}}


def seen(core: LashCore) -> dict[str, Any]:
    """What comes of a core that is built, and of its first turn."""

    async def turned() -> Any:
        session = await core.session("main").open()
        try:
            return to_builtins((await session.turn("Hi.")).outcome)
        except LashRuntimeError as error:
            return {"code": error.code}
        finally:
            await session.close()

    return {"build": "ok", "open": "ok", "turn": without_text(asyncio.run(turned()))}


def test_a_core_is_built_or_refused_as_recorded(facade_line: dict[str, Any], tmp_path: Path) -> None:
    """Variant and facet of the error that wins; of a core that is built, what its first turn gives."""
    expected = without_text(facade_line["result"])
    key = "error" if "error" in expected else "build"
    try:
        found = seen(build(Run(settings_of(facade_line), tmp_path)))
    except EmbedError as error:
        found = {key: refusal(error)}

    assert expected == found
