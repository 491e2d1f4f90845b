"""How secrets of high entropy are stored: enough to find them, useless to a thief of the database.

Passwords are no such secrets: see `passwords`.
"""

import hashlib


def fingerprint(secret: str) -> bytes:
    """The SHA-256 of the secret."""
    return hashlib.sha256(secret.encode()).digest()
