"""What the user has defined in the notebook: the provider that answers, and the tools, read again before each prompt."""

import difflib
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, cast

from lash_nb.core import MODEL_SERVICES, LashSession
from lash_nb.errors import CallerError
from lash_nb.frames import Price
from lash_nb.plugins import FunctionTool, FunctionToolProvider, ToolCall, ToolProvider
from lash_nb.providers import LlmProvider, ProviderOptions
from lash_nb.wire import ToolCallOutput, ToolContract, ToolManifest

__all__ = [
    "PREFERRED_PROVIDER",
    "NamespaceTools",
    "chosen_provider",
    "price_names",
    "provider_names",
    "session_variables",
    "tool_names",
]

PREFERRED_PROVIDER: Final = "provider"
"""The variable whose provider comes before all others."""


_PARTS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "complete": ("complete(request, stream)", callable),
    "supports_variant": ("supports_variant(model, variant)", callable),
    "kind": ("kind, a text", lambda value: isinstance(value, str)),
    "options": ("options, a ProviderOptions", lambda value: isinstance(value, ProviderOptions)),
    "requires_streaming": ("requires_streaming, True or False", lambda value: isinstance(value, bool)),
}
"""What every provider has, in words, and how that is known."""


class NamespaceTools(ToolProvider):
    """Offers the tools of a namespace as they are at the moment of asking.

    Args:
        namespace: The user's variables.
        names: Only these variables; without it, every `@lash_nb.tool` object.
    """

    makes_schemas: ClassVar[bool] = True

    def __init__(self, namespace: Mapping[str, Any], names: Sequence[str] | None = None) -> None:
        self._namespace = namespace
        self._names = names
        self._offered = FunctionToolProvider(self._found())

    def tool_manifests(self) -> Sequence[ToolManifest]:
        """Read the namespace again and return what is there."""
        self._offered = FunctionToolProvider(self._found())
        return self._offered.tool_manifests()

    def resolve_contract(self, name: str) -> ToolContract | None:
        """Return the schemas of a tool that was offered."""
        return self._offered.resolve_contract(name)

    def execute(self, call: ToolCall) -> Coroutine[Any, Any, ToolCallOutput]:
        """Call a tool that was offered."""
        return self._offered.execute(call)

    def _found(self) -> list[FunctionTool[..., Any]]:
        if self._names is not None:
            return [_as_tool(name, self._namespace) for name in self._names]
        return list({one.name: one for one in _by_likeness(self._namespace)}.values())


def tool_names(namespace: Mapping[str, Any]) -> list[str]:
    """Return the variables that hold tools."""
    return [name for name, value in _own(namespace) if isinstance(value, FunctionTool)]


def price_names(namespace: Mapping[str, Any]) -> list[str]:
    """Return the variables that hold price tables: dicts of prices by model, not empty."""
    return [
        name
        for name, value in _own(namespace)
        if isinstance(value, dict) and value and all(isinstance(price, Price) for price in value.values())
    ]


def session_variables(namespace: Mapping[str, Any]) -> list[tuple[str, LashSession]]:
    """Return the variables that hold sessions, with these."""
    return [(name, value) for name, value in _own(namespace) if isinstance(value, LashSession)]


def provider_names(namespace: Mapping[str, Any]) -> list[str]:
    """Return the variables that hold providers."""
    return [name for name, value in _own(namespace) if _is_provider(value)]


def chosen_provider(namespace: Mapping[str, Any], name: str | None) -> tuple[LlmProvider | str | None, str]:
    """Return who answers as `LashCore.notebook` takes it, and the Python expression for it.

    It is the variable or service `name`, else the variable `provider`, else the only provider there is, else whom the environment names.

    Raises:
        CallerError: nothing has that name or it is no provider, or there are several to choose from.
    """
    if name is not None and name not in namespace and name in MODEL_SERVICES:
        return name, repr(name)
    if name is not None:
        return _named(namespace, name), name
    names = provider_names(namespace)
    if PREFERRED_PROVIDER in names:
        return namespace[PREFERRED_PROVIDER], PREFERRED_PROVIDER
    if not names:
        return None, ""
    if len({id(namespace[one]) for one in names}) > 1:
        message = (
            f"several providers to choose from: {', '.join(names)}; say which: %lash new NAME --provider {names[0]}"
        )
        raise CallerError(message, code="magics_provider")
    return namespace[names[0]], names[0]


def _named(namespace: Mapping[str, Any], name: str) -> LlmProvider:
    if name not in namespace:
        names = (*provider_names(namespace), *MODEL_SERVICES)
        known = ", ".join(names)
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}? Else define" if near else "define"
        message = f"no variable and no service {name}; {hint} it first, e.g. {name} = lash_nb.ScriptedProvider([…]), or take one of {known}"
        raise CallerError(message, code="magics_provider")
    if not _is_provider(namespace[name]):
        raise CallerError(_no_provider(name, namespace[name]), code="magics_provider")
    return cast("LlmProvider", namespace[name])


def _no_provider(name: str, value: Any) -> str:
    """Say what a value is that was to answer; of one that is half a provider, what is missing."""
    missing = list(_missing(value))
    if isinstance(value, type) and len(missing) < len(_PARTS):
        return f"{name} is a class; make a provider of it, e.g. provider = {name}()"
    kind = type(value).__name__
    if len(missing) == len(_PARTS):
        return f"{name} is a {kind}, no provider; give one, e.g. {name} = lash_nb.ScriptedProvider([…])"
    return f"{name} is a {kind}, no provider yet; it has no {', no '.join(missing)}: lash_nb.providers.LlmProvider says what they are"


def _is_provider(value: Any) -> bool:
    return not isinstance(value, type) and next(_missing(value), None) is None


def _missing(value: Any) -> Iterator[str]:
    """What a provider has and this lacks."""
    for name, (words, is_right) in _PARTS.items():
        try:
            is_there = is_right(getattr(value, name))
        except Exception:  # noqa: BLE001 - any object may be in the namespace, and any attribute may fail
            is_there = False
        if not is_there:
            yield words


def _as_tool(name: str, namespace: Mapping[str, Any]) -> FunctionTool[..., Any]:
    value = namespace.get(name)
    if isinstance(value, FunctionTool):
        return value
    if callable(value) and not isinstance(value, type):
        return FunctionTool(value)
    known = ", ".join(tool_names(namespace)) or "none yet"
    reason = f"{name} is a {type(value).__name__}, no function" if name in namespace else f"no variable {name}"
    message = f"{reason}; define it with @lash_nb.tool, or leave --tools away to offer all (tools here: {known})"
    raise CallerError(message, code="magics_tools")


def _by_likeness(namespace: Mapping[str, Any]) -> Iterator[FunctionTool[..., Any]]:
    """The tools, those last that stand in a variable of their own name: of two with one name they are meant."""
    found = [(name, value) for name, value in _own(namespace) if isinstance(value, FunctionTool)]
    yield from (value for name, value in sorted(found, key=lambda item: item[0] == item[1].name))


def _own(namespace: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the user has named; the shell's own variables begin with an underscore."""
    yield from ((name, value) for name, value in list(namespace.items()) if not name.startswith("_"))
