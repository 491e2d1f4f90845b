"""How the Python peers check who comes: python-jose as its documentation shows it."""

import os
from pathlib import Path

from jose import JWTError, jwt

PUBLIC_KEY = Path(os.environ["BENCH_PUBLIC_KEY"]).read_text()


def user_of(token: str) -> str | None:
    """The user who was given this token; None if it is not good."""
    try:
        claims = jwt.decode(token, PUBLIC_KEY, algorithms=["ES256"], audience="gameroom", issuer="gameroom")
    except JWTError:
        return None
    return str(claims["sub"])
