"""The parts of identity, put together."""

from dataclasses import dataclass, field

from gameroom.clock import Clock
from gameroom.identity.access import Access
from gameroom.identity.account_changes import AccountChanges
from gameroom.identity.accounts import Accounts, AccountStore
from gameroom.identity.family import SignInPolicy
from gameroom.identity.keys import KeyRing
from gameroom.identity.news import News
from gameroom.identity.passwords import HashingPolicy, Passwords
from gameroom.identity.revocations import Revocations, RevocationStore
from gameroom.identity.sign_ins import SignIns, SignInStore
from gameroom.identity.tickets import Tickets, TicketStore
from gameroom.identity.tokens import AccessTokens, TokenPolicy


@dataclass(frozen=True, kw_only=True)
class IdentityPolicy:
    """What an operator may choose."""

    tokens: TokenPolicy
    sign_ins: SignInPolicy = field(default_factory=SignInPolicy)
    hashing: HashingPolicy = field(default_factory=HashingPolicy)
    ticket_ttl_s: int = 30


@dataclass(frozen=True, kw_only=True)
class IdentityStores:
    """Where identity keeps what it knows; all four must stand in the same database."""

    accounts: AccountStore
    sign_ins: SignInStore
    revocations: RevocationStore
    tickets: TicketStore


@dataclass(frozen=True, kw_only=True)
class Identity:
    """All parts. `revocations` must be started and stopped by whoever has made this."""

    accounts: Accounts
    changes: AccountChanges
    sign_ins: SignIns
    tokens: AccessTokens
    tickets: Tickets
    access: Access
    revocations: Revocations
    news: News
    keys: KeyRing


def build_identity(stores: IdentityStores, policy: IdentityPolicy, keys: KeyRing, clock: Clock) -> Identity:
    """Takes about 30 ms: the hash that unknown users are held against is made here."""
    tokens = AccessTokens(keys, policy.tokens, clock)
    tickets = Tickets(stores.tickets, policy.ticket_ttl_s, clock)
    sign_ins = SignIns(stores.sign_ins, policy.sign_ins, clock)
    passwords, news = Passwords(policy.hashing), News()
    return Identity(
        accounts=Accounts(stores.accounts, sign_ins, passwords, clock),
        changes=AccountChanges(stores.accounts, sign_ins, passwords, news, clock),
        sign_ins=sign_ins,
        tokens=tokens,
        tickets=tickets,
        access=Access(tokens, tickets, stores.sign_ins, clock),
        revocations=Revocations(stores.revocations, clock),
        news=news,
        keys=keys,
    )
