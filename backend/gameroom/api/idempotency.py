"""`Idempotency-Key`: the header that makes a call safe to be sent again."""

from typing import Any

from fastapi import Header


def idempotency_key(promise: str) -> Any:
    """The parameter of a call that takes one; `promise` is what a repeat does, for the documentation."""
    return Header(alias="Idempotency-Key", min_length=16, max_length=64, description=promise)
