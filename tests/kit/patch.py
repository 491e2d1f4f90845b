"""JSON Patch (RFC 6902), the three operations that the wire uses, applied strictly: what does not fit raises."""

from copy import deepcopy
from typing import Any

Operation = dict[str, Any]


class PatchFailed(AssertionError):
    """The patch does not fit the document, or is not one that the wire allows."""


def apply_patch(document: Any, patch: list[Operation]) -> Any:
    """The document after all operations; the given one stays as it is. Raises `PatchFailed`."""
    result = deepcopy(document)
    for operation in patch:
        result = _apply(result, operation)
    return result


def _apply(document: Any, operation: Operation) -> Any:
    keys = _keys_of(operation)
    if not keys:
        return _whole(operation)
    parent = document
    for key in keys[:-1]:
        parent = _step(parent, key)
    if isinstance(parent, dict):
        _change_object(parent, keys[-1], operation)
    elif isinstance(parent, list):
        _change_array(parent, keys[-1], operation)
    else:
        raise PatchFailed(f"nothing can be inside {parent!r}: {operation}")
    return document


def _keys_of(operation: Operation) -> list[str]:
    """The reference tokens of the path (RFC 6901); checks the operation's own shape on the way."""
    wanted = {"op", "path"} if operation.get("op") == "remove" else {"op", "path", "value"}
    if operation.get("op") not in ("add", "remove", "replace") or set(operation) != wanted:
        raise PatchFailed(f"not an operation of the wire: {operation}")
    path = operation["path"]
    if path == "":
        return []
    if not path.startswith("/"):
        raise PatchFailed(f"not a JSON pointer: {path!r}")
    return [_unescape(token) for token in path[1:].split("/")]


def _unescape(token: str) -> str:
    if "~" in token.replace("~0", "").replace("~1", ""):
        raise PatchFailed(f"a bad escape in a JSON pointer: {token!r}")
    return token.replace("~1", "/").replace("~0", "~")


def _whole(operation: Operation) -> Any:
    if operation["op"] == "remove":
        raise PatchFailed("the whole document cannot be removed")
    return deepcopy(operation["value"])


def _step(parent: Any, key: str) -> Any:
    if isinstance(parent, dict) and key in parent:
        return parent[key]
    if isinstance(parent, list):
        return parent[_index(key, len(parent) - 1)]
    raise PatchFailed(f"there is no {key!r} in {parent!r}")


def _index(key: str, last: int) -> int:
    if not (key.isascii() and key.isdigit()) or (key != "0" and key.startswith("0")) or int(key) > last:
        raise PatchFailed(f"{key!r} is no index up to {last}")
    return int(key)


def _change_object(parent: dict[str, Any], key: str, operation: Operation) -> None:
    if operation["op"] != "add" and key not in parent:
        raise PatchFailed(f"there is no {key!r} to {operation['op']}")
    if operation["op"] == "remove":
        del parent[key]
    else:
        parent[key] = deepcopy(operation["value"])


def _change_array(parent: list[Any], key: str, operation: Operation) -> None:
    if operation["op"] == "add":
        position = len(parent) if key == "-" else _index(key, len(parent))
        parent.insert(position, deepcopy(operation["value"]))
    elif operation["op"] == "replace":
        parent[_index(key, len(parent) - 1)] = deepcopy(operation["value"])
    else:
        del parent[_index(key, len(parent) - 1)]
