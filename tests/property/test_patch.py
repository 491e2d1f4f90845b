"""The laws of patches: old + diff == new, whatever the values; and the world's other implementation agrees."""

import json

import jsonpatch
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gameroom.protocol.operation import Operation
from gameroom.protocol.patch import apply, diff, same

type_of_patch = list[Operation]

keys = st.sampled_from(["a", "b", "c", "", "/", "~", "~1", "0", "-"])
# Few different values, so that two drawn documents have much in common; 0, 0.0 and False are easily confused.
scalars = st.sampled_from([None, True, False, 0, 1, 0.0, 1.0, "", "x", "0"])
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@given(documents, documents)
def test_a_patch_leads_from_old_to_new(old: object, new: object) -> None:
    assert same(apply(old, diff(old, new)), new)


@given(documents, documents)
def test_a_patch_survives_the_wire(old: object, new: object) -> None:
    patch = diff(old, new)
    assert msgspec.json.decode(msgspec.json.encode(patch), type=type_of_patch) == patch


@given(documents, documents)
def test_jsonpatch_understands_our_patches(old: object, new: object) -> None:
    patch = json.loads(msgspec.json.encode(diff(old, new)))
    assert same(jsonpatch.JsonPatch(patch).apply(old), new)


@given(documents, documents)
def test_we_understand_what_jsonpatch_makes(old: object, new: object) -> None:
    theirs = list(jsonpatch.make_patch(old, new).patch)
    ours = msgspec.convert([step for step in theirs if step["op"] != "move"], type=type_of_patch)
    if len(ours) == len(theirs):  # it also makes `move`, which the wire does not have
        assert apply(old, ours) == new


@given(documents)
def test_there_is_no_patch_between_equals(document: object) -> None:
    copy = json.loads(json.dumps(document))
    assert diff(document, copy) == []
    assert same(document, copy)


@given(documents, documents)
def test_there_is_a_patch_between_others(old: object, new: object) -> None:
    assert (diff(old, new) == []) == (json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True))


@given(st.lists(documents, max_size=8), documents, st.integers(0, 8))
def test_an_insertion_is_one_operation(items: list[object], item: object, place: int) -> None:
    longer = [*items[:place], item, *items[place:]]
    assert len(diff(items, longer)) == 1
    assert len(diff(longer, items)) == 1
