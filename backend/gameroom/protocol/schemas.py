"""JSON Schemas of the Structs of the wire and of REST, for the two documents: what is decoded is what is described."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from gameroom.errors import ERRORS
from gameroom.protocol.codes import CLOSE_WORDS

Schema = dict[str, Any]
"""A JSON Schema, or another object of a document."""

NULL: Schema = {"type": "null"}

LINE_FEED = r"(?!\n)$"
"""How a pattern of ours keeps Python's `$` from letting a line feed pass. JSON Schema's `$` never does."""


def ref(shape: type[Struct]) -> Schema:
    """A reference to the shape's schema in the document."""
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


ERROR_CODE: Schema = {"$ref": "#/components/schemas/ErrorCode"}


def schemas_of(shapes: Iterable[type[Struct]]) -> dict[str, Schema]:
    """The schemas of the shapes and of all that they hold, by name, and `ErrorCode`."""
    _, made = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    schemas = {name: _whole(portable(schema)) for name, schema in made.items()}
    return {**schemas, "ErrorCode": error_codes()}


def error_codes() -> Schema:
    """Every code word of an ERROR or a problem; `x-codes` says what goes with each."""
    return {
        "title": "ErrorCode",
        "description": "Judge a word that you do not know by `retryable`. A word without a status only closes.",
        "type": "string",
        "enum": [*ERRORS, *CLOSE_WORDS],
        "x-codes": {
            code: {"status": error.status, "retryable": error.retryable} for code, error in ERRORS.items()
        },
    }


def with_fields(schema: Schema, fields: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """The schema with some of its fields described more closely, and some more of them `required`."""
    properties = {**schema["properties"], **fields}
    return {**schema, "properties": properties, "required": [*schema["required"], *required]}


def portable(schema: Schema) -> Schema:
    """The same without what only Python's patterns need."""
    plain = {key: _converted(value) for key, value in schema.items()}
    if isinstance(plain.get("pattern"), str):
        plain["pattern"] = plain["pattern"].replace(LINE_FEED, "$")
    return plain


def _converted(value: Any) -> Any:
    if isinstance(value, list):
        return [_converted(item) for item in value]
    return portable(value) if isinstance(value, dict) else value


def _whole(schema: Schema) -> Schema:
    """What the server sends is whole: a field that it fills in by itself, such as `token_type`, is always there.

    What it reads is told apart by refusing unknown fields, or by defaults that are null.
    """
    if schema.get("additionalProperties") is False:
        return schema
    fields: Schema = schema.get("properties", {})
    filled_in = [name for name, field in fields.items() if field.get("default") is not None]
    required = [name for name in fields if name in filled_in or name in schema.get("required", [])]
    kept = {name: {key: field[key] for key in field if key != "default"} for name, field in fields.items()}
    return {
        **schema,
        "properties": {**fields, **{name: kept[name] for name in filled_in}},
        "required": required,
    }
