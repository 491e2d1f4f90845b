"""The edge of sockets: who is there, what they say, and who hears what."""
