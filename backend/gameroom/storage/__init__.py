"""The SQL database behind the contracts of `rooms` and `identity`. Only this package imports SQLAlchemy.

`engine.Database` runs transactions in threads; `sqlite` holds what is SQLite's own; `tables` is the schema,
which `migrations/` brings about; the other modules implement one contract each.
"""
