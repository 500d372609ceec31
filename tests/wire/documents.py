"""Documents of any wire type, made from the type itself: no rule of the wire is written down here a second time."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import inspect

from lash_nb import wire
from lash_nb.wire import External, Octets, ToolValue

__all__ = ["documents", "free_values"]

_INTEGERS: Final = st.integers(min_value=-(2**63), max_value=2**64 - 1)
_FLOATS: Final = st.floats(allow_nan=False, allow_infinity=False)
_SCALARS: Final = st.none() | st.booleans() | _INTEGERS | _FLOATS | st.text(max_size=8)


@cache
def free_values() -> SearchStrategy[Any]:
    """Free JSON values: everything that JSON can carry."""
    return st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    )


@cache
def documents(kind: Any) -> SearchStrategy[Any]:
    """Documents of `kind`: dicts and lists as they come from JSON, optional fields now given and now absent."""
    shape = inspect.type_info(kind)
    return SHAPES[type(shape)](shape)


def _documents(shape: inspect.Type) -> SearchStrategy[Any]:
    return _inner(shape.cls) if isinstance(shape, inspect.StructType) else SHAPES[type(shape)](shape)


@cache
def _inner(record: type) -> SearchStrategy[Any]:
    """Documents of a record inside another one, which may hold such itself; the same ones wherever it stands, for to plan them takes long."""
    return st.deferred(lambda: documents(record))


def _record(shape: Any) -> SearchStrategy[Any]:
    if shape.cls in RECORDS:
        return RECORDS[shape.cls]()
    if issubclass(shape.cls, External):
        return st.one_of([st.fixed_dictionaries({field.encode_name: _content(field)}) for field in shape.fields])
    fields = {field.encode_name: _documents(field.type) for field in shape.fields}
    required = {field.encode_name for field in shape.fields if field.required}
    given = st.fixed_dictionaries(
        {key: value for key, value in fields.items() if key in required},
        optional={key: value for key, value in fields.items() if key not in required},
    )
    tag = {} if shape.tag_field is None else {shape.tag_field: shape.tag}
    return given.map(lambda entries: {**tag, **entries})


def _content(field: Any) -> SearchStrategy[Any]:
    """The contents of a variant; None stands for a variant that is not set."""
    types = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    return st.one_of([_documents(member) for member in types if not isinstance(member, inspect.NoneType)])


def _custom(shape: Any) -> SearchStrategy[Any]:
    return CUSTOM[shape.cls]()


def _tool_values() -> SearchStrategy[Any]:
    ref = documents(wire.AttachmentRef).map(lambda ref: {"$lash_tool_value": "attachment", "ref": ref})
    escaped = free_values().map(lambda value: {"$lash_tool_value": "object", "entries": {"$lash_tool_value": value}})
    return free_values() | ref | escaped | st.lists(ref, max_size=2)


def _nodes() -> SearchStrategy[Any]:
    """Graph nodes: what a node must have depends on its kind."""
    common = {"node_id": st.text(max_size=4), "timestamp": st.text(max_size=4)}
    event = {"kind": st.just("event"), "event": documents(wire.SessionEventRecord)}
    plugin = {"kind": st.just("plugin"), "plugin_type": st.text(max_size=4), "body": free_values()}
    optional = {"parent_node_id": st.none() | st.text(max_size=4), "caused_by": documents(wire.CausalRef | None)}
    return st.fixed_dictionaries(common | event, optional=optional) | st.fixed_dictionaries(
        common | plugin, optional=optional
    )


def _time_points() -> SearchStrategy[Any]:
    """Time points: not even a carry may lead past the last one."""
    seconds, nanos = st.integers(0, 2**63 - 5), st.integers(0, 2**32 - 1)
    return st.fixed_dictionaries({"secs_since_epoch": seconds, "nanos_since_epoch": nanos})


RECORDS: Final[Mapping[type, Callable[[], SearchStrategy[Any]]]] = {
    wire.SessionNodeRecord: _nodes,
    wire.SystemTime: _time_points,
}
"""Records with a rule that their fields do not tell."""
CUSTOM: Final[Mapping[type, Callable[[], SearchStrategy[Any]]]] = {
    Octets: lambda: st.lists(st.integers(0, 255), max_size=4),
    ToolValue: _tool_values,
}
SHAPES: Final[Mapping[type, Callable[[Any], SearchStrategy[Any]]]] = {
    inspect.AnyType: lambda _: free_values(),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.CustomType: _custom,
    inspect.DictType: lambda shape: st.dictionaries(
        _documents(shape.key_type), _documents(shape.value_type), max_size=2
    ),
    inspect.FloatType: lambda _: _FLOATS,
    inspect.IntType: lambda shape: st.integers(
        -(2**63) if shape.ge is None else shape.ge, 2**64 - 1 if shape.le is None else shape.le
    ),
    inspect.LiteralType: lambda shape: st.sampled_from(shape.values),
    inspect.NoneType: lambda _: st.none(),
    inspect.StrType: lambda _: st.text(max_size=6),
    inspect.StructType: _record,
    inspect.TupleType: lambda shape: st.tuples(*map(_documents, shape.item_types)).map(list),
    inspect.UnionType: lambda shape: st.one_of([_documents(member) for member in shape.types]),
    inspect.VarTupleType: lambda shape: st.lists(_documents(shape.item_type), max_size=2),
}
