"""The kit's own JSON Patch against RFC 6902 and the `jsonpatch` package."""

import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.patch import PatchFailed, apply_patch

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("ab~/0", max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(documents, documents)
def test_a_patch_that_jsonpatch_made_leads_to_the_same_document(old: Any, new: Any) -> None:
    plain = [step for step in jsonpatch.make_patch(old, new) if step["op"] in ("add", "remove", "replace")]
    if len(plain) == len(list(jsonpatch.make_patch(old, new))):
        assert json.dumps(apply_patch(old, plain), sort_keys=True) == json.dumps(new, sort_keys=True)


@pytest.mark.parametrize(
    "step",
    [
        {"op": "move", "from": "/a", "path": "/b"},
        {"op": "add", "path": "/a"},
        {"op": "remove", "path": "/a", "value": 1},
        {"op": "remove", "path": ""},
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "replace", "path": "/missing/deep", "value": 1},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/a/x", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "replace", "path": "/list/-", "value": 1},
        {"op": "replace", "path": "/~2", "value": 1},
    ],
)
def test_what_does_not_fit_is_refused(step: dict[str, Any]) -> None:
    with pytest.raises(PatchFailed):
        apply_patch({"a": 1, "list": [1, 2]}, [step])


def test_the_given_document_stays_as_it_is() -> None:
    document = {"list": [1]}
    assert apply_patch(document, [{"op": "add", "path": "/list/-", "value": 2}]) == {"list": [1, 2]}
    assert document == {"list": [1]}
