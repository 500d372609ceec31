"""Whether what a tool says of its arguments is a JSON Schema at all; arguments themselves are checked by rules of their own (turns §11.4)."""

from functools import lru_cache

from lash_nb.errors import ToolRegistryError
from lash_nb.wire import Json, ToolContract, from_json, to_json

__all__ = ["check_schemas"]


def check_schemas(name: str, contract: ToolContract) -> None:
    """Look at the schemas of a tool that somebody else describes.

    Raises:
        ToolRegistryError: one of them is no JSON Schema; the message says where.
    """
    for what, schema in (("input", contract.input_schema), ("output", contract.output_schema)):
        if schema is None:
            continue
        fault = _fault(to_json(schema))
        if fault is not None:
            raise ToolRegistryError(f"the {what} schema of tool `{name}` is no JSON Schema: {fault}; mend the schema")


@lru_cache(maxsize=512)
def _fault(encoded: bytes) -> str | None:
    """What is wrong with a schema; sessions of a core offer the same tools again and again."""
    from jsonschema import SchemaError, validators  # noqa: PLC0415 - takes a second, and most tools make their schemas themselves

    schema: Json = from_json(encoded)
    if isinstance(schema, bool):  # everything, or nothing
        return None
    if not isinstance(schema, dict):
        return f"it is a {type(schema).__name__}, not an object"
    try:
        validators.validator_for(schema, default=validators.Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return f"{error.json_path}: {error.message}"
    return None
