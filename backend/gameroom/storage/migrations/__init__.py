"""The steps that bring a database to the schema of `storage.tables`, run by Alembic."""
