"""The authority over rooms: *decide* → *append* → *publish*.

`rooms.py`, `journal.py` and `placement.py` are the contracts; `state`, `router`, `handlers/` and `decision` are
the pure core; `actor` and `local` are its coat of I/O.
"""
