"""JSON Patch by example; `tests/property/test_patch.py` has the laws."""

import msgspec
import pytest

from gameroom.protocol.operation import Operation
from gameroom.protocol.patch import PatchError, apply, diff, same

add = "add"
remove = "remove"
replace = "replace"


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [(replace, "/a", 2)]),
        ({"a": 1}, {}, [(remove, "/a")]),
        ({}, {"a": None}, [(add, "/a", None)]),
        ({"a": 1}, {"a": None}, [(replace, "/a", None)]),
        ({"a": 1}, {"a": True}, [(replace, "/a", True)]),
        ({"a": 1}, {"a": 1.0}, [(replace, "/a", 1.0)]),
        ({"a": {"b": 0, "c": 0}}, {"a": {"b": 0, "c": 1}}, [(replace, "/a/c", 1)]),
        ({"~/": 1}, {"~/": 2}, [(replace, "/~0~1", 2)]),
        ({"": 1}, {"": 2}, [(replace, "/", 2)]),
        ({"a": {}}, {"a": []}, [(replace, "/a", [])]),
        (1, 2, [(replace, "", 2)]),
        ([None] * 9, [None] * 4 + [0] + [None] * 4, [(replace, "/4", 0)]),
        ([{"x": 1}], [{"x": 2}], [(replace, "/0/x", 2)]),
        ([1, 2], [1, 2, 3], [(add, "/2", 3)]),
        ([2, 3], [1, 2, 3], [(add, "/0", 1)]),
        ([1, 2, 3], [1, 3], [(remove, "/1")]),
        ([1, 2, 3], [], [(remove, "/2"), (remove, "/1"), (remove, "/0")]),
        ([1, 1], [1, 1, 1], [(add, "/2", 1)]),
        ([1, True], [1, 1, True], [(add, "/1", 1)]),
        ([1, 2, 9], [1, 3, 4, 9], [(replace, "/1", 3), (add, "/2", 4)]),
    ],
)
def test_diff(old: object, new: object, patch: list[tuple[object, ...]]) -> None:
    expected = [Operation(*step) for step in patch]  # type: ignore[arg-type]
    found = diff(old, new)
    assert [(step.op, step.path) for step in found] == [(step.op, step.path) for step in expected]
    assert same([step.value for step in found], [step.value for step in expected])


def test_diff_below_a_path() -> None:
    assert diff({"a": 1}, {"a": 2}, "/state") == [Operation("replace", "/state/a", 2)]


def test_a_removal_has_no_value_and_a_null_is_one() -> None:
    patch = [Operation("remove", "/a"), Operation("add", "/b", None)]
    encoded = msgspec.json.encode(patch)
    assert encoded == b'[{"op":"remove","path":"/a"},{"op":"add","path":"/b","value":null}]'
    assert msgspec.json.decode(encoded, type=list[Operation]) == patch


def test_apply_copies() -> None:
    document, value = {"a": [1]}, {"b": [2]}
    patched = apply(document, [Operation("add", "/c", value), Operation("replace", "/c/b/0", 3)])
    assert patched == {"a": [1], "c": {"b": [3]}}
    assert (document, value) == ({"a": [1]}, {"b": [2]})


def test_apply_in_order() -> None:
    patch = [Operation("add", "/-", 3), Operation("remove", "/0"), Operation("add", "/0", 0)]
    assert apply([1, 2], patch) == [0, 2, 3]


def test_apply_to_keys_that_look_like_escapes() -> None:
    assert apply({"~1": 1, "/": 1}, [Operation("replace", "/~01", 2)]) == {"~1": 2, "/": 1}


def test_apply_to_the_whole() -> None:
    assert apply({"a": 1}, [Operation("replace", "", [1]), Operation("add", "/0", 0)]) == [0, 1]


@pytest.mark.parametrize(
    "operation",
    [
        Operation("remove", "/b"),
        Operation("replace", "/b", 1),
        Operation("add", "/b/c", 1),
        Operation("add", "/s/c", 1),
        Operation("remove", "/l/2"),
        Operation("replace", "/l/2", 1),
        Operation("add", "/l/3", 1),
        Operation("add", "/l/01", 1),
        Operation("add", "/l/x", 1),
        Operation("add", "/l/-1", 1),
        Operation("remove", "/l/-"),
        Operation("remove", "/l/²"),
        Operation("add", "/l/-/0", 1),
        Operation("add", "a", 1),
        Operation("add", "/~2", 1),
        Operation("add", "/~", 1),
        Operation("remove", ""),
        Operation("remove", "/a", 1),
        Operation("add", "/c"),
        Operation("replace", "/a"),
    ],
)
def test_apply_refuses_what_does_not_fit(operation: Operation) -> None:
    document = {"a": 1, "s": "x", "l": [1, 2]}
    with pytest.raises(PatchError):
        apply(document, [operation])
