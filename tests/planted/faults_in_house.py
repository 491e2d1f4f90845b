"""Faults in who imports whom."""

from tests.planted.fault import Edit, Faults, fault

CONTRACTS_KEPT = "tests/unit/test_architecture.py::test_every_contract_is_kept"
IMPORT_LOGGING = "import logging\n"

FAULTS: Faults = {
    "Each floor imports only what is below it": (
        fault(
            "a room asks the gateway",
            Edit(
                "backend/gameroom/rooms/local.py",
                IMPORT_LOGGING,
                "import logging\nfrom gameroom.gateway.policy import GatewayPolicy as GatewayPolicy\n",
            ),
            CONTRACTS_KEPT,
        ),
        fault(
            "the hub knows the actor",
            Edit(
                "backend/gameroom/gateway/hub.py",
                IMPORT_LOGGING,
                "import logging\nfrom gameroom.rooms.actor import Actor as Actor\n",
            ),
            CONTRACTS_KEPT,
        ),
        fault(
            "the state of a room asks for the time",
            Edit(
                "backend/gameroom/rooms/state.py", "import msgspec\n", "import time as time\nimport msgspec\n"
            ),
            CONTRACTS_KEPT,
        ),
        fault(
            "a room knows SQL",
            Edit(
                "backend/gameroom/rooms/local.py",
                IMPORT_LOGGING,
                "import logging\nfrom sqlalchemy import select as select\n",
            ),
            CONTRACTS_KEPT,
        ),
    ),
}
