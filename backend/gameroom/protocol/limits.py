"""Sizes that the wire fixes for every server. Those that an operator may change are settings."""

MAX_DEPTH = 64
"""Levels of nesting of free JSON."""

MAX_INT = 2**63 - 1
MIN_INT = -(2**63)

CHAT_LENGTH = 500
ROOM_NAME_LENGTH = 80
ROOM_PASSWORD_LENGTH = 128
REASON_LENGTH = 200
ROOM_METADATA_BYTES = 4096
MAX_RESUME = 256
"""Missed events that a resume hands over at most."""

LONE_JUNK_LIMIT = 20
"""Malformed frames in a row that end a connection."""
