"""Faults in who imports whom, and in what the documents of the API say."""

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
    "The documents of the API say what goes over the wire": (
        fault(
            "the document of the sockets forgets a frame",
            Edit(
                "backend/gameroom/protocol/answers.py",
                "ConnectionFrame = Welcome | TokenExpiring | ServerDraining | LobbyChanged | Detached\n",
                "ConnectionFrame = Welcome | ServerDraining | LobbyChanged | Detached\n",
            ),
            "tests/unit/protocol/test_asyncapi.py::test_every_frame_that_is_declared_is_there",
        ),
        fault(
            "the document has another answer to SEND_CHAT",
            Edit(
                "backend/gameroom/protocol/answers.py",
                "    SendChat: ChatSent,\n",
                "    SendChat: Started,\n",
            ),
            "tests/unit/protocol/test_asyncapi.py::test_the_data_of_a_reply_is_what_the_handler_returns",
            "tests/integration/test_main_job.py::test_a_whisper_is_heard_by_two_and_hidden_from_the_third",
        ),
        fault(
            "a call gives another status than its document says",
            Edit("backend/gameroom/api/auth.py", "call(gives={201: WsTicket}", "call(gives={200: WsTicket}"),
            "tests/property/test_rest_fuzz.py::test_the_server_does_what_its_document_says",
            "tests/integration/test_wire_sign_in.py::test_a_ticket_is_short_and_single_use",
        ),
    ),
}
