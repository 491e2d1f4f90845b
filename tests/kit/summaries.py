"""What strangers see of a room."""

from tests.kit.wire import Json


def summary_of_waiting_table(room_id: str, name: str, created_at: str) -> Json:
    """Of a tic-tac-toe that its host has made with a password, and where nobody else is yet."""
    return {
        "room_id": room_id,
        "name": name,
        "game": "tic-tac-toe",
        "status": "waiting",
        "player_count": 1,
        "max_players": 2,
        "spectator_count": 0,
        "locked": False,
        "has_password": True,
        "created_at": created_at,
    }
