"""What an operator sees of a running server: its numbers, and its log."""

from __future__ import annotations

import json

import httpx2

from tests.canary import CANARY
from tests.cli.conftest import Shell, Start, token
from tests.cli.test_keys import setup


def test_several_workers_count_together(ready: Shell, start: Start) -> None:
    server = start(ready, "--workers", "2")
    for _ in range(20):
        # Each by a connection of its own, so that both workers get some.
        assert httpx2.get(f"{server.url}/livez").status_code == 200

    answers = [httpx2.get(f"{server.url}/metrics").text for _ in range(4)]

    wanted = 'postroom_http_requests_total{method="GET",route="/livez",status="200"} 20.0'
    for answer in answers:
        assert wanted in answer
    assert server.stop() == 0


def test_every_line_of_the_log_is_json_and_none_holds_a_secret(ready: Shell, start: Start) -> None:
    plain = token(ready, "config:write")
    server = start(ready)
    with httpx2.Client(base_url=server.url, headers={"Authorization": f"Bearer {plain}"}) as client:
        saved = client.put("/api/v1/tenants/dev/setup", json=setup(), headers={"X-Request-Id": "from-the-proxy"})
        client.put("/api/v1/tenants/dev/setup", content=b'{"connector": "' + CANARY.encode())
        client.post("/sign-in", data={"email": "ada@example.com", "password": CANARY})
        client.get(f"/t/dev/?q={CANARY}")
    server.stop()

    assert saved.headers["X-Request-Id"] == "from-the-proxy"
    text = server.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert {line["request_id"] for line in requests if line["method"] == "PUT"} >= {"from-the-proxy"}
    assert all({"path", "status", "ms", "timestamp", "level"} <= set(line) for line in requests)
    assert CANARY not in text
    assert plain not in text
