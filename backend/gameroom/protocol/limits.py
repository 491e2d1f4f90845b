"""Sizes that the wire fixes for every server. Those that an operator may change are settings."""

MAX_DEPTH = 64
"""Levels of nesting of a value of free JSON. The object that carries it under a name is not counted."""

MAX_FIELD_DEPTH = MAX_DEPTH + 1
"""Levels of a field such as `action` or `metadata`: an object, and the values of free JSON in it."""

MAX_FRAME_DEPTH = MAX_FIELD_DEPTH + 1
"""Levels of a whole command."""

MAX_INT = 2**63 - 1
MIN_INT = -(2**63)

CHAT_LENGTH = 500
ROOM_NAME_LENGTH = 80
ROOM_PASSWORD_LENGTH = 128
REASON_LENGTH = 200
ID_LENGTH = 64
"""Of the names of users, rooms and games, and of a command's `id`."""

INVITE_CODE_LENGTH = 32
"""As people write it, with spaces and dashes."""

ACCESS_TOKEN_LENGTH = 65_536
"""As long as a frame: whether a text is a token is for identity to say, which answers `unauthenticated`."""

ROOM_METADATA_BYTES = 4096

REPLY_HEAD_BYTES = 1024
"""Of a REPLY all but its `data`, at most: of the id each character may become `\\u0001`, six bytes."""
USER_METADATA_BYTES = 2048

AVATAR_URL_LENGTH = 512
"""It stands in the view of every room, once for each member."""

MAX_RESUME = 256
"""Missed events that a resume hands over at most."""

MOST_PLAYERS = 1000
"""Of a room, whatever its game."""

LOBBY_ROOMS = 200
"""The newest rooms, which a subscription of the lobby shows."""

MALFORMED_IN_A_ROW = 20
"""Malformed frames, one after the other, that end a connection."""
