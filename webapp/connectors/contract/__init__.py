"""What holds for every connector, for the tests of ours and of other packages. Needs pytest.

For a provider that is reached by HTTP this is all that a test has to say::

    class TestAcme(HTTPContract):
        connector = AcmeConnector
        settings = {"apiKey": "acme-5ecret", "fromEmail": "Acme <no-reply@example.com>"}   # without the endpoint
        answers = {
            "check": {"GET /account": Reply(200, {"active": True})},
            "send": {"POST /send": Reply(202, {"id": "m-1"})},
        }
        message_id = "m-1"
        troubles = {
            "credentials refused": Trouble("api.credentials_refused", Reply(401, {"message": "unknown key"})),
            "mail refused": Trouble("api.recipient_refused", Reply(422, {"message": "bad recipient"})),
            "too many requests": Trouble("api.rate_limited", Reply(429), temporary=True),
            "provider down": Trouble("api.unavailable", Reply(503), temporary=True),
        }

Copy the answers from the provider's documentation or from a recorded call, and link the page. A connector that speaks
something else inherits ``ConnectorContract`` and says in ``peer`` whom it talks to.
"""

import pytest

# Before the modules are imported, so that a failure shows both sides of its comparison.
pytest.register_assert_rewrite(f"{__name__}.conversation", f"{__name__}.declaration", f"{__name__}.over_http")

from webapp.connectors.contract.conversation import TROUBLES, ConnectorContract, Parts, Peer, Trouble  # noqa: E402
from webapp.connectors.contract.declaration import Declaration  # noqa: E402
from webapp.connectors.contract.over_http import HTTPContract  # noqa: E402
from webapp.connectors.contract.stand_in import NEVER, Asked, Reply, StandIn  # noqa: E402

__all__ = [
    "NEVER",
    "TROUBLES",
    "Asked",
    "ConnectorContract",
    "Declaration",
    "HTTPContract",
    "Parts",
    "Peer",
    "Reply",
    "StandIn",
    "Trouble",
]
