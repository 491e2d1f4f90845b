"""Planted faults: for each promise of INVARIANTS.md, ways to break it, and the tests that must notice.

`python -m tests.planted` (or `make planted`) plants them all, one after the other, in a copy of the tree. A fault that
no test notices means that the promise stands on paper only.
"""
