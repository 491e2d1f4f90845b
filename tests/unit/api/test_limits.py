"""Whom a limit is counted for."""

import pytest
from starlette.requests import Request

from gameroom.api.limits import network_of


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.8", "192.0.2.8"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_customer_is_an_ipv4_address_or_an_ipv6_network(host: str, network: str) -> None:
    assert network_of(Request({"type": "http", "client": (host, 1)})) == network
