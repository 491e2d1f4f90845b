"""The main job, as the other tests have it, on a server that has PostgreSQL (see `server`)."""

from tests.integration.test_main_job import *  # noqa: F403  (every test there is one here)
from tests.kit.ways import plainly

pytestmark = plainly
