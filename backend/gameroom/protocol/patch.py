"""JSON Patch (RFC 6902), the part that the wire uses: what turns one view into the next.

Works on JSON as plain Python: dict, list, str, int, float, bool, None. `True` and `1`, `1` and `1.0` are different.
"""

import re
from collections.abc import Iterable
from copy import deepcopy

from msgspec import UNSET

from gameroom.protocol.commands import FreeJson
from gameroom.protocol.operation import Operation

SCALARS = frozenset((str, int, float, bool, type(None)))


class PatchError(ValueError):
    """A patch that does not fit its document."""


def escape(step: str) -> str:
    """A key as it stands in a JSON pointer."""
    return step.replace("~", "~0").replace("/", "~1")


# --- making patches -------------------------------------------------------------------------------------------


def diff(old: FreeJson, new: FreeJson, path: str = "") -> list[Operation]:
    """The operations that turn `old` into `new`, where both stand at `path`; none if they are the same.

    Values are shared with `new`, not copied: encode the patch before either changes.
    """
    operations: list[Operation] = []
    _compare(old, new, path, operations)
    return operations


def _compare(old: FreeJson, new: FreeJson, path: str, out: list[Operation]) -> None:
    kind = type(old)
    if kind is not type(new):
        out.append(Operation("replace", path, new))
    elif kind is dict:
        _compare_objects(old, new, path, out)
    elif kind is list:
        _compare_arrays(old, new, path, out)
    elif old != new:
        out.append(Operation("replace", path, new))


def _compare_objects(
    old: dict[str, FreeJson], new: dict[str, FreeJson], path: str, out: list[Operation]
) -> None:
    for key, value in old.items():
        if key not in new:
            out.append(Operation("remove", f"{path}/{escape(key)}"))
            continue
        other = new[key]
        # Most members have not changed: they cost neither a call nor a path.
        if value is other or (type(value) is type(other) and type(value) in SCALARS and value == other):
            continue
        _compare(value, other, f"{path}/{escape(key)}", out)
    if not new.keys() <= old.keys():
        out.extend(Operation("add", f"{path}/{escape(key)}", new[key]) for key in new if key not in old)


def _compare_arrays(old: list[FreeJson], new: list[FreeJson], path: str, out: list[Operation]) -> None:
    start, end = _common_ends(old, new) if len(old) != len(new) else (0, 0)
    stop_old, stop_new = len(old) - end, len(new) - end
    both = min(stop_old, stop_new)
    for index in range(start, both):
        if old[index] is not new[index]:
            _compare(old[index], new[index], f"{path}/{index}", out)
    # From the back, so that no operation shifts what another one names.
    out += [Operation("remove", f"{path}/{index}") for index in range(stop_old - 1, both - 1, -1)]
    out += [Operation("add", f"{path}/{index}", new[index]) for index in range(both, stop_new)]


def _common_ends(old: list[FreeJson], new: list[FreeJson]) -> tuple[int, int]:
    """How many elements two arrays share at their start, and how many of the rest at their end."""
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and same(old[start], new[start]):
        start += 1
    end = 0
    while end < shorter - start and same(old[-1 - end], new[-1 - end]):
        end += 1
    return start, end


def same(left: FreeJson, right: FreeJson) -> bool:
    """Whether two values are the same JSON: unlike `==`, tells `True`, `1` and `1.0` apart."""
    if left is right:
        return True
    if type(left) is not type(right) or left != right:
        return False
    if type(left) is dict:
        return all(same(value, right[key]) for key, value in left.items())
    if type(left) is list:
        return all(map(same, left, right))
    return True


# --- applying patches -----------------------------------------------------------------------------------------


def apply(document: FreeJson, operations: Iterable[Operation]) -> FreeJson:
    """A copy of `document` with all operations done in order.

    Raises `PatchError` where one does not fit: a path that leads nowhere, a `remove` or `replace` of what is not
    there, a missing or superfluous `value`.
    """
    root = {"": deepcopy(document)}
    for operation in operations:
        removes = operation.op == "remove"
        if removes != (operation.value is UNSET):
            raise PatchError(f"{operation.op} at {operation.path!r}: value is missing or superfluous")
        if removes and not operation.path:
            raise PatchError("the whole document cannot be removed")
        _perform(operation, root)
    return root[""]


def _perform(operation: Operation, root: dict[str, FreeJson]) -> None:
    """`root` holds the document under the key `""`, so that the whole of it is replaced like any other member."""
    *steps, last = _steps(operation.path)
    holder: FreeJson = root
    for step in steps:
        holder = _child(holder, step, operation)
    if isinstance(holder, dict):
        _change_object(holder, last, operation)
    elif isinstance(holder, list):
        _change_array(holder, last, operation)
    else:
        raise _misfit(operation)


def _change_object(holder: dict[str, FreeJson], key: str, operation: Operation) -> None:
    if operation.op != "add" and key not in holder:
        raise _misfit(operation)
    if operation.op == "remove":
        del holder[key]
    else:
        holder[key] = deepcopy(operation.value)


def _change_array(holder: list[FreeJson], step: str, operation: Operation) -> None:
    if operation.op == "add":
        index = len(holder) if step == "-" else _index(step, len(holder) + 1, operation)
        holder.insert(index, deepcopy(operation.value))
    elif operation.op == "remove":
        del holder[_index(step, len(holder), operation)]
    else:
        holder[_index(step, len(holder), operation)] = deepcopy(operation.value)


def _child(holder: FreeJson, step: str, operation: Operation) -> FreeJson:
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    if isinstance(holder, list):
        return holder[_index(step, len(holder), operation)]
    raise _misfit(operation)


def _index(step: str, bound: int, operation: Operation) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,9}", step) or int(step) >= bound:
        raise _misfit(operation)
    return int(step)


def _steps(pointer: str) -> list[str]:
    if (pointer and not pointer.startswith("/")) or re.search(r"~(?![01])", pointer):
        raise PatchError(f"{pointer!r} is not a JSON pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")]


def _misfit(operation: Operation) -> PatchError:
    return PatchError(f"{operation.op} at {operation.path!r} does not fit the document")
