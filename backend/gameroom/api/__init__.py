"""REST: the front door for signing in and for rooms, under `/api/v1`, and what operators call at the root.

`front_door` makes the application; a router per theme is built by a function that takes what it needs. Shapes of
bodies are msgspec Structs (`shapes`), read by `bodies`, answered by `answers`, described by `openapi`; every
failure leaves as problem+json (`problems`).
"""
