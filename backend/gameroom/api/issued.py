"""What somebody who signs in is handed."""

from starlette.responses import Response

from gameroom.api.answers import NO_STORE, answer
from gameroom.api.shapes import SignedIn, Tokens
from gameroom.identity.account import Account, user_view
from gameroom.identity.accounts import Entered
from gameroom.identity.family import RefreshToken
from gameroom.identity.tokens import AccessTokens


def tokens_for(account: Account, refresh_token: RefreshToken, issuer: AccessTokens) -> Tokens:
    """The refresh token, and a first access token of its sign-in."""
    access = issuer.issue(account.user_id, refresh_token.sign_in_id, account.roles)
    return Tokens(
        access_token=access.token,
        expires_in=access.expires_in,
        refresh_token=refresh_token.token,
        refresh_expires_in=refresh_token.expires_in,
    )


def signed_in(entered: Entered, issuer: AccessTokens) -> Response:
    """The user and their tokens: 201 for a new account, else 200."""
    tokens = tokens_for(entered.account, entered.refresh_token, issuer)
    return answer(SignedIn(user_view(entered.account), tokens), 201 if entered.created else 200, NO_STORE)
