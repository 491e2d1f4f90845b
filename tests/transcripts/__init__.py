"""The transcripts of the protocol's page, played against a real server.

The page is the script: what people say there (`→`) is sent, and what they hear (`←`) must come, in this order and in
these words, but for ids, moments, codes and tokens, which `likeness` lets stand for those of the play. `stories` says
who speaks when, `stage` does the rest. `tests/integration/test_transcripts.py` plays all of it, and
`python -m tests.transcripts` writes what was heard otherwise into the page.
"""
