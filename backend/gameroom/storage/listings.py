"""What a listing tells, as the tables hold it."""

from gameroom.rooms.journal import Listing


def listed(listing: Listing) -> dict[str, str | int | None]:
    """The columns of `rooms` that a listing tells, by name."""
    summary = listing.summary
    return {
        "game": summary.game,
        "game_version": listing.game_version,
        "name": summary.name,
        "status": summary.status,
        "visibility": listing.visibility,
        "invite_code": listing.invite_code,
        "player_count": summary.player_count,
        "max_players": summary.max_players,
        "spectator_count": summary.spectator_count,
        "locked": summary.locked,
        "has_password": summary.has_password,
        "next_due_at": listing.next_due_at,
        "occupied": listing.occupied,
    }


def members_of(listing: Listing) -> tuple[str, ...]:
    """The users that stand in `room_members`; a closed room has none."""
    return () if listing.summary.status == "closed" else listing.member_ids
