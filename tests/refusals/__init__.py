"""The table of refusals: everything that the wire contract says no to, one row each.

`row` says what a row is and what is checked of every one; `scenes` sets up who is in which room; `commands` derives
the rows that all commands have from one valid frame of each; `rooms` has those that are special; `doors` those of
handshakes and REST; `stories` those that take a sequence of steps. `tests/integration/test_refusals.py` goes through
them, and demands that no command and no code of the AsyncAPI document is missing.
"""
