"""What completion offers for the arguments of verbs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

from pydantic import BaseModel

from lash_nb.core import MODEL_SERVICES
from lash_nb.magics._bench import Bench
from lash_nb.magics._namespace import price_names, provider_names, tool_names
from lash_nb.magics._stored import latest_stored
from lash_nb.providers import known_models
from lash_nb.wire import RuntimeEffectKind

__all__ = [
    "KINDS",
    "answerers",
    "attachments",
    "batches",
    "effects",
    "files",
    "kinds",
    "listed_tools",
    "models",
    "nodes",
    "parked_sessions",
    "prices",
    "providers",
    "schemas",
    "session_tools",
    "sessions",
    "stored_sessions",
    "turns",
    "variables",
]

KINDS: Final[tuple[str, ...]] = get_args(RuntimeEffectKind)
"""The kinds of effects."""

_OFFERED: Final = 200
"""More than anybody scrolls through."""


def sessions(bench: Bench, _typed: str) -> list[str]:
    """Names of open sessions."""
    return list(bench.sessions)


def stored_sessions(bench: Bench, typed: str) -> list[str]:
    """Names of sessions that are open, parked or stored; of a folder those that were used last."""
    stored = (row.session_id for row in latest_stored(bench, typed, _OFFERED))
    return list(dict.fromkeys([*bench.sessions, *bench.parked, *stored]))


def parked_sessions(bench: Bench, _typed: str) -> list[str]:
    """Names of parked sessions."""
    return list(bench.parked)


def nodes(bench: Bench, _typed: str) -> list[str]:
    """Ids of the session's nodes, the latest first."""
    if bench.current not in bench.sessions:
        return []
    return [node.node_id for node in reversed(bench.session().session.graph.nodes[-_OFFERED:])]


def kinds(_bench: Bench, _typed: str) -> tuple[str, ...]:
    """Kinds of effects."""
    return KINDS


def effects(bench: Bench, _typed: str) -> list[str]:
    """Ids of the session's effects, the latest first."""
    if bench.current not in bench.sessions:
        return []
    entries = bench.session().session.stepper.entries[-_OFFERED:]
    return list(dict.fromkeys(entry.envelope.invocation.effect_id or "" for entry in reversed(entries)))


def turns(bench: Bench, _typed: str) -> list[str]:
    """Numbers of the session's turns, the latest first."""
    if bench.current not in bench.sessions:
        return []
    entries = reversed(bench.session().session.stepper.entries)
    numbers = (entry.envelope.invocation.scope.turn_index for entry in entries)
    return [str(number) for number in dict.fromkeys(numbers) if number is not None][:_OFFERED]


def attachments(bench: Bench, _typed: str) -> list[str]:
    """Beginnings of the ids of the session's attachments."""
    if bench.current not in bench.sessions:
        return []
    return [row.ref.id[:8] for row in bench.session().session.attachments]


def batches(bench: Bench, _typed: str) -> list[str]:
    """Ids of batches that were queued, or seen to wait, in this notebook."""
    return [] if bench.current not in bench.sessions else list(bench.session().batches)


def providers(bench: Bench, _typed: str) -> list[str]:
    """Variables that hold providers."""
    return provider_names(bench.namespace)


def prices(bench: Bench, _typed: str) -> list[str]:
    """Variables that hold price tables."""
    return price_names(bench.namespace)


def session_tools(bench: Bench, _typed: str) -> list[str]:
    """Names of the session's tools."""
    if bench.current not in bench.sessions:
        return []
    return sorted(bench.session().session.control.tools.state().tools)


def listed_tools(bench: Bench, typed: str) -> list[str]:
    """Variables that hold tools, after those that are in the list already."""
    before, comma, _ = typed.rpartition(",")
    taken = before.split(",")
    return [f"{before}{comma}{name}" for name in tool_names(bench.namespace) if name not in taken]


def variables(bench: Bench, _typed: str) -> list[str]:
    """Names of variables."""
    return [name for name in bench.namespace if not name.startswith("_")]


def files(_bench: Bench, typed: str) -> Iterator[str]:
    """Files and folders that begin with what is typed, folders with a slash at the end."""
    folder, slash, name = typed.rpartition("/")
    place = Path(f"{folder}{slash}" or ".").expanduser()
    try:
        found = sorted(place.iterdir())
    except OSError:
        return
    for path in found:
        if path.name.startswith(name) and (name.startswith(".") or not path.name.startswith(".")):
            yield f"{folder}{slash}{path.name}{'/' if path.is_dir() else ''}"


def answerers(bench: Bench, typed: str) -> list[str]:
    """Variables of providers, and services by name."""
    return [*providers(bench, typed), *MODEL_SERVICES]


def models(_bench: Bench, _typed: str) -> list[str]:
    """Ids of models whose limits are known."""
    return [model.id for model in known_models()]


def schemas(bench: Bench, _typed: str) -> list[str]:
    """Names of pydantic model classes, and `json`."""
    own = (name for name, value in bench.namespace.items() if not name.startswith("_") and _is_model(value))
    return [*own, "json"]


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel) and value is not BaseModel
