"""For `uvicorn gameroom.main:app --app-dir backend`: the application, its settings from the environment.

Stock uvicorn does not drain: at a deploy its sockets are closed 1012 before rooms are handed over, and one process
is all it may run (`--workers` would start several nodes on one database). `gameroom serve` does better.
"""

from gameroom.app import create_app
from gameroom.settings import load_settings
from gameroom.telemetry.logs import configure_logs

_settings = load_settings()
configure_logs(_settings.log_level, _settings.log_format)
app = create_app(_settings)
