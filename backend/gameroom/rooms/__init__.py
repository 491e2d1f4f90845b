"""The authority over rooms: *decide* → *append* → *publish*.

`rooms.py`, `journal.py`, `placement.py` and `directory.py` are the contracts. The pure core is `room` with `state`,
`router`, `handlers/` and `decision`; `actor` with its `mailbox`, and `local`, are its coat of I/O. Commands come in
through `entrance`, new rooms through `creation`, and what happens to accounts through `news`.
"""
