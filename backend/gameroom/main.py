"""For `uvicorn gameroom.main:app --app-dir backend`: the application, its settings from the environment.

Stock uvicorn does not drain: at a deploy its sockets are closed 1012 before rooms are handed over, and one process
is all it may run (`--workers` would start several nodes on one database). `gameroom serve` does better.
"""

import logging

from gameroom.app import create_app
from gameroom.settings import load_settings, unknown_variables
from gameroom.telemetry.logs import configure_logs

_settings = load_settings()
configure_logs(_settings.log_level, _settings.log_format)
for _sentence in unknown_variables():
    logging.getLogger(__name__).warning(_sentence)
app = create_app(_settings)
