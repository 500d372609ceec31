"""What a person sees of an effect: its envelope and outcome, with dicts and lists that refuse to be changed in place.

The turn works with plain ones, which a tool may change, and nothing of it is copied. What is shown is made when it is looked at: a change in it
would be performed by nobody, and tell of an effect that never was.
"""

from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

from msgspec import Struct, UnsetType
from msgspec.structs import astuple, replace

from lash_nb.errors import CallerError
from lash_nb.wire import ToolValue

__all__ = ["Fixer", "loosened"]

T = TypeVar("T")

_MESSAGE: Final = (
    "{} is not changed in place: it shows what an effect asks for or gave. While the effect waits, perform an edited one:"
    " await session.stepper.step(msgspec.structs.replace(envelope, command=…)), with what you change in copy.deepcopy(…); docs/stepping.md shows it"
)


def _refusing(whose: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        """Raise `CallerError`, `effect_in_place`."""
        raise CallerError(_MESSAGE.format(whose), code="effect_in_place")

    return refuse


class FixedDict(dict[str, Any]):
    """A dict of an effect; whatever copies it makes a plain one."""

    __slots__ = ()

    __delitem__ = __ior__ = __setitem__ = clear = pop = popitem = setdefault = update = _refusing("this dict")

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        return dict, (dict(self),)


class FixedList(list[Any]):
    """A list of an effect; whatever copies it makes a plain one."""

    __slots__ = ()

    __delitem__ = __iadd__ = __imul__ = __setitem__ = _refusing("this list")
    append = clear = extend = insert = pop = remove = reverse = sort = _refusing("this list")

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        return list, (list(self),)


class Fixer:
    """Shows effects; remembers the largest thing that many of them share, the tools that a model is offered."""

    def __init__(self) -> None:
        self._known: tuple[object, Any] = (None, None)

    def __call__(self, shown: T) -> T:
        """Return an envelope or outcome that equals this one, and of which nothing can be changed; what can be changed nowhere is shared."""
        return self._fixed(shown)  # type: ignore[no-any-return]  # an equal value of the same type

    def _fixed(self, value: Any) -> Any:
        if type(value) is not tuple:
            return _made(value, FixedDict, FixedList, self._fixed)
        if value is not self._known[0]:
            made = _made(value, FixedDict, FixedList, self._fixed)
            if made is value:
                return value
            self._known = value, made
        return self._known[1]


def loosened(given: T) -> T:
    """Return an envelope, an outcome or the arguments of a call with plain dicts and lists of its own, whoever holds those that were given."""
    return _made(given, dict, list, loosened)  # type: ignore[no-any-return]  # an equal value of the same type


_LEAVES: Final[frozenset[type]] = frozenset({str, int, float, bool, type(None), UnsetType})
"""Types of most of what an effect holds: nothing of them can be changed."""


def _made(value: Any, entries: type[dict[str, Any]], items: type[list[Any]], inner: Callable[[Any], Any]) -> Any:
    """Return a value with dicts and lists of these types; itself where it holds none."""
    if isinstance(value, Struct):
        made: dict[str, Any] = {}
        for name, old in zip(value.__struct_fields__, astuple(value), strict=True):
            if type(old) not in _LEAVES and (new := inner(old)) is not old:
                made[name] = new
        return replace(value, **made) if made else value
    if type(value) is tuple:
        return _changed(value, tuple(map(inner, value))) if value else value
    if isinstance(value, dict | list):
        return _copied(value, entries, items)
    return ToolValue(inner(value.value)) if isinstance(value, ToolValue) else value


def _changed(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    return old if all(one is other for one, other in zip(old, new, strict=True)) else new


def _copied(value: Any, entries: type[dict[str, Any]], items: type[list[Any]]) -> Any:
    """Copy free JSON, which may be nested deeper than calls may be; what is in it twice, or in itself, is so in the copy."""
    top, made = [value], dict[int, Any]()
    waiting: list[Any] = [top]
    while waiting:
        holder = waiting.pop()
        is_dict = isinstance(holder, dict)
        put = dict.__setitem__ if is_dict else list.__setitem__
        for place, item in list(holder.items()) if is_dict else enumerate(holder):
            if isinstance(item, dict | list):
                if id(item) not in made:
                    made[id(item)] = entries(item) if isinstance(item, dict) else items(item)
                    waiting.append(made[id(item)])
                put(holder, place, made[id(item)])
    return top[0]
