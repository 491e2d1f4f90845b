"""The wire, pure: what clients send, what they get, and how it is written as bytes. Knows no I/O."""
