"""Access tokens of another hour, signed with the server's own key, for what else would take a wait."""

from jose import jwt

from tests.kit.api import Account
from tests.kit.server import Server


def aged(server: Server, account: Account, seconds: int) -> str:
    """The account's access token as it will be in so many seconds: all that it says of time is as much earlier."""
    claims = jwt.get_unverified_claims(account.access_token)
    header = jwt.get_unverified_header(account.access_token)
    [key] = server.data_dir.rglob("*.pem")
    past = {**claims, "iat": claims["iat"] - seconds, "exp": claims["exp"] - seconds}
    return str(jwt.encode(past, key.read_text(), header["alg"], headers={"kid": header["kid"]}))
