"""`/metrics` over a real server: what a scraper reads there has happened."""

import asyncio
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Servers
from tests.kit.api import bearer
from tests.kit.people import gathering
from tests.kit.server import Server

TOKEN = "a token of the operator, long enough"


def scraped(server: Server, token: str | None = None) -> dict[str, float]:
    """Every sample by name, with its labels' values."""
    answer = httpx2.get(f"{server.url}/metrics", headers=bearer(token) if token else {})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    samples = [sample for family in families for sample in family.samples]
    return {"/".join((sample.name, *sample.labels.values())): sample.value for sample in samples}


async def test_what_is_played_is_counted(servers: Servers) -> None:
    server = servers.start()
    before = await asyncio.to_thread(scraped, server)
    async with gathering(server) as people:
        alice, bob = await people.newcomers("Alice", "Bob")
        room_id = await alice.create("relay")
        await bob.join(room_id)
        for number in range(5):
            await alice.act("send", data=number)
        now = await asyncio.to_thread(scraped, server)
    rise = {name: now[name] - before.get(name, 0) for name in now}
    assert rise["gameroom_connections"] == 2 and rise["gameroom_rooms"] == 1
    assert rise["gameroom_messages_received_total"] >= 7
    assert rise["gameroom_events_delivered_total"] >= 11, "five sent to two, and who joined to one"
    assert rise["gameroom_journal_batch_records_sum"] >= 1, "the JOIN; a relay's play is not journaled"
    assert rise["gameroom_journal_commit_seconds_count"] == rise["gameroom_journal_batch_records_count"]
    assert now["gameroom_journal_waiting_units"] == 0
    assert now["process_resident_memory_bytes"] > 10_000_000


async def test_why_connections_were_ended_is_counted(servers: Servers) -> None:
    server = servers.start(connections_per_user=1)
    async with gathering(server) as people:
        [ann] = await people.guests("Ann")
        first, _second = await people.connect(ann), await people.connect(ann)
        assert (await first.closed()).code == 4507
        now = await asyncio.to_thread(scraped, server)
    assert now["gameroom_connections_ended_total/4507"] == 1


@pytest.mark.parametrize("shown", [None, "another token", f"{TOKEN}x", "\u00e9"])
def test_who_lacks_the_operators_token_reads_nothing(servers: Servers, shown: str | None) -> None:
    server = servers.start(metrics_token=TOKEN)
    headers = {"Authorization": f"Bearer {shown}".encode()} if shown else {}
    answer = httpx2.get(f"{server.url}/metrics", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert TOKEN not in answer.text and TOKEN not in server.log
    assert scraped(server, TOKEN)


def test_in_production_nobody_reads_them_before_there_is_a_token(tmp_path: Path) -> None:
    with Server(tmp_path, environment="production") as server:
        assert httpx2.get(f"{server.url}/metrics").status_code == 401
