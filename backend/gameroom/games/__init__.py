"""The plug-in contract of games, pure: what an author writes, what it may use, and how the room plays it.

`game` and `context` are the author's side; `registry` is the room's: it turns a class into a `GameType`.
"""
