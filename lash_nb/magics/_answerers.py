"""Who can answer in a notebook: providers in variables, then services by name; whose key is where, and what picks each."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import pandas as pd

from lash_nb import views
from lash_nb.core import MODEL_SERVICES, ModelService
from lash_nb.errors import CallerError
from lash_nb.magics._bench import Bench
from lash_nb.magics._namespace import PREFERRED_PROVIDER, provider_names
from lash_nb.magics._table import Table
from lash_nb.providers import LlmProvider

__all__ = ["answerer_table"]

_COLUMNS: Final = {
    "name": "name",
    "state": "state",
    "key": "key",
    "endpoint": "asked at",
    "model": "model",
    "picked_by": "picked by",
}
_NAME_ONE: Final = "--model ID"
_NO_KEY: Final = "none needed"
_GIVEN: Final[Mapping[bool | None, str]] = {True: "it has one", False: "it has none"}
_NEEDS: Final = {"offline": "nothing, and has no model"}
_READY: Final = "ready"
_NOT_ASKED: Final = "not asked"
"""Of a server that may run or not: its first prompt tells."""
_ITS_NAME: Final = "its name alone"
_PICKED: Final = {"offline": "nobody else there"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answerer:
    """One row."""

    name: str
    is_current: bool
    is_ready: bool
    """Whether all that it needs is known to be there; nobody knows of a server that was not asked."""
    state: str
    """`answers now`, `ready`, `not asked`, or what is missing."""
    needs: str
    """What it needs of the environment."""
    key: str
    """Where its key is, never the key; empty where nobody knows whether it needs one."""
    endpoint: str
    """The address that is asked."""
    model: str
    """Which model is asked when none is named."""
    picked_by: str
    """What lets it answer."""


def answerer_table(bench: Bench) -> Table:
    """Return one row per provider of the notebook and per service, with the one that answers now marked."""
    current = bench.session().answerer if bench.current else bench.settings.provider
    rows = [*_variables(bench, current), *(_service_row(one, current) for one in MODEL_SERVICES.values())]
    face = views.FrameFace(
        columns=_COLUMNS,
        title="Who can answer",
        note=_now(bench, rows),
        whole=("name", "picked_by"),
        page_only=("key",),
        hint="choose one: %lash provider NAME [--model ID] · for a session of its own: %lash new NAME --provider NAME"
        " · whether a server on this machine runs, its first prompt tells",
    )
    return Table(pd.DataFrame([asdict(row) for row in rows]), face)


def _now(bench: Bench, rows: Sequence[_Answerer]) -> str:
    """Who answers, and why."""
    if not bench.current:
        chosen = next((row.name for row in rows if row.is_current), "")
        return f"{chosen} answers in sessions that are opened from now on" if chosen else "no session yet"
    opened = bench.session()
    if opened.provider is opened.core.parts.provider:
        return f"session {bench.current}: {opened.core.provider_choice}"
    return f"session {bench.current}: {opened.answerer} answers, since it was chosen later"


def _variables(bench: Bench, current: str) -> Iterator[_Answerer]:
    names = provider_names(bench.namespace)
    for name in names:
        provider = bench.namespace[name]
        yield _Answerer(
            name=name,
            is_current=name == current,
            is_ready=True,
            state=_state("", is_current=name == current),
            needs="",
            key=_GIVEN.get(getattr(provider, "has_key", None), ""),
            endpoint=_endpoint(provider),
            model="",
            picked_by=_picked(name, names),
        )


def _picked(name: str, names: Sequence[str]) -> str:
    if name == PREFERRED_PROVIDER:
        return "its name, which comes first"
    return "being the only one" if len(names) == 1 else _ITS_NAME


def _service_row(service: ModelService, current: str) -> _Answerer:
    missing = "" if service.is_ready else "no key" if service.variable == service.key else f"no {service.variable}"
    endpoint = service.base_url or service.variable or ""
    if service.is_ready:
        try:
            endpoint = _endpoint(service.make())
        except CallerError as error:  # what the environment says cannot be used
            missing = error.message
    return _Answerer(
        name=service.name,
        is_current=service.name == current,
        is_ready=not missing and not _is_local(service),
        state=_state(missing, is_current=service.name == current, ready=_NOT_ASKED if _is_local(service) else _READY),
        needs=f"the variable {service.variable}"
        if service.variable
        else _NEEDS.get(service.name, "a server on this machine"),
        key=_key(service),
        endpoint=endpoint,
        model=service.model or _NAME_ONE,
        picked_by=service.variable or _PICKED.get(service.name, _ITS_NAME),
    )


def _key(service: ModelService) -> str:
    if service.key is None:
        return _NO_KEY
    return f"{'set' if os.environ.get(service.key, '').strip() else 'not set'}: {service.key}"


def _endpoint(provider: LlmProvider) -> str:
    address = getattr(provider, "base_url", None)
    return address if isinstance(address, str) else "in this kernel"


def _is_local(service: ModelService) -> bool:
    """Whether it is a server on this machine, of which nothing in the environment tells."""
    return service.base_url is not None and service.key is None


def _state(missing: str, *, is_current: bool, ready: str = _READY) -> str:
    if is_current:
        return f"answers now, but {missing}" if missing else "answers now"
    return missing or ready
