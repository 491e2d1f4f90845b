"""What its owner may do to an account: change how it is shown, change the password, upgrade it, delete it."""

from asyncio import Lock
from weakref import WeakValueDictionary

from gameroom.clock import Clock
from gameroom.errors import Conflict, Forbidden, InvalidCredentials
from gameroom.identity.account import Account, account_gone, user_view
from gameroom.identity.accounts import AccountStore, Caller, Entered, NewPassword
from gameroom.identity.news import News
from gameroom.identity.passwords import Passwords
from gameroom.identity.profile import ProfileChange
from gameroom.identity.sign_ins import SignIns


class AccountChanges:
    """Every call is for a user who was identified just now, and is stored when it returns.

    All raise `Unauthenticated` and `AccountSuspended` where their sign-in has ended meanwhile, and `Unavailable`.
    What changes a card is stored and told before the next change of the same user, so that news keep its order.
    """

    def __init__(
        self, store: AccountStore, sign_ins: SignIns, passwords: Passwords, news: News, clock: Clock
    ) -> None:
        self._store = store
        self._sign_ins = sign_ins
        self._passwords = passwords
        self._news = news
        self._clock = clock
        self._turns: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    def _turn(self, user_id: str) -> Lock:
        """Held while a change of this user is stored and told; there as long as somebody holds it or waits."""
        return self._turns.setdefault(user_id, Lock())

    async def profile(self, by: Caller, change: ProfileChange) -> Account:
        """Replace the given fields, whole. The account as it is now."""
        async with self._turn(by.user_id):
            changed = await self._store.change_profile(by, change, self._clock.now())
            if changed is None:
                raise account_gone()
            self._news.changed(user_view(changed))
        return changed

    async def password(self, by: Caller, current: str, new: str) -> None:
        """Replace the password, and end every sign-in of the user but this one.

        Raises `InvalidCredentials` where `current` is wrong, and `Forbidden` for a guest, who has none.
        """
        stored = (await self._found(by.user_id)).password_hash
        if stored is None:
            raise Forbidden("A guest has no password; upgrade to a full account first", reason="guest")
        if not (await self._passwords.verify(current, stored)).right:
            raise InvalidCredentials("The current password is wrong")
        change = NewPassword(
            by=by,
            old_hash=stored,
            new_hash=await self._passwords.hash(new),
            at=self._clock.now(),
        )
        if not await self._store.change_password(change):
            # The stored hash has just become another: renewed by a sign-in, or of another password.
            await self.password(by, current, new)

    async def upgrade(self, by: Caller, username: str, password: str) -> Entered:
        """Make a guest a full account, with a new sign-in beside those that it has.

        For an account that has this name and password already it is a sign-in, so that it can be repeated when its
        answer was lost. Raises `Conflict` for any other full account, `UsernameTaken`.
        """
        account = await self._found(by.user_id)
        if account.username is not None:
            await self._require_same(account, username, password)
            token = await self._sign_ins.open(by.user_id, account.password_hash)
            return Entered(account, False, token)
        password_hash = await self._passwords.hash(password)
        # Where the same call came twice at once, the other may be first: then it is no guest any more.
        return await self._upgraded(by, username, password_hash) or await self.upgrade(by, username, password)

    async def _upgraded(self, by: Caller, username: str, password_hash: str) -> Entered | None:
        """None: this is no guest any more, or gone."""
        async with self._turn(by.user_id):
            sign_in, token = self._sign_ins.prepared(by.user_id)
            upgraded = await self._store.upgrade(by, username, password_hash, sign_in)
            if upgraded is None:
                return None
            self._news.changed(user_view(upgraded))
        return Entered(upgraded, False, token)

    async def delete(self, by: Caller) -> None:
        """The account is gone, with its sign-ins and all else that is kept of it here."""
        async with self._turn(by.user_id):
            await self._store.delete(by, self._clock.now())
            self._news.deleted(by.user_id)

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
