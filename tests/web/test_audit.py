"""The audit log in the console: in words, filtered by the address, taken away as a file."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine

from tests.web.conftest import ADA, BOB, Browser, House
from tests.web.test_frame import set_up
from webapp.accounts import Accounts
from webapp.db.types import now

AUDIT = "/t/dev/settings/audit"


def note(house: House, action: str, by: str = ADA, days: float = 0, **detail: Any) -> None:
    actor = Accounts(house.services.db).by_email(by).actor
    with time_machine.travel(now() - timedelta(days=days), tick=False), house.services.db.write() as session:
        house.services.audit.record(
            session, action, actor, tenant_id=house.tenant("dev").id, request_id="request-0001", **detail
        )


def rows(browser: Browser, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(browser.get(f"{AUDIT}.csv{query}").text)))


class TestList:
    def test_says_who_did_what_and_by_which_request(self, house: House, ada: Browser) -> None:
        note(house, "member.invited", email="carol@example.com", role="editor")
        set_up(house)

        page = ada.get(AUDIT).text

        assert "<strong>operator</strong>" in page
        assert '<a href="/t/dev/history/1">saved the setup as revision 1</a>' in page
        assert f"<strong>{ADA}</strong> invited carol@example.com as editor" in page
        assert "Reason: first set-up" in page
        assert "request-0001" in page

    def test_is_of_this_tenant_only(self, house: House, ada: Browser) -> None:
        set_up(house, "prod")

        assert "saved the setup" not in ada.get(AUDIT).text

    def test_is_for_owners(self, bob: Browser) -> None:
        assert bob.get(AUDIT).status_code == 403
        assert bob.get(f"{AUDIT}.csv").status_code == 403
        assert bob.get(f"{AUDIT}.jsonl").status_code == 403

    def test_escapes_what_people_called_things(self, house: House, ada: Browser) -> None:
        note(house, "token.created", name="<script>alert(1)</script>")

        page = ada.get(AUDIT).text

        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page

    def test_goes_on_where_the_page_ended(self, house: House, ada: Browser) -> None:
        for number in range(60):
            note(house, "token.created", name=f"token-{number:02}")
        first = ada.get(f"{AUDIT}?action=token.created").text
        link = first.split('aria-label="Pages"')[1].split('href="')[1].partition('"')[0].replace("&amp;", "&")

        second = ada.get(link).text

        assert "token-59" in first
        assert "token-09" not in first
        assert "token-09" in second
        assert "token-10" not in second
        assert "Newest" in second


class TestFilter:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"new", "old", "bobs"}),
            (f"?who={BOB}", {"bobs"}),
            ("?action=token.revoked", {"old"}),
            (f"?who={ADA}&action=token.created", {"new"}),
            ("?who=nobody@example.com", set()),
            ("?since=not-a-day&before=x", {"new", "old", "bobs"}),
            (f"?before={10**30}", {"new", "old", "bobs"}),
            ("?since=9999-12-31&until=0001-01-01", {"new", "old", "bobs"}),
            ("?who=%00", {"new", "old", "bobs"}),
        ],
    )
    def test_is_the_address(self, house: House, ada: Browser, query: str, found: set[str]) -> None:
        note(house, "token.created", name="new")
        note(house, "token.revoked", days=3, name="old")
        note(house, "token.created", BOB, name="bobs")

        page = ada.get(f"{AUDIT}{query}").text

        assert {name for name in ("new", "old", "bobs") if f"“{name}”" in page} == found

    def test_of_days_includes_both(self, house: House, ada: Browser) -> None:
        note(house, "token.created", days=2, name="two days ago")
        day = (now() - timedelta(days=2)).date()

        assert "two days ago”" in ada.get(f"{AUDIT}?since={day}&until={day}").text
        assert "two days ago”" not in ada.get(f"{AUDIT}?since={day + timedelta(days=1)}").text
        assert "two days ago”" not in ada.get(f"{AUDIT}?until={day - timedelta(days=1)}").text

    def test_is_kept_in_the_form_and_the_files(self, house: House, ada: Browser) -> None:
        note(house, "token.created", BOB, name="his")

        page = ada.get(f"{AUDIT}?who={BOB}").text

        assert f'<option value="{BOB}" selected>' in page
        assert f'href="{AUDIT}.csv?who={BOB}"' in page

    def test_that_finds_nothing_offers_the_way_back(self, ada: Browser) -> None:
        page = ada.get(f"{AUDIT}?who=nobody").text

        assert "Nothing was done like that" in page


class TestFiles:
    def test_csv_has_the_words_and_the_detail(self, house: House, ada: Browser) -> None:
        note(house, "token.created", name="CI", scopes=["send"])

        answer = ada.get(f"{AUDIT}.csv")
        row = rows(ada)[0]

        assert answer.headers["Content-Disposition"] == 'attachment; filename="postroom-dev-audit.csv"'
        assert (row["actor"], row["action"], row["what"]) == (ADA, "token.created", "made the API token “CI”")
        assert json.loads(row["detail"]) == {"name": "CI", "scopes": ["send"]}

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '"=1+1"'])
    def test_csv_begins_no_cell_with_a_formula(self, house: House, ada: Browser, name: str) -> None:
        with house.services.db.write() as session:
            actor = Accounts(house.services.db).by_email(ADA).actor
            tenant = house.tenant("dev").id
            house.services.audit.record(
                session, "x.y", type(actor)("token", 1, name), tenant_id=tenant, request_id=name
            )

        row = rows(ada)[0]

        assert all(cell[:1] not in ("=", "+", "-", "@", "\t") for cell in row.values())
        assert name in (row["actor"], row["actor"].removeprefix("'"))

    def test_json_lines_are_one_object_each(self, house: House, ada: Browser) -> None:
        note(house, "token.created", name="CI")
        note(house, "token.revoked", name="zwei\nZeilen")

        lines = [json.loads(line) for line in ada.get(f"{AUDIT}.jsonl").text.splitlines()]

        assert [line["action"] for line in lines[:2]] == ["token.revoked", "token.created"]
        assert lines[0] == {
            "at": lines[0]["at"],
            "action": "token.revoked",
            "actor": {"kind": "person", "name": ADA},
            "detail": {"name": "zwei\nZeilen"},
            "requestId": "request-0001",
        }

    def test_hold_what_the_filter_chose(self, house: House, ada: Browser) -> None:
        note(house, "token.created", name="CI")
        note(house, "token.created", BOB, name="his")

        assert [row["what"] for row in rows(ada, f"?who={BOB}")] == ["made the API token “his”"]

    def test_hold_more_than_a_page(self, house: House, ada: Browser) -> None:
        for number in range(60):
            note(house, "token.created", name=str(number))

        assert len(rows(ada, "?action=token.created")) == 60


class TestChanges:
    def test_an_event_leads_to_what_changed_and_says_it_in_short(self, house: House, ada: Browser) -> None:
        set_up(house)

        page = ada.get(AUDIT).text

        assert "Changed: Connector" in page
        assert 'href="/t/dev/history/1"' in page
        assert "smtp.gmail.com" in ada.get("/t/dev/history/1").text

    def test_the_json_lines_carry_the_changes_and_no_secret(self, house: House, ada: Browser) -> None:
        set_up(house)

        saved = json.loads(ada.get(f"{AUDIT}.jsonl?action=setup.saved").text)

        changes = {each["pointer"]: each for each in saved["detail"]["changes"]}
        assert changes["/connector/config/host"]["new"] == "smtp.gmail.com"
        assert changes["/connector/config/auth/pass"]["secret"] == "different"

    def test_the_cells_of_a_spreadsheet_do_not(self, house: House, ada: Browser) -> None:
        set_up(house)

        (saved,) = rows(ada, "?action=setup.saved")

        assert json.loads(saved["detail"])["changed"] == ["/connector"]
        assert "changes" not in json.loads(saved["detail"])
