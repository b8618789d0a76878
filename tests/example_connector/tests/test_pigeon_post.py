"""Pigeon Post keeps what every connector promises."""

from __future__ import annotations

from webapp.connectors.contract import HTTPContract, Reply, Trouble

from postroom_pigeon_post import PigeonPostConnector


class TestPigeonPost(HTTPContract):
    connector = PigeonPostConnector
    settings = {"whistle": "5ecret-tune", "loft": "north-tower", "fromEmail": "Acme <no-reply@example.com>"}
    answers = {
        "check": {"GET /lofts/north-tower": Reply(200, {"pigeons": 12})},
        "send": {"POST /lofts/north-tower/letters": Reply(202, {"letter": {"ring": "P-4711"}})},
    }
    message_id = "P-4711"
    troubles = {
        "credentials refused": Trouble(
            "api.credentials_refused", Reply(401, {"coo": "hiss", "meaning": "Wrong tune."})
        ),
        "mail refused": Trouble(
            "api.recipient_refused", Reply(422, {"coo": "roo-roo", "meaning": "No window at this address."})
        ),
        "too many requests": Trouble(
            "api.rate_limited", Reply(429, {"coo": "puff", "meaning": "All pigeons are out."}), temporary=True
        ),
        "provider down": Trouble(
            "pigeon-post.storm",
            Reply(503, {"coo": "roo", "meaning": "There is a storm over the mountain."}),
            temporary=True,
            on_check="api.unavailable",
        ),
    }
