"""What each command does to a room, by theme. Pure: no clock, no I/O, no randomness of their own."""
