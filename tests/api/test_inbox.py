"""The sandbox inbox over the API, as an end-to-end test of somebody's sign-in would use it."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from email.message import EmailMessage

from tests.api.conftest import API, House
from tests.api.problems import assert_problem
from webapp.api.waiting import waiting

INBOX = "/tenants/dev/inbox"


def deliver(house: House, to: str = "ada@example.com", code: str = "314159", tenant: str = "dev") -> str:
    """Let the sandbox capture a mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "no-reply@example.com", to, "Your code"
    mail.set_content(f"Your code is {code}. Or open https://example.com/in?t=1")
    (mail_id,) = house.services.inbox.add(house.tenant(tenant).id, [to], mail.as_bytes())
    return mail_id


class TestList:
    def test_code_and_links_are_picked_out(self, house: House, ada: API) -> None:
        deliver(house)

        (item,) = ada.get(INBOX).json

        assert item["to"] == "ada@example.com"
        assert item["code"] == "314159"
        assert item["links"] == ["https://example.com/in?t=1"]

    def test_pages_follow_each_other(self, house: House, ada: API) -> None:
        ids = [deliver(house) for _ in range(3)]

        first = ada.get(f"{INBOX}?limit=2").json
        second = ada.get(f"{INBOX}?limit=2&before={first[-1]['id']}").json

        assert {each["id"] for each in (*first, *second)} == set(ids)
        assert len(second) == 1

    def test_one_recipient_is_found(self, house: House, ada: API) -> None:
        deliver(house, "ada@example.com")
        deliver(house, "bob@example.com")

        assert [each["to"] for each in ada.get(f"{INBOX}?to=bob@example.com").json] == ["bob@example.com"]


class TestMail:
    def test_parts_headers_and_source_are_there(self, house: House, ada: API) -> None:
        mail = ada.get(f"{INBOX}/{deliver(house)}").json

        assert "Your code is 314159" in mail["text"]
        assert ["Subject", "Your code"] in mail["headers"]
        assert "Subject: Your code" in mail["source"]

    def test_mallory_gets_a_404(self, house: House, mallory: API) -> None:
        mail_id = deliver(house)

        assert_problem(mallory.get(f"/tenants/elsewhere/inbox/{mail_id}"), 404, "resource.not_found")


class TestWait:
    def test_a_mail_that_is_there_is_answered_at_once(self, house: House, ada: API) -> None:
        deliver(house)

        mail = ada.get(f"{INBOX}/wait?to=Ada@example.com").json

        assert mail["code"] == "314159"

    def test_one_that_comes_later_is_waited_for(self, house: House, ada: API) -> None:
        since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        later = threading.Timer(0.5, deliver, [house])
        later.start()

        response = ada.get(f"{INBOX}/wait?to=ada@example.com&since={since}&timeout=20")

        assert response.status_code == 200
        assert response.json["code"] == "314159"
        later.join()

    def test_older_ones_do_not_count(self, house: House, ada: API) -> None:
        deliver(house)
        since = datetime.now(UTC).isoformat().replace("+00:00", "Z")

        response = ada.get(f"{INBOX}/wait?since={since}&timeout=0.1")

        assert_problem(response, 404, "inbox.no_mail_yet")

    def test_others_mails_do_not_count(self, house: House, ada: API) -> None:
        deliver(house, "bob@example.com")
        deliver(house, "ada@example.com", tenant="elsewhere")

        assert_problem(ada.get(f"{INBOX}/wait?to=ada@example.com&timeout=0.1"), 404, "inbox.no_mail_yet")

    def test_only_a_quarter_of_the_threads_may_wait(self, house: House, ada: API) -> None:
        deliver(house)
        with house.app.app_context(), ExitStack() as others:
            for _ in range(house.services.settings.threads // 4):
                others.enter_context(waiting())

            refused = ada.get(f"{INBOX}/wait")

        assert_problem(refused, 503, "server.busy")
        assert int(refused.headers["Retry-After"]) > 0
        assert ada.get(f"{INBOX}/wait").status_code == 200


class TestClear:
    def test_all_mails_of_the_tenant_go_and_no_others(self, house: House, ada: API, mallory: API) -> None:
        deliver(house)
        deliver(house, tenant="elsewhere")

        response = ada.delete(INBOX)

        assert response.status_code == 204
        assert ada.get(INBOX).json == []
        assert len(mallory.get("/tenants/elsewhere/inbox").json) == 1
