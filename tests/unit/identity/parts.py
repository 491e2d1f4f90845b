"""Identity on stores in memory, cheap to make."""

from gameroom.identity.identity import Identity, IdentityPolicy, IdentityStores, build_identity
from gameroom.identity.keys import KeyRing, generate_key
from gameroom.identity.memory import MemoryStores
from gameroom.identity.passwords import HashingPolicy
from gameroom.identity.tokens import TokenPolicy
from tests.unit.identity.hand_clock import HandClock

CHEAP = HashingPolicy(memory_kib=64, passes=1)
POLICY = IdentityPolicy(tokens=TokenPolicy(issuer="gameroom", audience="players"), hashing=CHEAP)
KEYS = KeyRing([generate_key()])


def memory_identity(
    clock: HandClock, stores: MemoryStores | None = None, policy: IdentityPolicy = POLICY
) -> Identity:
    stores = stores or MemoryStores()
    together = IdentityStores(accounts=stores, sign_ins=stores, revocations=stores, tickets=stores)
    return build_identity(together, policy, KEYS, clock)
