"""Faults on purpose, and the question what became of every command.

The clients of a `workload` play in several rooms at once (`client`, `outbox`, `whims`) and keep a `history`: what each
sent, what it was answered and what it heard. `nemesis` and `databases` have the faults that befall the server
meanwhile, `crash_points` has deaths at named steps. Afterwards `journal` reads the database as it stands, without the
server's code, `replay` makes every past state of every room of it, and `checker` holds the history against that and
names each promise that was not kept (`checks_of_…`, `findings`). `run` is all of it around one server, `storm` a run
in which much happens.
"""
