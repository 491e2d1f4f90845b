"""Whether a game is as its schemas say, by which clients are written."""

from jsonschema import Draft202012Validator

from gameroom.games.schemas import Schemas
from gameroom.protocol.commands import FreeJson
from gameroom.testkit.steps import require


class Described:
    """Its checks raise AssertionError."""

    def __init__(self, schemas: Schemas) -> None:
        self._action = Draft202012Validator(schemas.action)
        self._view = Draft202012Validator(schemas.view)

    def check_action(self, message: FreeJson) -> None:
        _check(
            self._action, message, f"The action {message!r} is accepted, but not as the action schema says"
        )

    def check_view(self, view: FreeJson, whose: str) -> None:
        _check(self._view, view, f"{whose} is not as the view schema says: does `reveal` show something else")


def _check(validator: Draft202012Validator, value: FreeJson, sentence: str) -> None:
    for error in validator.iter_errors(value):
        place = "/".join(map(str, error.absolute_path)) or "the whole"
        require(False, f"{sentence}: {place}: {error.message}")
