"""The servers that are put to the test, by name: the columns of the report."""

TAKEN_OVER = "fast path, taken over"
"""As our endpoint uses it: the connection leaves ASGI."""

PLAIN_ASGI = "fast path, plain ASGI"
"""As any other app under our server would."""

IN_PYTHON = "fast path, not compiled"
"""Taken over, where `_framing` could not be built."""

OURS = (TAKEN_OVER, PLAIN_ASGI, IN_PYTHON)

THEIRS = ("wsproto", "websockets-sansio", "websockets")
"""uvicorn's own classes, as its setting `ws` names them."""
