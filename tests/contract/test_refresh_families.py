"""Refresh families against a model: whatever is presented in whatever order, on both stores."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from gameroom.errors import TokenExpired, TokenReused, Unauthenticated
from gameroom.identity.account import Account
from gameroom.identity.family import SignInPolicy, found
from gameroom.identity.identity import IdentityStores
from gameroom.identity.sign_ins import SignIns
from tests.contract.identity_stores import fresh_database, in_memory, in_sql
from tests.unit.identity.hand_clock import START, HandClock

TTL_S, LEEWAY_S = 600, 30
USER = Account(user_id="ada", username="Ada", display_name="Ada", created_at=START)


@dataclass
class Model:
    """One sign-in, as the wire contract tells it."""

    sign_in_id: str
    living: str
    expires_at: int
    just_spent: str | None = None
    forgiven_until: int = 0
    over: bool = False

    def expected(self, token: str, now: int) -> type[Unauthenticated] | None:
        """How presenting this token must fail; None: it must not."""
        lost_answer = token == self.just_spent and now <= self.forgiven_until
        if token != self.living and not lost_answer:
            return TokenReused
        if self.over:
            return Unauthenticated
        return TokenExpired if now >= self.expires_at else None

    def refreshed(self, token: str, successor: str, now: int) -> None:
        if token == self.living:
            self.just_spent, self.forgiven_until = token, now + LEEWAY_S * 1000
        self.living, self.expires_at = successor, now + TTL_S * 1000


@dataclass(frozen=True)
class Held:
    """A token that some client has, and the sign-in that it came from."""

    model: Model = field(compare=False)
    token: str


class RefreshFamilies(RuleBasedStateMachine):
    """Clients refresh with any token that they ever had, at any time, and sign out in between."""

    tokens: Bundle[Held] = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.resources = AsyncExitStack()
        self.clock = HandClock()
        self.stores = self.loop.run(self.make_stores())
        policy = SignInPolicy(refresh_ttl_s=TTL_S, leeway_s=LEEWAY_S)
        self.of_registration, _ = found(USER.user_id, START, policy)
        self.loop.run(self.stores.accounts.add(USER, None, self.of_registration))
        self.sign_ins = SignIns(self.stores.sign_ins, policy, self.clock)
        self.models: list[Model] = []

    async def make_stores(self) -> IdentityStores:
        return in_memory()

    def teardown(self) -> None:
        self.loop.run(self.resources.aclose())
        self.loop.close()

    @rule(target=tokens)
    def sign_in(self) -> Held:
        opened = self.loop.run(self.sign_ins.open(USER.user_id))
        model = Model(opened.sign_in_id, opened.token, self.clock.now() + TTL_S * 1000)
        self.models.append(model)
        return Held(model, opened.token)

    @rule(target=tokens, held=tokens)
    def refresh(self, held: Held) -> Held:
        return self.present(held.model, held.token)

    @rule(target=tokens, held=tokens, seconds=st.sampled_from([0, LEEWAY_S - 1, LEEWAY_S, LEEWAY_S + 1]))
    def refresh_again_because_the_answer_was_lost(self, held: Held, seconds: int) -> Held:
        self.clock.pass_s(seconds)
        return self.present(held.model, held.model.just_spent or held.model.living)

    def present(self, model: Model, token: str) -> Held:
        """Refresh, and hold what comes of it against the model."""
        now = self.clock.now()
        expected = model.expected(token, now)
        try:
            refreshed = self.loop.run(self.sign_ins.refresh(token)).refresh_token
        except Unauthenticated as refusal:
            assert type(refusal) is expected
            model.over |= expected is TokenReused
            return Held(model, token)
        assert expected is None
        assert refreshed.sign_in_id == model.sign_in_id
        model.refreshed(token, refreshed.token, now)
        return Held(model, refreshed.token)

    @rule(seconds=st.sampled_from([1, LEEWAY_S, TTL_S - LEEWAY_S, TTL_S]))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_s(seconds)

    @rule(held=tokens)
    def sign_out(self, held: Held) -> None:
        self.loop.run(self.sign_ins.end(held.token))
        held.model.over = True

    @rule()
    def sign_out_everywhere(self) -> None:
        self.loop.run(self.sign_ins.end_all(USER.user_id))
        for model in self.models:
            model.over = True

    @invariant()
    def ended_sign_ins_are_ended_for_everybody_and_told_once(self) -> None:
        self.loop.run(self.compare())

    async def compare(self) -> None:
        everything = await self.stores.revocations.revocations(0, 1000)
        told = sorted(each.sign_in_id for each in everything)
        ended = sorted(model.sign_in_id for model in self.models if model.over)
        assert [each for each in told if each != self.of_registration.sign_in_id] == ended
        for model in self.models:
            holder = await self.stores.sign_ins.holder(model.sign_in_id)
            assert holder is not None
            assert holder.ended == model.over


class SqlRefreshFamilies(RefreshFamilies):
    async def make_stores(self) -> IdentityStores:
        folder = self.resources.enter_context(tempfile.TemporaryDirectory())
        return in_sql(await self.resources.enter_async_context(fresh_database(Path(folder))))


TestInMemory = RefreshFamilies.TestCase
TestInMemory.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)

TestInSql = SqlRefreshFamilies.TestCase
TestInSql.settings = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
