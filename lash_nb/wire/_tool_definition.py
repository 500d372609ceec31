"""What a tool declares of itself (lash 0.1.0-alpha.37, effect wire format §12.3, turns §11.1)."""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from msgspec import field

from lash_nb.wire._base import U32, U64, Json, Settled, Wire, none
from lash_nb.wire._llm_request import SchemaProjectionOverride
from lash_nb.wire._schema import LashSchema

__all__ = [
    "Availability",
    "CompactToolContract",
    "FromInputSchemaContract",
    "IdempotentRetryPolicy",
    "MaterializeProjectedValues",
    "NeverRetryPolicy",
    "PreserveProjectedRefs",
    "SafeRetryPolicy",
    "StaticOutputContract",
    "ToolActivation",
    "ToolAgentSurface",
    "ToolArgumentProjection",
    "ToolAvailability",
    "ToolContract",
    "ToolDefinition",
    "ToolManifest",
    "ToolOutputContract",
    "ToolRetryPolicy",
    "ToolScheduling",
    "at_least",
    "open_object_schema",
]

Availability: TypeAlias = Literal["off", "searchable", "callable", "showcased"]
"""How far a tool is offered, least first."""
ToolActivation: TypeAlias = Literal["always", "internal"]
"""`internal` tools are for the runtime only."""
ToolScheduling: TypeAlias = Literal["parallel", "serial"]
"""Whether a batch may run the tool beside others."""


class ToolAvailability(Wire, frozen=True, kw_only=True):
    """The availability that a tool asks for."""

    base: Availability
    """The level."""


class ToolAgentSurface(Wire, frozen=True, kw_only=True):
    """Where agent code finds the tool."""

    module_path: tuple[str, ...] = ()
    """Module segments."""
    operation: str | None = None
    """Operation name in the module."""
    authority_type: str | None = None
    """Name of the authority type."""
    aliases: tuple[str, ...] = ()
    """Other names, for search."""


class MaterializeProjectedValues(Wire, frozen=True, kw_only=True, tag_field="kind", tag="materialize_projected_values"):
    """Projected values are turned into plain ones before the call."""


class PreserveProjectedRefs(Wire, frozen=True, kw_only=True, tag_field="kind", tag="preserve_projected_refs_in_field"):
    """Projected references in one field stay references."""

    field: str
    """The field."""


ToolArgumentProjection: TypeAlias = MaterializeProjectedValues | PreserveProjectedRefs
"""What happens to projected values in arguments."""


class NeverRetryPolicy(Wire, frozen=True, kw_only=True, tag_field="type", tag="never"):
    """One attempt."""


class SafeRetryPolicy(Wire, frozen=True, kw_only=True, tag_field="type", tag="safe"):
    """Retry failures that say it is safe."""

    max_attempts: U32
    """Attempts in all."""
    base_delay_ms: U64
    """First delay, doubled each time, in milliseconds."""
    max_delay_ms: U64
    """Longest delay in milliseconds; 0 means no limit."""


class IdempotentRetryPolicy(Wire, frozen=True, kw_only=True, tag_field="type", tag="idempotent"):
    """As safe, for tools whose calls carry an id that makes a repetition harmless."""

    max_attempts: U32
    """Attempts in all."""
    base_delay_ms: U64
    """First delay, doubled each time, in milliseconds."""
    max_delay_ms: U64
    """Longest delay in milliseconds; 0 means no limit."""


ToolRetryPolicy: TypeAlias = NeverRetryPolicy | SafeRetryPolicy | IdempotentRetryPolicy
"""When a tool is tried again."""


class CompactToolContract(Wire, frozen=True, kw_only=True):
    """A contract in the few lines that a prompt has room for."""

    name: str
    """Call path."""
    signature: str
    """How to call it."""
    returns: str
    """What it returns."""
    parameters: tuple[Json, ...] = ()
    """Parameters with a description."""
    return_fields: tuple[Json, ...] = ()
    """Fields of the result with a description."""
    description: str = ""
    """What it does."""
    examples: tuple[str, ...] = ()
    """Example calls."""


class StaticOutputContract(Wire, frozen=True, kw_only=True, tag_field="kind", tag="static"):
    """The output schema is the declared one."""


class FromInputSchemaContract(Wire, frozen=True, kw_only=True, tag_field="kind", tag="from_input_schema"):
    """The output schema is given by an argument."""

    input_field: str
    """The argument."""
    default_schema: Json = None
    """The schema when the argument is absent."""


ToolOutputContract: TypeAlias = StaticOutputContract | FromInputSchemaContract
"""Where the output schema comes from."""

_RANK: Final[Mapping[Availability, int]] = {level: rank for rank, level in enumerate(get_args(Availability))}
_SHOWCASED = ToolAvailability(base="showcased")
_NO_SURFACE = ToolAgentSurface()
_MATERIALIZE = MaterializeProjectedValues()
_NEVER = NeverRetryPolicy()
_STATIC = StaticOutputContract()


def at_least(level: Availability, minimum: Availability) -> bool:
    """Tell whether a tool that is offered up to `level` is offered up to `minimum` too."""
    return _RANK[level] >= _RANK[minimum]


def open_object_schema() -> Json:
    """Return the schema of a tool that declares none: any object."""
    return {"additionalProperties": True, "properties": {}, "type": "object"}


class ToolManifest(Settled, frozen=True, kw_only=True):
    """What a registry knows of a tool without its schemas."""

    id: str
    """Stable id, by default `tool:NAME`."""
    name: str
    """The name that the model calls."""
    description: str = ""
    """What it does."""
    compact_contract: CompactToolContract | None = None
    """The contract in short, filled by the registry."""
    availability: ToolAvailability = _SHOWCASED
    """How far it asks to be offered."""
    activation: ToolActivation = "always"
    """Who may call it."""
    availability_override: Availability | None = None
    """How far the session offers it instead."""
    agent_surface: ToolAgentSurface = _NO_SURFACE
    """Where agent code finds it."""
    argument_projection: ToolArgumentProjection = _MATERIALIZE
    """What happens to projected arguments."""
    scheduling: ToolScheduling = "parallel"
    """Whether a batch may run it beside others."""
    retry_policy: ToolRetryPolicy = _NEVER
    """When it is tried again."""

    @property
    def effective_availability(self) -> Availability:
        """The override, else what the tool asks for."""
        return self.availability_override or self.availability.base


class ToolContract(Settled, frozen=True, kw_only=True, gc=True, dict=True):  # keeps what arguments must be
    """The schemas of a tool."""

    input_schema: Json = field(default_factory=open_object_schema)
    """JSON Schema of the arguments."""
    output_schema: Json = field(default_factory=none)
    """JSON Schema of the result."""
    input_schema_projections: tuple[SchemaProjectionOverride, ...] = ()
    """Argument schemas for single provider profiles."""
    output_schema_projections: tuple[SchemaProjectionOverride, ...] = ()
    """Result schemas for single provider profiles."""
    output_contract: ToolOutputContract = _STATIC
    """Where the output schema comes from."""
    examples: tuple[str, ...] = ()
    """Example calls."""

    @cached_property
    def arguments(self) -> LashSchema:
        """What arguments must be."""
        return LashSchema(schema=self.input_schema)


class ToolDefinition(ToolManifest, frozen=True, kw_only=True):
    """A manifest and a contract in one flat object."""

    wholly_read: ClassVar[bool] = True

    input_schema: Json = field(default_factory=open_object_schema)
    """JSON Schema of the arguments."""
    output_schema: Json = field(default_factory=none)
    """JSON Schema of the result."""
    input_schema_projections: tuple[SchemaProjectionOverride, ...] = ()
    """Argument schemas for single provider profiles."""
    output_schema_projections: tuple[SchemaProjectionOverride, ...] = ()
    """Result schemas for single provider profiles."""
    output_contract: ToolOutputContract = _STATIC
    """Where the output schema comes from."""
    examples: tuple[str, ...] = ()
    """Example calls."""

    def manifest(self) -> ToolManifest:
        """Return the manifest half."""
        return ToolManifest(**{name: getattr(self, name) for name in ToolManifest.__struct_fields__})

    def contract(self) -> ToolContract:
        """Return the contract half."""
        return ToolContract(**{name: getattr(self, name) for name in ToolContract.__struct_fields__})
