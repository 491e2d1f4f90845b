"""Every refusal that a client can see, as one tree.

A `GameroomError` is an answer, not an accident: its class fixes the code word, the HTTP status and whether the
same command may be sent again (`retryable`); an instance adds a sentence for testers and `params` for programs.
The edges turn it into an `ERROR` frame or `application/problem+json`; nothing else may reach a client.

    GameroomError
    ├── MalformedFrame · UnknownCommand · ValidationFailed · UnsupportedProtocol · MessageTooBig
    ├── Unauthenticated ── TokenExpired · TokenReused · InvalidCredentials
    ├── Forbidden · AccountSuspended · UsernameTaken · Conflict · NotFound · IdReused
    ├── RoomNotFound · RoomFull · RoomLocked · RoomClosed · WrongRoomPassword · BannedFromRoom · TooManyRooms
    ├── NotMember · NotHost · NotPlayer · MemberNotFound
    ├── WrongStatus · PlayersNotReady · NotEnoughPlayers · UnknownGame
    ├── NotYourTurn · IllegalAction · UnknownAction · GameFailed
    └── RateLimited · Unavailable · InternalError
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from msgspec import Struct

Params = dict[str, Any]
"""Values of an error for programs: JSON, never a secret."""


class FieldError(Struct, frozen=True):
    """One field that is wrong: a JSON pointer into the command or body (RFC 6901), and a sentence."""

    pointer: str
    detail: str


class GameroomError(Exception):
    """The root of the tree; never raised itself."""

    code: ClassVar[str]
    status: ClassVar[int] = 409
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        params: Params | None = None,
        errors: tuple[FieldError, ...] = (),
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.params = params
        self.errors = errors
        self.retry_after_ms = retry_after_ms

    def reworded(self, message: str) -> "GameroomError":
        """The same refusal in other words; without the traceback, so that it can be kept."""
        other = self.__class__.__new__(self.__class__)
        GameroomError.__init__(
            other, message, params=self.params, errors=self.errors, retry_after_ms=self.retry_after_ms
        )
        return other


# --- what was sent cannot be read -----------------------------------------------------------------------------


class MalformedFrame(GameroomError):
    code, status = "malformed_frame", 400


class UnknownCommand(GameroomError):
    code, status = "unknown_command", 422

    def __init__(self, name: str, did_you_mean: str | None) -> None:
        hint = f"; did you mean {did_you_mean}?" if did_you_mean else ""
        super().__init__(f"There is no command {name!r}{hint}", params={"did_you_mean": did_you_mean})


class ValidationFailed(GameroomError):
    code, status = "validation_failed", 422

    @classmethod
    def at(cls, pointer: str, detail: str) -> "ValidationFailed":
        """One wrong field: its JSON pointer with `#`, such as `#/action/cell`, and what would be right."""
        return cls(f"{pointer}: {detail}", errors=(FieldError(pointer, detail),))


class UnsupportedProtocol(GameroomError):
    code, status = "unsupported_protocol", 400


class MessageTooBig(GameroomError):
    code, status = "message_too_big", 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"A message may have at most {limit} bytes", params={"limit": limit})


# --- who is asking --------------------------------------------------------------------------------------------


class Unauthenticated(GameroomError):
    code, status = "unauthenticated", 401


class TokenExpired(Unauthenticated):
    code = "token_expired"


class TokenReused(Unauthenticated):
    code = "token_reused"


class InvalidCredentials(Unauthenticated):
    code = "invalid_credentials"


class Forbidden(GameroomError):
    code, status = "forbidden", 403

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message, params={"reason": reason})


class AccountSuspended(GameroomError):
    code, status = "account_suspended", 403

    def __init__(self, until: str | None) -> None:
        super().__init__("This account is suspended", params={"until": until})


class UsernameTaken(GameroomError):
    code = "username_taken"


class Conflict(GameroomError):
    code = "conflict"


class NotFound(GameroomError):
    code, status = "not_found", 404


class IdReused(GameroomError):
    code, status = "id_reused", 422


# --- the room -------------------------------------------------------------------------------------------------


class RoomNotFound(GameroomError):
    code, status = "room_not_found", 404

    def __init__(self, message: str = "There is no such room, or it is not for you") -> None:
        super().__init__(message)


class RoomFull(GameroomError):
    code = "room_full"


class RoomLocked(GameroomError):
    code = "room_locked"


class RoomClosed(GameroomError):
    code, status = "room_closed", 410

    def __init__(self, message: str = "This room is closed") -> None:
        super().__init__(message)


class WrongRoomPassword(GameroomError):
    code, status = "wrong_room_password", 403


class BannedFromRoom(GameroomError):
    code, status = "banned_from_room", 403


class TooManyRooms(GameroomError):
    code = "too_many_rooms"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A user may be in at most {limit} rooms", params={"limit": limit})


class NotMember(GameroomError):
    code, status = "not_member", 403


class NotHost(GameroomError):
    code, status = "not_host", 403


class NotPlayer(GameroomError):
    code, status = "not_player", 403


class MemberNotFound(GameroomError):
    code, status = "member_not_found", 404


class WrongStatus(GameroomError):
    code = "wrong_status"

    def __init__(self, message: str, *, status: str, expected: str) -> None:
        super().__init__(message, params={"status": status, "expected": expected})


class PlayersNotReady(GameroomError):
    code = "players_not_ready"

    def __init__(self, user_ids: list[str]) -> None:
        super().__init__(f"{len(user_ids)} player(s) are not ready", params={"user_ids": user_ids})


class NotEnoughPlayers(GameroomError):
    code = "not_enough_players"

    def __init__(self, *, need: int, have: int) -> None:
        super().__init__(
            f"The game needs {need} players, there are {have}", params={"need": need, "have": have}
        )


class UnknownGame(GameroomError):
    code, status = "unknown_game", 422

    def __init__(self, name: str, games: list[str]) -> None:
        super().__init__(f"There is no game {name!r} here", params={"games": games})


# --- the game -------------------------------------------------------------------------------------------------


class NotYourTurn(GameroomError):
    """Raised by a game: the action is fine, but it is the turn of the seat `turn`."""

    code = "not_your_turn"

    def __init__(self, *, turn: int) -> None:
        super().__init__(f"It is the turn of seat {turn}", params={"turn": turn})


class IllegalAction(GameroomError):
    """Raised by a game: its rules forbid the action. `reason` is a word, `details` go into `params`."""

    code = "illegal_action"

    def __init__(self, reason: str, **details: Any) -> None:
        super().__init__(f"The rules forbid this: {reason}", params={"reason": reason, **details})


class UnknownAction(GameroomError):
    code, status = "unknown_action", 422

    def __init__(self, name: str, did_you_mean: str | None) -> None:
        hint = f"; did you mean {did_you_mean!r}?" if did_you_mean else ""
        super().__init__(f"The game has no action {name!r}{hint}", params={"did_you_mean": did_you_mean})


class GameFailed(GameroomError):
    """The game raised something else than a refusal: its bug. What the handler changed is undone."""

    code, status = "game_error", 500


# --- now is a bad moment --------------------------------------------------------------------------------------


class RateLimited(GameroomError):
    code, status, retryable = "rate_limited", 429, True


class Unavailable(GameroomError):
    """Certainly not applied: the same command may be sent again with the same id."""

    code, status, retryable = "unavailable", 503, True


class InternalError(GameroomError):
    """Our bug. Nothing was changed."""

    code, status = "internal", 500


# --- all of them ----------------------------------------------------------------------------------------------


def _kinds(root: type[GameroomError]) -> Iterator[type[GameroomError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _kinds(kind)


ERRORS: dict[str, type[GameroomError]] = {kind.code: kind for kind in _kinds(GameroomError)}
"""Every refusal by its code word, in the order of this page."""
