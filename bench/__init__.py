"""What the server costs, measured beside its peers on the same machine, and the report about it.

`make bench` starts each contender on one core and the load (`bench/generator`, in C) on the other, round after round,
and writes `docs/benchmarks.md`, its pictures and `bench/results`. From there on: `workloads` says what is done,
`contenders` by whom, `plan` how the load is told, `rounds` runs it all, `figures`, `goals`, `growth` reckon, `report`,
`tables` and `charts` show.
"""
