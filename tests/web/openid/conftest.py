"""A console whose sign-in another system vouches for, and that system."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.authorization import AuthorizationServer
from tests.web.conftest import House
from tests.web.openid.steps import (
    CLIENT,
    SECRET,
    OpenHouse,
    with_provider,
)


@pytest.fixture
def provider() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as server:
        server.add_client(CLIENT, SECRET)
        yield server


@pytest.fixture
def console(open_house: OpenHouse, provider: AuthorizationServer) -> House:
    """A console whose operator named the provider and what its groups give."""
    return with_provider(open_house, provider)
