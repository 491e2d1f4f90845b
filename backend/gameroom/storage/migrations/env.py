"""Alembic's entry point, for `gameroom migrate` (which hands a connection over) and for plain `alembic`.

The plain command takes the URL from `-x url=…`, else `sqlalchemy.url` of the ini file, else the settings.
"""

from logging.config import fileConfig

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from gameroom.settings import BadSettings, load_settings
from gameroom.storage.backend import Backend
from gameroom.storage.backends import backend_of
from gameroom.storage.failures import DatabaseUnusable
from gameroom.storage.tables import metadata


def run_on(connection: Connection) -> None:
    # DDL is transactional in both databases; in SQLite once the transaction is begun in so many words.
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def run_plain() -> None:
    if context.config.config_file_name is not None:
        fileConfig(context.config.config_file_name, disable_existing_loggers=False)
    try:
        run_in_a_transaction(backend_of(url_of_plain()))
    except (BadSettings, DatabaseUnusable) as error:
        raise CommandError(str(error)) from error  # Alembic shows it as one line


def run_in_a_transaction(backend: Backend) -> None:
    engine = backend.migrator()
    try:
        with engine.begin() as connection:
            backend.lock_schema(connection)
            run_on(connection)
    finally:
        engine.dispose()


def url_of_plain() -> str:
    given = context.get_x_argument(as_dictionary=True).get("url")
    return given or context.config.get_main_option("sqlalchemy.url") or load_settings().database_url


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run_on(handed_over)
else:
    run_plain()
