"""What can be played here."""

from fastapi import APIRouter
from starlette.responses import Response

from gameroom.api.answers import answer
from gameroom.api.openapi import call
from gameroom.api.shapes import GameDescription, GameList
from gameroom.games.registry import Games, GameType

MAX_AGE_S = 60
"""Games change only with the program: after a deploy, this is how long a client may still see those before it."""


def games_router(games: Games) -> APIRouter:
    """`/api/v1/games`: described once, since nothing about them changes while the program runs."""
    router = APIRouter(prefix="/api/v1/games", tags=["games"])
    described = GameList([_described(games.get(name)) for name in games.names()])

    @router.get("", **call(gives={200: GameList}))
    async def list_games() -> Response:
        """Every game, with JSON Schemas of its settings, its actions and its state as players see it."""
        return answer(described, headers={"Cache-Control": f"public, max-age={MAX_AGE_S}"})

    return router


def _described(game: GameType) -> GameDescription:
    schemas = game.schemas()
    return GameDescription(
        name=game.name,
        version=game.version,
        title=game.title,
        min_players=game.min_players,
        max_players=game.max_players,
        settings_schema=schemas.settings,
        action_schema=schemas.action,
        view_schema=schemas.view,
    )
