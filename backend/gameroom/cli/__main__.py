"""`python -m gameroom.cli` is `gameroom`."""

import sys

from gameroom.cli import main

sys.exit(main())
