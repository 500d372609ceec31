"""The notebook in which people build, watch and take apart LLM agents.

Every nondeterministic step of an agent is a value: look at it, edit it, replay it, fork it, in the cell below.
"""

from typing import TYPE_CHECKING

from lash_nb._version import __version__
from lash_nb.lazy import lazy_face

if TYPE_CHECKING:
    from lash_nb import frames, plots, views
    from lash_nb.clock import CancellationToken
    from lash_nb.core import LashCore, LashSession
    from lash_nb.errors import LashError
    from lash_nb.magics import load_ipython_extension, unload_ipython_extension
    from lash_nb.plugins import ToolContext, tool
    from lash_nb.providers import (
        AnthropicProvider,
        OpenAiCompatibleProvider,
        OpenAiProvider,
        ReplayProvider,
        ScriptedProvider,
        call,
        calls,
        known_models,
        model_spec,
        reply,
    )
    from lash_nb.runtime import TurnResult
    from lash_nb.stores import open_store
    from lash_nb.trace import JsonlTraceSink, MemoryTraceSink, Trace, read_trace
    from lash_nb.wire import ModelSpec, TurnInput


__all__ = [
    "AnthropicProvider",
    "CancellationToken",
    "JsonlTraceSink",
    "LashCore",
    "LashError",
    "LashSession",
    "MemoryTraceSink",
    "ModelSpec",
    "OpenAiCompatibleProvider",
    "OpenAiProvider",
    "ReplayProvider",
    "ScriptedProvider",
    "ToolContext",
    "Trace",
    "TurnInput",
    "TurnResult",
    "__version__",
    "call",
    "calls",
    "frames",
    "known_models",
    "load_ipython_extension",
    "model_spec",
    "open_store",
    "plots",
    "read_trace",
    "reply",
    "tool",
    "unload_ipython_extension",
    "views",
]

_HOMES = {
    "AnthropicProvider": "providers",
    "CancellationToken": "clock",
    "JsonlTraceSink": "trace",
    "LashCore": "core",
    "LashError": "errors",
    "LashSession": "core",
    "MemoryTraceSink": "trace",
    "ModelSpec": "wire",
    "OpenAiCompatibleProvider": "providers",
    "OpenAiProvider": "providers",
    "ReplayProvider": "providers",
    "ScriptedProvider": "providers",
    "ToolContext": "plugins",
    "Trace": "trace",
    "TurnInput": "wire",
    "TurnResult": "runtime",
    "call": "providers",
    "calls": "providers",
    "frames": "frames",
    "known_models": "providers",
    "load_ipython_extension": "magics",
    "model_spec": "providers",
    "open_store": "stores",
    "plots": "plots",
    "read_trace": "trace",
    "reply": "providers",
    "tool": "plugins",
    "unload_ipython_extension": "magics",
    "views": "views",
}

if not TYPE_CHECKING:  # or every name that is not there would be one for type checkers
    __getattr__, __dir__ = lazy_face(__name__, _HOMES)
