"""A game in JSON Schema: what may be chosen, what can be done, and what is seen.

All is made from the very types that read and show the messages, so a schema cannot say something else than the code.
"""

import re
from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.inspect import Field, StructType, Type, type_info

from gameroom.games.definition import Definition
from gameroom.games.storable import children
from gameroom.games.visible import is_hidden
from gameroom.protocol.commands import FreeJson

Schema = dict[str, FreeJson]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEFINITION = "#/$defs/{name}"
REFERENCE = re.compile(r'"#/\$defs/([^"]+)"')


class Schemas(Struct, frozen=True):
    """`action`: one of the game's actions, told apart by `type`. `view`: the state in the eyes of any seat."""

    settings: Schema
    action: Schema
    view: Schema


def schemas_of(definition: Definition) -> Schemas:
    return Schemas(_settings(definition), _action(definition), _view(definition))


def _settings(definition: Definition) -> Schema:
    [reference], components = _components([definition.settings])
    return _document(reference, components)


def _action(definition: Definition) -> Schema:
    actions = [action.fields for action in definition.actions.values()]
    references, components = _components(actions)
    for name, kind in zip(map(_name_of, references), actions, strict=True):
        components[name]["properties"]["type"] = {"const": kind.__struct_config__.tag}
    return _document({"oneOf": references}, components)


def _view(definition: Definition) -> Schema:
    """Every view of every seat is as this says; what `reveal` adds under names of its own is not told."""
    if definition.state is None:
        return _document({"type": "null"}, {})
    structs: dict[object, StructType] = {}
    _collect(type_info(definition.state), structs)
    references, components = _components(structs)
    for name, info in zip(map(_name_of, references), structs.values(), strict=True):
        components[name] = _as_shown(components[name], info, revealed="reveal" in definition.hooks)
    return _document(references[0], components)


# --- a struct in the eyes of a client -------------------------------------------------------------------------


def _collect(info: Type, structs: dict[object, StructType]) -> None:
    """The struct, and those inside of it, the outermost first."""
    if isinstance(info, StructType):
        if info.cls in structs:
            return
        structs[info.cls] = info
    for child in children(info):
        _collect(child, structs)


def _as_shown(component: Schema, info: StructType, *, revealed: bool) -> Schema:
    """As `visible` writes it: all fields are there, but the hidden ones at most where `reveal` adds them.

    Names that are not told may appear too: `reveal` has its own, and a later version of the game may have more.
    """
    always = [field for field in info.fields if not is_hidden(field.type)]
    shown = info.fields if revealed else always
    told = _told_of(component, info.fields)
    schema = {
        "title": component["title"],
        "type": "object",
        "properties": {field.encode_name: told[field.encode_name] for field in shown},
        "required": [field.encode_name for field in always if not _may_be_unset(field)],
    }
    if info.tag_field is not None:
        schema["properties"][info.tag_field] = {"const": info.tag}
        schema["required"].append(info.tag_field)
    return {"description": component["description"], **schema} if "description" in component else schema


def _told_of(component: Schema, fields: Iterable[Field]) -> dict[str, Schema]:
    """What is said of each field. Defaults are for who writes; a view is always whole."""
    names = [field.encode_name for field in fields]
    told: dict[str, Schema]
    if "properties" in component:
        told = component["properties"]
    else:
        told = dict(zip(names, component["prefixItems"][-len(names) :], strict=True))
    return {name: {key: told[name][key] for key in told[name] if key != "default"} for name in names}


def _may_be_unset(field: Field) -> bool:
    """`X | UnsetType = UNSET`: for msgspec, a field that may be missing and has no default."""
    return not field.required and field.default is field.default_factory is msgspec.NODEFAULT


# --- documents ------------------------------------------------------------------------------------------------


def _components(kinds: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """References to the schemas of these types, and all schemas that they need, by name."""
    references, components = msgspec.json.schema_components(kinds, ref_template=DEFINITION)
    return list(references), {name: _tidied(component) for name, component in components.items()}


def _tidied(component: Schema) -> Schema:
    if "description" not in component:
        return component
    return component | {"description": cleandoc(component["description"])}


def _name_of(reference: Schema) -> str:
    [name] = _names_in(reference)
    return name


def _document(root: Schema, components: Mapping[str, Schema]) -> Schema:
    """A schema that stands alone, with the definitions that it needs and no others."""
    needed: dict[str, Schema] = {}
    waiting = _names_in(root)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = components[name]
            waiting += _names_in(components[name])
    definitions = {"$defs": {name: components[name] for name in components if name in needed}}
    return {"$schema": DIALECT, **root, **(definitions if needed else {})}


def _names_in(schema: Schema) -> list[str]:
    return REFERENCE.findall(msgspec.json.encode(schema).decode())
