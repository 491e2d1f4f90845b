"""Faults on purpose, and the question what became of every command.

`workload` plays in several rooms at once and keeps a `history`: what each client sent, what it was answered and what
it heard. `nemesis` kills, freezes and starves the server meanwhile. Afterwards `journal` reads the database as it
stands, without the server's code, `replay` makes every past state of every room of it, and `checker` holds the
history against that and names each promise that was not kept (`findings`). `storm` is all of it in one run.
"""
