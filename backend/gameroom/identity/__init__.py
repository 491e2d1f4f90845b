"""Who is asking: accounts, passwords, sign-ins, access tokens, tickets.

Knows no rooms, no HTTP and no SQL: the contracts of its stores stand beside their use, `memory` implements them
for tests, `storage` in SQL. The edges talk to `Access`; the REST of sign-in to the parts of `Identity`.
"""
