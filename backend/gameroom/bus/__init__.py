"""How events travel from a room's home to the sockets: at most once, never the truth."""
