"""Made-up calls, right and wrong ones, at every path of the OpenAPI document: schemathesis holds the server to it."""

import httpx2
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import CHECKS

from tests.kit.api import bearer
from tests.kit.documents import document
from tests.kit.server import Server

NO_NUL = schemathesis.Config.from_dict({"generation": {"allow-x00": False}})
"""That no string may hold U+0000 is said once, in words, and not by a pattern on every string."""

schema = schemathesis.openapi.from_dict(document("openapi"), config=NO_NUL)

NOT_OURS = CHECKS.get_by_names(["unsupported_method", "allow_header_conformance", "positive_data_acceptance"])
"""A method that a path does not have is `not_found` here, like every call that there is not: no 405, no Allow.

And not every valid call is accepted: see `valid_data_is_not_called_invalid`.
"""

EXAMPLES = settings().max_examples // 5
"""For each call; `make fuzz-rest` has a profile with more."""

SAID_IN_WORDS = {
    "/api/v1/auth/token": {"", "username", "password", "refresh_token"},  # by grant; and no field twice
    "/api/v1/auth/register": {"display_name"},  # something in it can be seen
    "/api/v1/auth/guest": {"display_name"},
    "/api/v1/users/me": {"display_name", "avatar_url", "metadata"},
    "/api/v1/game-room-groups": {"max_players", "settings", "metadata"},  # as the game has it; so many bytes
}
"""Fields under a rule that no schema tells; "" for the whole body."""


def valid_data_is_not_called_invalid(_: CheckContext, response: Response, case: Case) -> None:
    """What the document allows may be refused for what it would do, but not for its form."""
    generated = case.meta.generation.mode if case.meta else None
    if generated is GenerationMode.POSITIVE and response.status_code == 422:
        pointers = [error["pointer"] for error in response.json().get("errors", ())]
        fields = {pointer.removeprefix("#/").lstrip("#").partition("/")[0] for pointer in pointers}
        assert fields <= SAID_IN_WORDS.get(case.path, set()), response.text


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_server_does_what_its_document_says(case: Case, server: Server) -> None:
    headers = bearer(a_token(server)) if case.operation.definition.raw.get("security") else {}
    case.call_and_validate(
        base_url=server.url,
        headers=headers,
        excluded_checks=NOT_OURS,
        additional_checks=[valid_data_is_not_called_invalid],
    )


def a_token(server: Server) -> str:
    """Of a guest of its own: a call may end every sign-in of who makes it."""
    answer = httpx2.post(f"{server.url}/api/v1/auth/guest", json={}, trust_env=False, timeout=15)
    return str(answer.json()["tokens"]["access_token"])
