"""All steps: op → function."""

from collections.abc import Mapping
from typing import Any, Final

from tests.conformance.turns._attachment_ops import ATTACHMENT_OPS
from tests.conformance.turns._control_ops import CONTROL_OPS
from tests.conformance.turns._ops import Op, Step, result_of
from tests.conformance.turns._prompt_ops import PROMPT_OPS
from tests.conformance.turns._queue_ops import QUEUE_OPS
from tests.conformance.turns._run import Run
from tests.conformance.turns._runtime_ops import RUNTIME_OPS
from tests.conformance.turns._session_ops import SESSION_OPS
from tests.conformance.turns._store_ops import STORE_OPS
from tests.conformance.turns._tool_ops import TOOL_OPS

__all__ = ["OPS", "perform"]

OPS: Final[Mapping[str, Op]] = {
    **SESSION_OPS,
    **CONTROL_OPS,
    **TOOL_OPS,
    **PROMPT_OPS,
    **STORE_OPS,
    **ATTACHMENT_OPS,
    **QUEUE_OPS,
    **RUNTIME_OPS,
}


async def perform(run: Run, step: Step) -> dict[str, Any]:
    """Perform a step and return its result."""
    return await result_of(OPS[step["op"]].run(run, run.variables.resolved(step)))
