"""Made-up calls, right and wrong ones, at every path of the OpenAPI document: schemathesis holds the server to it.

It has a process of its own, for it changes Hypothesis in whatever process it is in: no test there would show the
example that it failed with.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.kit.documents import document
from tests.kit.server import Server

ROOT = Path(__file__).parents[2]

EXAMPLES = settings().max_examples // 5
"""For each call; `make fuzz-rest` has a profile with more."""

DEADLINE_S = 2 * EXAMPLES + 60

NOT_OURS = ["unsupported_method", "allow_header_conformance", "positive_data_acceptance"]
"""A method that a path does not have is `not_found` here, like every call that there is not: no 405, no Allow.

And not every valid call is accepted: see `rest_fuzz_rules.py`.
"""

OPTIONS = {
    "--checks": "all",
    "--exclude-checks": ",".join(NOT_OURS),
    "--phases": "examples,coverage,fuzzing",
    "--max-examples": str(EXAMPLES),
    # That no string may hold U+0000 is said once, in words, and not by a pattern on every string.
    "--generation-allow-x00": "false",
    "--generation-database": "none",
    "--warnings": "off",
}


@pytest.mark.timeout(DEADLINE_S + 10)
def test_the_server_does_what_its_document_says(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document("openapi")))
    options = [word for option in OPTIONS.items() for word in option]
    ran = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", str(file), "--url", server.url, *options],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.property.rest_fuzz_rules"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
