"""What its owner may do to an account: change how it is shown, change the password, upgrade it, delete it."""

from gameroom.clock import Clock
from gameroom.errors import Conflict, Forbidden, InvalidCredentials
from gameroom.identity.account import Account, account_gone, user_view
from gameroom.identity.accounts import AccountStore, Entered, NewPassword
from gameroom.identity.news import News
from gameroom.identity.passwords import Passwords
from gameroom.identity.profile import ProfileChange
from gameroom.identity.sign_ins import SignIns


class AccountChanges:
    """Every call is for a user who was identified just now, and is stored when it returns.

    All raise `Unauthenticated` for an account that has been deleted meanwhile, and `Unavailable`.
    """

    def __init__(
        self, store: AccountStore, sign_ins: SignIns, passwords: Passwords, news: News, clock: Clock
    ) -> None:
        self._store = store
        self._sign_ins = sign_ins
        self._passwords = passwords
        self._news = news
        self._clock = clock

    async def profile(self, user_id: str, change: ProfileChange) -> Account:
        """Replace the given fields, whole. The account as it is now."""
        changed = await self._store.change_profile(user_id, change)
        if changed is None:
            raise account_gone()
        self._news.changed(user_view(changed))
        return changed

    async def password(self, user_id: str, sign_in_id: str, current: str, new: str) -> None:
        """Replace the password, and end every sign-in of the user but this one.

        Raises `InvalidCredentials` where `current` is wrong, and `Forbidden` for a guest, who has none.
        """
        stored = (await self._found(user_id)).password_hash
        if stored is None:
            raise Forbidden("A guest has no password; upgrade to a full account first", reason="guest")
        if not (await self._passwords.verify(current, stored)).right:
            raise InvalidCredentials("The current password is wrong")
        change = NewPassword(
            user_id=user_id,
            old_hash=stored,
            new_hash=await self._passwords.hash(new),
            sign_in_id=sign_in_id,
            at=self._clock.now(),
        )
        if not await self._store.change_password(change):
            # The stored hash has just become another: renewed by a sign-in, or of another password.
            await self.password(user_id, sign_in_id, current, new)

    async def upgrade(self, user_id: str, username: str, password: str) -> Entered:
        """Make a guest a full account, with a new sign-in beside those that it has.

        For an account that has this name and password already it is a sign-in, so that it can be repeated when its
        answer was lost. Raises `Conflict` for any other full account, `UsernameTaken`, `AccountSuspended`.
        """
        account = await self._found(user_id)
        if account.username is not None:
            await self._require_same(account, username, password)
            token = await self._sign_ins.open(user_id, account.password_hash)
            return Entered(account, False, token)
        sign_in, token = self._sign_ins.prepared(user_id)
        password_hash = await self._passwords.hash(password)
        upgraded = await self._store.upgrade(username, password_hash, sign_in)
        if upgraded is None:
            # Where the same call came twice at once, the other was first: now it is no guest any more.
            return await self.upgrade(user_id, username, password)
        self._news.changed(user_view(upgraded))
        return Entered(upgraded, False, token)

    async def delete(self, user_id: str) -> None:
        """The account is gone, with its sign-ins and all else that is kept of it here."""
        await self._store.delete(user_id, self._clock.now())
        self._news.deleted(user_id)

    async def _found(self, user_id: str) -> Account:
        account = await self._store.find(user_id)
        if account is None:
            raise account_gone()
        return account

    async def _require_same(self, account: Account, username: str, password: str) -> None:
        if username == account.username:
            verdict = await self._passwords.verify(password, account.password_hash)
            if verdict.right:
                return
        raise Conflict("This is a full account already: it has a username and a password")
