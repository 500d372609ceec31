"""How a session is opened: what is typed of it, the core that is built of that, and the Python that does the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lash_nb.core import LashCore
from lash_nb.errors import CallerError
from lash_nb.magics._namespace import NamespaceTools, chosen_provider, tool_names
from lash_nb.magics._typed_model import TypedModel
from lash_nb.wire import PromptContribution

__all__ = ["Opening"]

_SYSTEM: Final = "builder.prompt_contribution(lash_nb.wire.PromptContribution(slot='guidance', content={text!r}))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a session is opened with."""

    provider: str | None = None
    """Variable of the provider."""
    tools: Sequence[str] | None = None
    """Variables of the tools; all of them when None."""
    model: TypedModel = field(default_factory=TypedModel)
    """The model."""
    system: str | None = None
    """Text for the system prompt."""
    trace: str | None = None
    """File that the trace goes to."""
    store: str | None = None
    """Folder that keeps the session; in memory when None."""
    residency: str = "keep_all"
    """Which nodes are in memory."""

    def core(self, namespace: Mapping[str, Any]) -> LashCore:
        """Build the core.

        Raises:
            CallerError: provider, tools or file cannot be used, or a residency is asked for without a folder.
        """
        provider, _ = chosen_provider(namespace, self.provider)
        file = _writable(self.trace) if self.trace else None
        builder = LashCore.notebook(provider, self.model.given, self.store, file).tools(
            NamespaceTools(namespace, self.tools)
        )
        if self.residency == "active_path_only":
            builder = builder.residency(self._active_path_only())
        if self.system:
            builder = builder.prompt_contribution(PromptContribution(slot="guidance", content=self.system))
        return builder.build()

    def python(self, namespace: Mapping[str, Any]) -> list[str]:
        """Return the same in Python, a line each; `core` is what is built."""
        _, provider = chosen_provider(namespace, self.provider)
        named = tool_names(namespace) if self.tools is None else self.tools
        given = {"provider": provider, "model": self.model.python, "store": self.store, "trace": self.trace}
        texts = {
            name: value if name in ("provider", "model") else repr(value) for name, value in given.items() if value
        }
        return [
            "import lash_nb",
            f"builder = lash_nb.LashCore.notebook({', '.join(f'{name}={text}' for name, text in texts.items())})",
            *([f"builder.tools({', '.join(named)})"] if named else []),
            *([f"builder.residency({self.residency!r})"] if self.residency != "keep_all" else []),
            *([_SYSTEM.format(text=self.system)] if self.system else []),
            "core = builder.build()",
        ]

    def _active_path_only(self) -> Any:
        if not self.store:
            message = "active_path_only needs a folder that has the other nodes: %lash new NAME --store DIR --residency active_path_only"
            raise CallerError(message, code="magics_residency")
        return self.residency


def _writable(trace: str) -> Path:
    """The trace file, made now: that it cannot be written is said before the first turn, not after it."""
    path = Path(trace).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        message = f"the trace cannot be written to {trace}: {error.strerror}; give another file: --trace FILE"
        raise CallerError(message, code="magics_trace") from error
    return path
