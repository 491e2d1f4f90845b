"""The SQL database behind the contracts of `rooms` and `identity`. Only this package imports SQLAlchemy.

`engine.Database` runs work in threads (`lanes`). What is a database's own stands behind `backend.Backend`: `sqlite` and
`postgres`, each with its statements of the journal (`sqlite_batches`, `postgres_batches`). `tables` is the schema of
both, which `migrations/` brings about; the other modules implement one contract each.
"""
