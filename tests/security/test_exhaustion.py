"""Mallory cannot get in, so she tries to make the console busy, large or forgetful for everybody else.

Unbounded, each of these takes minutes or all memory; no test looks at a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.api.conftest import smtp
from tests.canary import CANARY
from tests.web.filling import fill, send
from webapp.connectors.smtp import SmtpConnector
from webapp.domain.errors import TemplateTooLargeError
from webapp.domain.json_places import places
from webapp.domain.template import look_up, substitute
from webapp.services.captured import HEADER_LIMIT, HEADERS_LIMIT, read
from webapp.services.narrow import narrow
from webapp.services.rendering import text_of
from webapp.services.transfer.lineage import Promoted
from webapp.web.changes import text_lines
from webapp.web.connector.text import read_text
from webapp.web.folds import TEXT_AT_ONCE, cut

MEGABYTE = 1024 * 1024


class TestMallorysValues:
    def test_cannot_multiply_into_a_mail_that_fills_the_memory(self, saved) -> None:
        cell = {"contentType": "text/plain", "subject": "Hello", "content": "{{code}}" * 30_000}
        templates = {"Generic": {"*": cell}}

        answer = saved.post(
            "/tenants/dev/test-send",
            json={"to": "ada@example.com", "templates": templates, "payload": {"code": "x" * 1_000_000}},
        )

        assert (answer.status_code, answer.json["code"]) == (422, "template.too_large")

    @pytest.mark.parametrize("value", ["x" * 200_000, ["x" * 100_000] * 2, {"x": "y" * 200_000}, "<" * 60_000])
    def test_are_counted_however_they_are_written(self, value) -> None:
        with pytest.raises(TemplateTooLargeError):
            substitute("{{a}}" * 10, {"a": value}, lambda text: text.replace("<", "&lt;"))

    def test_of_a_million_names_are_not_copied_for_each_placeholder(self) -> None:
        payload = {f"name{number}": number for number in range(200_000)}

        filled = substitute("{{name1}}" * 20_000, payload)

        assert filled == "1" * 20_000

    def test_cannot_be_asked_for_by_a_number_too_long_to_read(self) -> None:
        assert look_up({"a": [1]}, "a." + "9" * 5000) is None


class TestMallorysTemplate:
    def test_cannot_grow_into_a_table_wider_than_any_memory(self) -> None:
        html = f"<table><tr><td>{'a' * 100_000}</td></tr>{'<tr><td>b' * 15_000}</table>"

        assert len(text_of(html)) < 2 * len(html)
        assert "<t" not in narrow(html)

    def test_leaves_tables_of_real_mails_as_they_are(self) -> None:
        html = "<table>" + "<tr><td>Your code</td><td>493817</td></tr>" * 50 + "</table>"

        assert narrow(html) == html

    def test_cannot_make_the_diff_look_for_hours(self) -> None:
        lines = ["a"] * 60_000
        line = SimpleNamespace(old_text="\n".join(lines), new_text="\n".join([*lines[:999], "b", *lines]))
        mixed = SimpleNamespace(old_text="a\nb\n" * 30_000, new_text="c\nb\na\n" * 30_000)

        assert [each.text for each in text_lines(line) if each.kind == "new"].count("b") == 1
        piece, following = cut(text_lines(mixed), 0)
        assert len(piece) == following < TEXT_AT_ONCE


class TestMallorysMail:
    @pytest.mark.parametrize(
        "header",
        [
            pytest.param("Content-Type: text/html;" + ("\r\n " + ";" * 60) * 30_000, id="empty parameters"),
            pytest.param("Content-Type: text/html" + ";\r\n a=b" * 250_000, id="many parameters"),
            pytest.param("Content-Disposition: attachment" + ";\r\n filename*0*=a" * 90_000, id="a name in pieces"),
            pytest.param("Content-Type: text/plain; charset=punycode", id="a charset that takes minutes"),
        ],
    )
    def test_is_read_however_long_its_headers_are(self, header) -> None:
        raw = f"Subject: Your code\r\n{header}\r\n\r\n{'a' * 600_000}".encode()

        assert read(raw).subject == "Your code"

    def test_shows_headers_that_a_person_could_read(self) -> None:
        raw = ("Subject: " + "\r\n ".join(["x" * 900] * 900) + "\r\n" + "X-A: b\r\n" * 9000 + "\r\nHello").encode()

        found = read(raw)

        assert len(found.subject) <= HEADER_LIMIT
        assert len(found.headers) == HEADERS_LIMIT

    def test_in_hundreds_of_parts_within_parts_is_shown_as_source_only(self) -> None:
        nested = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(300))
        raw = ("Subject: Russian dolls\r\n" + nested + "\r\n" * 300_000).encode()

        found = read(raw)

        assert (found.subject, found.html, found.text, found.attachments) == ("Russian dolls", None, None, ())
        assert "boundary=b299" in found.source


class TestMallorysRequests:
    def test_cannot_hold_every_thread_with_checks_of_a_silent_server(self, house, calls) -> None:
        api, places = calls("dev"), house.app.extensions["postroom.waiting"]
        while places.acquire(blocking=False):
            pass

        check = api.post("/tenants/dev/check", json={"connector": smtp()})
        sent = api.post("/tenants/dev/test-send", json={"connector": smtp(), "to": "ada@example.com"})

        assert (check.status_code, sent.status_code) == (503, 503)
        assert check.headers["Retry-After"]

    def test_cannot_hold_every_thread_from_a_page_without_scripts(self, house, insider, scripted) -> None:
        places = house.app.extensions["postroom.waiting"]
        while places.acquire(blocking=False):
            pass
        fill(insider, host="127.0.0.1", port=str(scripted().port))

        answer = send(insider, to="/t/dev/connector/check")

        assert answer.status_code == 303

    def test_cannot_fill_the_memory_with_one_style_sheet_under_many_names(self, house) -> None:
        client, kept = house.app.test_client(), house.app.extensions["postroom.assets"]._read
        names = ["css/./app.css", "css/../css/app.css", "js/../css/app.css", "css/././././app.css", "./css/app.css"]
        answers = {client.get(f"/static/{name}").status_code for name in names}

        assert answers == {404}
        assert [name for name in kept if "./" in name] == []

    def test_cannot_fill_the_memory_with_large_revisions(self, house, calls, monkeypatch) -> None:
        monkeypatch.setattr("webapp.services.history.CACHED_CHARACTERS", 300_000)
        api, kept = calls("dev"), house.services.setups._revisions._decoded

        for number in range(6):
            cell = {
                "contentType": "text/plain",
                "subject": "Hello",
                "content": f"{{{{code}}}} {number}" + "x" * 100_000,
            }
            assert api.put("/tenants/dev/setup", json={"templates": {"Generic": {"*": cell}}}).status_code in (200, 201)

        assert sum(len(each.text) for each in kept.values()) <= 300_000
        assert api.get("/tenants/dev/revisions/1").status_code == 200

    def test_cannot_exhaust_the_stack_by_patches_upon_patches(self, saved) -> None:
        def nested(depth: int) -> object:
            return {"a": nested(depth - 1)} if depth else {}

        operations = [{"op": "add", "path": "/x" + "/a" * 20 * step, "value": nested(20)} for step in range(80)]

        assert saved.patch("/tenants/dev/setup", json=operations).status_code == 422


class TestADocumentOfFaults:
    @pytest.mark.parametrize("fault", ['{"a":1,"a":2}', '"\\u0000"', "1e999", '"\\ud800"'])
    def test_is_answered_with_some_of_them(self, saved, fault) -> None:
        answer = saved.put(
            "/tenants/dev/setup", data=f"[{','.join([fault] * 50_000)}]", headers={"Content-Type": "application/json"}
        )

        assert answer.status_code == 422
        assert len(answer.json["errors"]) == 100

    @pytest.mark.parametrize(
        "document",
        [
            {f"k{n}": 1 for n in range(15_000)},
            {"templates": {f"k{n}": {} for n in range(15_000)}},
            {"templates": {"SignIn": {"en": {f"k{n}": 1 for n in range(15_000)}}}},
            {"templates": [{"usageType": "x"}] * 9_000},
            {"connector": smtp(**{f"k{n}": 1 for n in range(15_000)})},
        ],
        ids=["names", "usage types", "parts of a mail", "mails", "settings"],
    )
    def test_of_another_kind_is_too(self, saved, document) -> None:
        answer = saved.put("/tenants/dev/setup", json=document)

        assert answer.status_code == 422
        assert len(answer.get_data()) < 100_000

    def test_with_more_values_than_any_setup_is_not_looked_at(self, saved) -> None:
        answer = saved.put("/tenants/dev/setup", json={"addressPolicy": {"allow": [1] * 300_000}})

        assert [each["code"] for each in answer.json["errors"]] == ["document.too_many_values"]


class TestATextThatIsTyped:
    """Mallory, an editor, types settings as JSON; each keystroke is read, also while it is no JSON."""

    @pytest.mark.parametrize("opening", ['{"a":', "[", '{"auth":{"pass":[{'])
    def test_does_not_grow_with_its_depth(self, opening: str) -> None:
        found = places(opening * 20_000 + '"x"')

        assert max(len(place.pointer) for place in found) < 1000

    @pytest.mark.parametrize(
        "text",
        [
            "{" + ",".join(f'"k{n}":1' for n in range(15_000)) + "}",
            '{"customHeaders":{' + ",".join(f'"k{n}\\u0000":1' for n in range(9_000)) + "}}",
            "{" + ",\n".join(f'"auth":{{"pass":{n}}}' for n in range(9_000)) + "}",
        ],
        ids=["unknown names", "impossible signs", "one name again and again"],
    )
    def test_is_answered_with_as_much_as_somebody_can_mend(self, text: str) -> None:
        reading = read_text(text, SmtpConnector)

        assert reading.config is None
        assert 0 < len(reading.faults) <= 50

    def test_hides_a_secret_however_deep_it_stands(self) -> None:
        reading = read_text('{"a":' * 200 + f'{{"pass": "{CANARY}-deep"}}' + "}" * 200, SmtpConnector)

        assert CANARY not in reading.text


class TestMallorysPromotion:
    """What it looked at is written down with it, and read again for every page that compares the two tenants."""

    @pytest.mark.parametrize("place", ["only", "except"])
    def test_names_no_more_places_than_somebody_would_write(self, saved, place) -> None:
        body = {"from": "prod", place: ["/defaultLanguage"] * 100_000}

        answer = saved.post("/tenants/dev/promote?dryRun", json=body)

        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, f"/{place}")

    def test_is_not_searched_place_by_place(self) -> None:
        looked_at = tuple(f"/templates/SignIn/x{number}/subject" for number in range(100_000))
        promoted = Promoted(1, datetime.now(UTC), "mallory@example.org", "dev", 1, looked_at)

        covered = [promoted.covers(f"/templates/Register/x{number}/subject") for number in range(100_000)]

        assert not any(covered)
        assert promoted.covers("/templates/SignIn")
        assert promoted.covers("/templates/SignIn/x7/subject/part")
        assert not promoted.covers("/templates/SignIn/x7/content")
