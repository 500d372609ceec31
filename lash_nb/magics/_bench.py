"""What the magics of one shell work on: the open sessions, which of them is meant, and the trace that was opened last."""

import shlex
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any, Final, NamedTuple

from IPython.core.interactiveshell import InteractiveShell

from lash_nb.core import LashCore
from lash_nb.errors import AttachmentStoreError, CallerError
from lash_nb.magics._following import Following
from lash_nb.magics._home import Home
from lash_nb.magics._namespace import chosen_provider, session_variables
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._opening import Opening
from lash_nb.magics._raised import RaisedInTurns
from lash_nb.magics._settings import Lash
from lash_nb.magics._shown import ShownValues
from lash_nb.providers import ProviderHandle
from lash_nb.runtime import ParkedSession
from lash_nb.trace import Trace
from lash_nb.wire import AttachmentId
from lash_nb.words import printable

__all__ = ["Bench", "Parked"]

_FIRST: Final = "open one first: %lash new demo"


class Parked(NamedTuple):
    """A session that is out of memory, and what it goes on with."""

    session: ParkedSession
    """Where it is kept."""
    core: LashCore
    """Opens it."""
    opening: Opening
    """What it was opened with."""
    answerer: str
    """The name of the provider that answers."""
    provider: ProviderHandle | None
    """The provider."""


class Bench:
    """The sessions of one notebook by name, in the order in which they were opened."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell: Final = shell
        self.shown: Final = ShownValues(shell)
        """Values that the running cell shows already."""
        self.raised: Final = RaisedInTurns(shell)
        """Where the user's own functions raised."""
        self.sessions: Final[dict[str, OpenSession]] = {}
        self.parked: Final[dict[str, Parked]] = {}
        """Sessions that were parked, by name."""
        self.settings: Final = Lash(parent=shell)
        """What `%config Lash` shows."""
        self.current = ""
        """Name of the session that is meant when none is named."""
        self.home: Final = Home()
        """The event loop on which the sessions live."""
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

    def attachment_data(self, attachment_id: AttachmentId) -> bytes:
        """Return the bytes of an attachment of whichever session has them, open or in a variable: equal ids are equal bytes.

        Raises:
            AttachmentStoreError: none has it.
        """
        opened = (one.session for one in self.sessions.values())
        for session in chain(opened, (one for _, one in session_variables(self.namespace))):
            with suppress(AttachmentStoreError):
                return session.attachment_data(attachment_id)
        raise AttachmentStoreError("NotFound", f"no open session has attachment `{attachment_id}`")

    def session(self, name: str | None = None) -> OpenSession:
        """Return the session `name`, or the current one.

        Raises:
            CallerError: there is none; the message says what to type.
        """
        if name is None and not self.current:
            raise CallerError(f"no session yet; {self._held_elsewhere()}{_FIRST}", code="magics_session")
        wanted = name or self.current
        if wanted in self.parked:
            raise CallerError(
                f"session {wanted} is parked; go on with it: %lash resume {wanted}", code="magics_session"
            )
        if wanted not in self.sessions:
            known = f"there are {', '.join(self.sessions)}: %lash use NAME" if self.sessions else _FIRST
            raise CallerError(f"no session {wanted}; {self._held_elsewhere(wanted)}{known}", code="magics_session")
        return self.sessions[wanted]

    def _held_elsewhere(self, wanted: str = "") -> str:
        """What to say of a variable that holds the wanted session, or any if none is named, which `%lash` has not."""
        ours = [opened.session for opened in self.sessions.values()]
        others = ((name, one) for name, one in session_variables(self.namespace) if one not in ours)
        name = next((name for name, one in others if wanted in ("", name, one.session_id)), "")
        return (
            f"{name} holds one that the verbs do not know: ask it in Python, as in {name}.effects; else "
            if name
            else ""
        )

    def line(self, opened: OpenSession, verb: str, rest: str = "") -> str:
        """Return a line that means this session: as it is typed for the current one, for another one with its name."""
        name = printable(opened.session.session_id)
        flag = "" if self.sessions.get(self.current) is opened else f"--session {shlex.quote(name)}"
        return " ".join(filter(None, ("%lash", verb, flag, rest)))

    def use(self, name: str) -> OpenSession:
        """Mean the session `name` from now on."""
        chosen = self.session(name)
        self.current, self.trace = name, None
        return chosen

    def folders(self) -> list[str]:
        """Return the folders that keep sessions of this notebook, that of `%config Lash.store` first."""
        used = (self.settings.store, *(one.opening.store for one in self.known()))
        return list(dict.fromkeys(folder for folder in used if folder))

    def known(self) -> Iterator["OpenSession | Parked"]:
        """Yield the open and the parked sessions."""
        yield from self.sessions.values()
        yield from self.parked.values()

    async def open(self, name: str, opening: Opening) -> tuple[OpenSession, str | None]:
        """Open a session and mean it from now on; return it, and the name that an older one of its name has now.

        Raises:
            CallerError: provider, tools, file or folder cannot be used.
        """
        named = opening.provider or chosen_provider(self.namespace, None)[1] or None
        opening = replace(opening, provider=named)
        core = opening.core(self.namespace)
        session = await core.session(name).open()
        older = self._make_room(session.session_id)  # a blank name is none: the session has an id of its own
        return self.put(OpenSession(session, core, opening, self.raised)), older

    def put(self, opened: OpenSession) -> OpenSession:
        """Mean this session from now on."""
        name = opened.session.session_id
        self.sessions[name] = opened
        self.parked.pop(name, None)
        self.current, self.trace = name, None
        return opened

    async def park(self, name: str) -> None:
        """Store a session and take it out of memory."""
        opened = self.session(name)
        await opened.refuse_during_turn()
        opened.close()
        parked = await opened.session.park()
        parked.store.release()  # or its file would be whole only together with its journal, for whoever copies it
        self.take_away(name)
        self.parked[name] = Parked(parked, opened.core, opened.opening, opened.answerer, opened.provider)

    async def resume(self, name: str) -> OpenSession:
        """Go on with a parked session."""
        parked = self.parked[name]
        opened = OpenSession(await parked.core.resume(parked.session), parked.core, parked.opening, self.raised)
        if (
            parked.provider is not None and parked.provider is not opened.provider
        ):  # it was chosen since the core was built
            await opened.answer_by(parked.answerer, parked.provider, opened.session.policy_snapshot().model)
        return self.put(opened)

    def take_away(self, name: str) -> None:
        """Forget an open session; the one that was opened before it is meant now."""
        del self.sessions[name]
        if self.current == name:
            self.current, self.trace = next(reversed(self.sessions), ""), None

    def assign(self, name: str, value: Any) -> None:
        """Set one of the user's variables."""
        self.namespace[name] = value

    def close(self) -> None:
        """Cancel every turn, forget the sessions, hold no file of theirs open and follow no trace any more."""
        for one in self.sessions.values():
            one.close()
            if one.session.store is not None:
                one.session.store.release()
        self.sessions.clear()
        self.parked.clear()
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
