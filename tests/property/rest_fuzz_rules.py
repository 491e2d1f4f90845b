"""What schemathesis must know of this API beside its document. Loaded by its own process; see `test_rest_fuzz.py`."""

import httpx2
import schemathesis
from schemathesis import AuthContext, Case, CheckContext, GenerationMode, Response

from tests.kit.api import bearer

SAID_IN_WORDS = {
    "/api/v1/auth/token": {"", "username", "password", "refresh_token"},  # by grant; and no field twice
    "/api/v1/auth/register": {"display_name"},  # something in it can be seen
    "/api/v1/auth/guest": {"display_name"},
    "/api/v1/users/me": {"display_name", "avatar_url", "metadata"},
    "/api/v1/game-room-groups": {
        "name",
        "max_players",
        "settings",
        "metadata",
        "cursor",
    },  # as the game has it; from a list
}
"""Fields under a rule that no schema tells; "" for the whole body."""


@schemathesis.check
def valid_data_is_not_called_invalid(_: CheckContext, response: Response, case: Case) -> None:
    """What the document allows may be refused for what it would do, but not for its form."""
    generated = case.meta.generation.mode if case.meta else None
    if generated is GenerationMode.POSITIVE and response.status_code == 422:
        pointers = [error["pointer"] for error in response.json().get("errors", ())]
        fields = {pointer.removeprefix("#/").lstrip("#").partition("/")[0] for pointer in pointers}
        assert fields <= SAID_IN_WORDS.get(case.path, set()), response.text


@schemathesis.auth(refresh_interval=None)
class AGuestOfItsOwn:
    """For each call another guest: a call may end every sign-in of who makes it."""

    def get(self, case: Case, _: AuthContext) -> str:
        url = f"{case.operation.base_url}/api/v1/auth/guest"
        answer = httpx2.post(url, json={}, trust_env=False, timeout=15)
        return str(answer.json()["tokens"]["access_token"])

    def set(self, case: Case, data: str, _: AuthContext) -> None:
        case.headers.update(bearer(data))
