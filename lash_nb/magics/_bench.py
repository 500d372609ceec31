"""What the magics of one shell work on: the open sessions, which of them is meant, and the trace that was opened last."""

from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell

from lash_nb.core import LashCore
from lash_nb.errors import CallerError
from lash_nb.magics._following import Following
from lash_nb.magics._namespace import NamespaceTools, chosen_provider, default_model
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._shown import ShownValues
from lash_nb.trace import JsonlTraceSink, MemoryTraceSink, TeeTraceSink, Trace
from lash_nb.wire import PromptContribution

__all__ = ["Bench"]

_FIRST: Final = "open one first: %lash new demo"


class Bench:
    """The sessions of one notebook by name, in the order in which they were opened."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell: Final = shell
        self.shown: Final = ShownValues(shell)
        """Values that the running cell shows already."""
        self.sessions: Final[dict[str, OpenSession]] = {}
        self.current = ""
        """Name of the session that is meant when none is named."""
        self.following: Final = Following()
        """The views of traces that still grow."""
        self.trace: Trace | None = None
        """The trace file that was opened last, if that was after the last prompt."""
        self.trace_files: Sequence[str] = ()
        """The files and patterns that it was read from."""

    @property
    def namespace(self) -> MutableMapping[str, Any]:
        """The user's variables."""
        namespace: MutableMapping[str, Any] = self.shell.user_ns
        return namespace

    def session(self, name: str | None = None) -> OpenSession:
        """Return the session `name`, or the current one.

        Raises:
            CallerError: there is none; the message says what to type.
        """
        if name is None and not self.current:
            raise CallerError(f"no session yet; {_FIRST}", code="magics_session")
        wanted = name or self.current
        if wanted not in self.sessions:
            known = f"there are {', '.join(self.sessions)}: %lash use NAME" if self.sessions else _FIRST
            raise CallerError(f"no session {wanted}; {known}", code="magics_session")
        return self.sessions[wanted]

    def use(self, name: str) -> OpenSession:
        """Mean the session `name` from now on."""
        chosen = self.session(name)
        self.current, self.trace = name, None
        return chosen

    async def open(
        self,
        name: str,
        *,
        provider: str | None = None,
        tools: list[str] | None = None,
        model: str | None = None,
        system: str | None = None,
        trace: str | None = None,
    ) -> tuple[OpenSession, str | None]:
        """Open a new session and mean it from now on; return it, and the name that an older one of its name has now.

        Args:
            name: Its id.
            provider: Variable of the provider.
            tools: Variables of the tools; all of them when None.
            model: The model's id.
            system: Text for the system prompt.
            trace: File that the trace goes to.

        Raises:
            CallerError: provider, tools or file cannot be used.
        """
        answering, _ = chosen_provider(self.namespace, provider)
        model_id = model or default_model(answering)
        memory = MemoryTraceSink()
        sink = TeeTraceSink(memory, JsonlTraceSink(_writable(trace))) if trace else memory
        offered = NamespaceTools(self.namespace, tools)
        builder = LashCore.standard().in_memory().provider(answering).model(model_id).tools(offered).trace_sink(sink)
        if system:
            builder = builder.prompt_contribution(PromptContribution(slot="guidance", content=system))
        session = await builder.build().session(name).open()
        name = session.session_id  # a blank name is none: the session has an id of its own
        older = self._make_room(name)
        self.sessions[name] = OpenSession(session)
        self.current, self.trace = name, None
        return self.sessions[name], older

    def assign(self, name: str, value: Any) -> None:
        """Set one of the user's variables."""
        self.namespace[name] = value

    def close(self) -> None:
        """Cancel every turn, forget the sessions and follow no trace any more."""
        for one in self.sessions.values():
            one.close()
        self.sessions.clear()
        self.following.stop()
        self.current, self.trace = "", None

    def _make_room(self, name: str) -> str | None:
        """A cell that is run again opens a session again; the older one stays, under another name."""
        if name not in self.sessions:
            return None
        number = next(count for count in range(1, len(self.sessions) + 2) if f"{name}~{count}" not in self.sessions)
        older = f"{name}~{number}"
        self.sessions[older] = self.sessions.pop(name)
        return older


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
