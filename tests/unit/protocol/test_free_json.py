"""Free JSON as games return it: plain types within the limits, and a pointer to what is not."""

import pytest

from gameroom.protocol.free_json import NestedTooDeep, NotFreeJson, check_free_json
from gameroom.protocol.limits import MAX_DEPTH, MAX_INT, MIN_INT


def nested(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        MIN_INT,
        MAX_INT,
        1.5,
        "",
        "é😀",
        [],
        {},
        (1, "a"),
        {"a": [{"": None}]},
        nested(MAX_DEPTH),
    ],
)
def test_what_may_be_carried(value: object) -> None:
    check_free_json(value)


@pytest.mark.parametrize(
    ("value", "pointer", "says"),
    [
        (MAX_INT + 1, "#", "2^63"),
        (MIN_INT - 1, "#", "2^63"),
        (float("nan"), "#", "finite"),
        ({"a": float("inf")}, "#/a", "finite"),
        ("\0", "#", "U+0000"),
        ({"a": ["é\0"]}, "#/a/0", "U+0000"),
        ({"a": "\udfff"}, "#/a", "surrogate"),
        ({"a": {"\ud800": 1}}, "#/a", "surrogate"),
        ({"a": {1: 2}}, "#/a", "strings"),
        ({"a": {None: 2}}, "#/a", "strings"),
        ({"a": (1, {2})}, "#/a/1", "a set is not JSON"),
        ({"~/": b""}, "#/~0~1", "binary data is not JSON"),
        (object(), "#", "a object is not JSON"),
    ],
)
def test_what_may_not(value: object, pointer: str, says: str) -> None:
    with pytest.raises(NotFreeJson) as caught:
        check_free_json(value)
    assert caught.value.pointer == pointer
    assert says in caught.value.detail


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 200_000])
def test_nested_too_deep(levels: int) -> None:
    value = nested(levels)
    with pytest.raises(NestedTooDeep):
        check_free_json(value)
    while value:  # unwound by hand: the interpreter frees deep nesting recursively
        value = value.pop()  # type: ignore[assignment]


def test_a_value_that_holds_itself_is_too_deep() -> None:
    value: dict[str, object] = {}
    value["self"] = value
    with pytest.raises(NestedTooDeep):
        check_free_json(value)
    value.clear()
