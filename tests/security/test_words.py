"""Mallory writes: into every field, every header, every mail. None of it becomes a header, a command or a script."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from tests.api.conftest import API, smtp
from tests.connectors.smtp_attempt import MAIL
from tests.security.conftest import House
from tests.web.conftest import ADA, Browser
from tests.web.filling import choose
from webapp.accounts import Accounts, Installation
from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.mime import envelope
from webapp.domain.address import AddressError, parse_address, parse_mailbox
from webapp.domain.roles import OPERATOR, Environment, Role

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
RUNS = re.compile(
    r"<script>alert|<img src=x|<svg onload|href=\"(?:javascript|data):|</textarea>[^<]*<script", re.IGNORECASE
)
LINE_ENDS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x00", "\x1c", "\x85", "\u2028", "\u2029"]
CONFIG = SmtpConfig.model_validate(
    {"host": "smtp.example.com", "port": 25, "auth": {"type": "none"}, "fromEmail": "no-reply@example.com"}
)


class TestMallorysLineEnds:
    @pytest.mark.parametrize(
        "field", ["host", "fromEmail", "replyTo", "name", "servername", "localAddress", "customHeaders", "user"]
    )
    def test_get_into_no_setting_or_add_nothing_to_a_mail(self, saved: API, field) -> None:
        for end in LINE_ENDS:
            text = f"Acme{end}Bcc: mallory@example.net{end}{end}<a@example.com>"
            auth = {"type": "login", "user": text, "pass": "5ecret-canary"}
            given = {"customHeaders": {"X-Acme": text}}.get(field, text)
            config = {"auth": auth} if field == "user" else {field: given}

            answer = saved.put("/tenants/dev/setup?dryRun", json={"connector": smtp(**config)})

            assert (answer.status_code, end) in {(422, end), (200, "\x85"), (200, "\u2028"), (200, "\u2029")}
            if answer.status_code == 200:
                read = SmtpConfig.model_validate({**smtp(**config)["config"], "auth": {"type": "none"}})
                assert _headers(replace(MAIL, sender=parse_mailbox(read.from_email)), read)["Bcc"] is None

    @pytest.mark.parametrize("end", LINE_ENDS)
    @pytest.mark.parametrize("field", ["subject", "reply_to", "to", "message_id", "name"])
    def test_add_no_header_whatever_was_checked_before(self, field, end) -> None:
        text = f"x{end}Bcc: mallory@example.net{end}{end}body"
        changed = {"sender": replace(MAIL.sender, name=text)} if field == "name" else {field: text}
        try:
            found = _headers(replace(MAIL, **changed), CONFIG)
        except ValueError:
            return
        assert found["Bcc"] is None

    @pytest.mark.parametrize(
        "end", [".", "\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\r\n.\r\n", "\x0b.\x0c", "\u2028.\u2028"]
    )
    @pytest.mark.parametrize("part", ["text", "html"])
    def test_end_no_mail_early(self, part, end) -> None:
        """SMTP smuggling: what one server takes for a line's end, another does not."""
        content = envelope(replace(MAIL, **{part: f"a{end}MAIL FROM:<mallory@example.net>{end}"}), CONFIG).content

        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)

    @pytest.mark.parametrize(
        "char", ["\x00", "\x01", "\x0b", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", " ", "<", ">", "\ud800"]
    )
    def test_and_other_controls_are_in_no_address(self, char) -> None:
        with pytest.raises(AddressError):
            parse_address(f"a{char}b@example.com")

    @pytest.mark.parametrize("to", ["a\x01@example.com", "a@example.com\r\nRCPT TO:<b@example.com>", "a@b.c>,<d@e.f"])
    def test_are_refused_as_a_recipient(self, saved: API, to) -> None:
        answer = saved.post("/tenants/dev/test-send", json={"to": to})

        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/to")


def _headers(mail, config):
    return message_from_bytes(envelope(mail, config).content, policy=default)


class TestMallorysScript:
    """Whatever is written, in whatever place, pages show it as it was written."""

    @pytest.fixture
    def browser(self, house: House) -> Browser:
        services = house.services
        tenant = services.tenants.add("scripted", SCRIPT[:110], Environment.DEVELOPMENT, OPERATOR)
        services.tenants.add_member(tenant.id, Accounts(services.db).by_email(ADA).id, Role.OWNER)
        Installation(services.db).rename(SCRIPT)
        return house.signed_in(ADA)

    def test_runs_on_no_page_of_the_setup(self, browser: Browser, house: House) -> None:
        form = "/t/scripted/connector"
        choose(browser, "smtp", "scripted")
        names = ["host", "port", "security", "auth.user", "fromEmail", "replyTo", "name", "servername", "to", "left"]
        names += [f"templates.SignIn.{part}" for part in ("subject", "preheader", "content", "text")]
        names += ["customHeaders.name", "customHeaders.value", "insecureAuthReason", "ticks", "usageType"]
        typed = dict.fromkeys(names, SCRIPT + "</textarea>") | {"auth.type": "login", "auth.pass": "5ecret-canary"}

        answers = [
            browser.post(form, {**typed, "action": "review"}),
            browser.post(f"{form}/draft", typed, headers={"HX-Request": "true"}),
            browser.post(f"{form}/check", typed, headers={"HX-Request": "true"}),
            browser.post(f"{form}/test", typed),
            browser.post(f"{form}/mails/SignIn", {**typed, "open": "1"}, headers={"HX-Request": "true"}),
            browser.get(form),
            browser.get(f"{form}?faults=all"),
            browser.get(f"{form}/choose", query_string={"q": SCRIPT}),
        ]

        assert [each.status_code for each in answers if each.status_code >= 500] == []
        assert [found[0] for each in answers for found in RUNS.finditer(each.text)] == []

    def test_runs_on_no_page_about_what_was_saved(self, browser: Browser, house: House, calls) -> None:
        api = calls("scripted")
        document = api.get("/tenants/scripted/setup").json
        cell = {"contentType": "text/html", "subject": SCRIPT, "preheader": SCRIPT, "content": SCRIPT + "{{code}}"}
        document["templates"]["SignIn"]["*"] = cell
        document["connector"] = smtp(fromEmail='"& onerror=alert" <a@example.com>', customHeaders={"X-A<b>": SCRIPT})
        saved = api.put("/tenants/scripted/setup", json=document, query_string={"note": SCRIPT, "reason": SCRIPT})
        assert saved.status_code == 201

        paths = ["", "connector", "connector/saved/1", "connector/delete", "connector/review", "history", "history/1"]
        paths += ["history/diff?from=0&to=1", "history/1/restore"]
        paths += ["settings", "settings/members", "settings/members/invite", "settings/tokens", "settings/danger"]
        answers = [browser.get(f"/t/scripted/{path}") for path in paths]
        answers += [
            browser.get("/account"),
            browser.get("/<script>alert(1)"),
            browser.get("/sign-in?next=/<script>alert"),
        ]

        assert [each.status_code for each in answers if each.status_code >= 500] == []
        assert [found[0] for each in answers for found in RUNS.finditer(each.text)] == []

    def test_runs_on_no_page_of_the_inbox(self, browser: Browser, house: House) -> None:
        raw = (
            f"From: {SCRIPT} <a@b>\r\nSubject: {SCRIPT}\r\nX-Mallory: {SCRIPT}\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
            "<a href='javascript:alert(1)'>x</a><a href='https://e/\"onclick=\"x'>y</a><script>alert(1)</script>\r\n"
            f'--b\r\nContent-Type: text/plain\r\n\r\n{SCRIPT} https://e/"><script>alert(1)</script>\r\n'
            f'--b\r\nContent-Disposition: attachment; filename="{SCRIPT[:25]}"\r\n\r\nz\r\n--b--\r\n'
        ).encode()
        (mail_id,) = house.services.inbox.add(house.tenant("scripted").id, [f"{SCRIPT}@example.com"], raw)

        paths = ["inbox", "inbox/news", "inbox/clear", f"inbox/{mail_id}", f"inbox/{mail_id}?view=text"]
        paths += [f"inbox/{mail_id}?view=source", f"inbox/{mail_id}?view=headers", "inbox?to=%22%3E%3Cscript%3Ealert"]
        answers = [browser.get(f"/t/scripted/{path}") for path in paths]

        assert {each.status_code for each in answers} == {200}
        assert [found[0] for each in answers for found in RUNS.finditer(each.text)] == []

    def test_is_sealed_off_where_the_mail_itself_is_shown(self, browser: Browser, house: House) -> None:
        raw = b"Content-Type: text/html\r\n\r\n<script>alert(1)</script><svg onload=alert(1)>"
        (mail_id,) = house.services.inbox.add(house.tenant("scripted").id, ["a@example.com"], raw)

        shown, source = (browser.get(f"/t/scripted/inbox/{mail_id}/{kind}") for kind in ("html", "source"))

        for answer in (shown, source):
            policy = answer.headers["Content-Security-Policy"]
            assert "sandbox;" in policy
            assert "default-src 'none'" in policy
            assert "allow-" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert source.mimetype == "text/plain"
