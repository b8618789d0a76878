"""An HTTP endpoint of one's own: exactly what it gets, how it can trust it, and what its answers mean."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.canary import CANARY
from webapp.connectors.belongings import guide_of
from webapp.connectors.contract import NEVER, TROUBLES, HTTPContract, Reply, StandIn, Trouble
from webapp.connectors.contract.conversation import MAIL
from webapp.connectors.http import Patience
from webapp.connectors.http_email import HTTPEmailConnector
from webapp.connectors.http_email.config import HTTPEmailConfig
from webapp.connectors.network import Network
from webapp.domain.address import Mailbox
from webapp.domain.message import DeliveryError, Outcome, Trace
from webapp.domain.usage import UsageType

PATH = "/mail/send"
SEND = f"POST {PATH}"
TOKEN = f"Bearer {CANARY}-endpoint"
KEY = base64.b64encode(f"{CANARY}-and-some-more-bytes".encode()).decode()
SIGNING_SECRET = f"whsec_{KEY}"
SETTINGS = {
    "endpoint": f"https://mail.example.com{PATH}",
    "mode": "reference",
    "authorization": TOKEN,
    "signingSecret": SIGNING_SECRET,
}
RENDERED = {**SETTINGS, "mode": "rendered", "fromEmail": "Acme <no-reply@example.com>", "replyTo": "help@example.com"}
TAKEN = Reply(202, {"id": "m-1", "message": "queued"})


class AnEndpoint(HTTPContract):
    connector = HTTPEmailConnector
    path = PATH
    answers = {"send": {SEND: TAKEN}}
    message_id = "m-1"
    troubles = {
        "credentials refused": Trouble("http-email.authorization_refused", Reply(401, {"message": "Unauthorized"})),
        "mail refused": Trouble(
            "http-email.body_refused",
            Reply(422, {"detail": [{"type": "missing", "loc": ["body", "subject"], "msg": "Field required"}]}),
        ),
        "too many requests": Trouble(
            "http-email.rate_limited", Reply(429, {"message": "Too Many Requests"}), temporary=True
        ),
        "provider down": Trouble("api.unavailable", Reply(503, "Service Unavailable"), temporary=True),
    }

    def _answers(self, to):
        return {} if to == "check" else super()._answers(to)

    @pytest.mark.parametrize("name", TROUBLES[1:])
    def test_a_check_meets_the_same_trouble(self, name):
        """It does not: it asks nothing, and says that this proves nothing."""
        with self.peer(name) as peer:
            tried = self._try(peer, None)

            assert tried.error is None
            assert peer.stand_in.asked == []
            assert [problem.code for problem in tried.trace.cautions] == ["http-email.only_reached"]

    def test_a_check_meets_nobody_where_nobody_listens(self):
        with self.peer("nobody listens") as peer:
            assert self._try(peer, None).error.problem.code == "network.connection_refused"

    def test_it_reads_the_account_before_it_is_content(self):
        """There is no account to read."""
        with self.peer("well") as peer:
            self._try(peer, None)

            assert peer.stand_in.asked == []

    def test_no_redirect_is_followed(self):
        with StandIn({}) as other:
            tried = Tried({SEND: Reply(307, b"", {"Location": f"{other.url}/send"})}, settings=self.settings)

        assert (tried.problem, tried.error.outcome) == ("http-email.redirected", Outcome.NOT_SENT)
        assert tried.error.text == f"Location: {other.url}/send"
        assert other.asked == []


class TestWithValues(AnEndpoint):
    settings = SETTINGS


class TestWithTheFinishedMail(AnEndpoint):
    settings = RENDERED


class Tried:
    """One send against a stand-in, with everything that came of it."""

    def __init__(self, answers=None, mail=MAIL, *, kind=HTTPEmailConnector, path=PATH, settings=SETTINGS, **changes):
        self.trace, self.error, self.receipt = Trace(), None, None
        with StandIn({SEND: TAKEN, **(answers or {})}) as stand_in:
            config = HTTPEmailConfig.model_validate({**settings, **changes, "endpoint": stand_in.url + path})
            try:
                self.receipt = asyncio.run(kind(config, Network(("127.0.0.0/8",))).send(mail, self.trace))
            except DeliveryError as error:
                self.error = error
            self.asked = stand_in.asked

    @property
    def problem(self):
        return self.error.problem.code if self.error else None

    @property
    def body(self):
        return self.asked[0].body

    @property
    def headers(self):
        of_the_line = {"host", "user-agent", "accept-encoding", "content-length"}
        return {name: value for name, value in self.asked[0].headers if name.lower() not in of_the_line}


def plain(**changes):
    """Settings with nothing chosen beyond the address."""
    return {"endpoint": SETTINGS["endpoint"], **changes}


class TestReference:
    """What the source system sends, to the byte."""

    def test_it_sends_to_type_and_payload_and_no_other_key(self):
        tried = Tried(mail=replace(MAIL, locale=None), settings=plain())

        assert tried.body == b'{"to":"ada@example.com","type":"SignIn","payload":{"code":"493817"}}'
        assert tried.headers == {"Content-Type": "application/json"}

    def test_the_address_of_the_end_user_comes_where_it_is_known(self):
        tried = Tried(mail=replace(MAIL, locale=None, ip="203.0.113.7"), settings=plain())

        assert json.loads(tried.body) == {
            "to": "ada@example.com",
            "type": "SignIn",
            "payload": {"code": "493817"},
            "ip": "203.0.113.7",
        }

    def test_the_payload_is_untouched(self):
        payload = {
            "link": "https://example.com/?a=1&b=<2>",
            "locale": "ja",
            "uiLocales": "ja en",
            "organization": {"id": "o", "name": '株式会社 "A"', "branding": {}},
            "user": {"name": None, "age": 1.5, "tags": ["a", True]},
            "text": "two\r\nlines\u2028",
        }
        mail = replace(MAIL, usage_type=UsageType.ORGANIZATION_INVITATION, locale="ja", payload=payload)

        body = json.loads(Tried(mail=mail, settings=plain()).body)

        assert (body["type"], body["payload"]) == ("OrganizationInvitation", payload)

    def test_text_is_written_as_it_is(self):
        assert "株式会社".encode() in Tried(mail=replace(MAIL, payload={"name": "株式会社"})).body

    def test_half_a_character_is_still_json(self):
        assert json.loads(Tried(mail=replace(MAIL, payload={"name": "\ud83d"})).body)["payload"]["name"] == "\ud83d"

    def test_the_language_is_told_where_the_payload_does_not(self):
        assert json.loads(Tried(mail=replace(MAIL, locale="pt-BR")).body)["payload"] == {
            "code": "493817",
            "locale": "pt-BR",
        }

    @pytest.mark.parametrize("usage_type", list(UsageType), ids=str)
    def test_every_usage_type_has_the_name_that_the_source_system_gives_it(self, usage_type):
        assert json.loads(Tried(mail=replace(MAIL, usage_type=usage_type)).body)["type"] == usage_type.value


class TestFinishedMail:
    def test_it_sends_the_mail_beside_to_and_type(self):
        tried = Tried(settings=RENDERED, mail=replace(MAIL, ip="203.0.113.7"))

        assert json.loads(tried.body) == {
            "to": "ada@example.com",
            "type": "SignIn",
            "from": "Acme <no-reply@example.com>",
            "replyTo": "help@example.com",
            "subject": "Sign in to Acme",
            "html": MAIL.html,
            "text": MAIL.text,
            "locale": "en",
            "ip": "203.0.113.7",
        }

    def test_what_a_mail_does_not_have_is_not_there(self):
        mail = replace(MAIL, html=None, reply_to=None, locale=None)

        assert set(json.loads(Tried(settings=RENDERED, mail=mail).body)) == {"to", "type", "from", "subject", "text"}

    def test_a_name_with_quotes_is_one_mailbox(self):
        mail = replace(MAIL, sender=Mailbox("no-reply@example.com", 'Zoë "Z", Inc.'))

        assert json.loads(Tried(settings=RENDERED, mail=mail).body)["from"] == (
            '"Zoë \\"Z\\", Inc." <no-reply@example.com>'
        )

    def test_who_makes_the_mail_follows_from_the_settings(self):
        here, there = (HTTPEmailConfig.model_validate(each) for each in (RENDERED, SETTINGS))

        assert HTTPEmailConnector.rendering_of(here) == "here"
        assert HTTPEmailConnector.rendering_of(there) == HTTPEmailConnector.rendering == "none"

    @pytest.mark.parametrize("sender", [None, "", " "])
    def test_it_needs_a_sender(self, sender):
        ((pointer, problem),) = HTTPEmailConnector.contradictions({**RENDERED, "fromEmail": sender})

        assert (pointer, problem.code, problem.patch) == ("/fromEmail", "http-email.sender_missing", ())

    def test_the_values_need_none(self):
        assert HTTPEmailConnector.contradictions(SETTINGS) == []


class TestTrust:
    @pytest.mark.parametrize("settings", [SETTINGS, RENDERED], ids=["values", "finished mail"])
    def test_the_signature_holds_at_the_other_side(self, settings):
        tried = Tried(settings=settings, mail=replace(MAIL, payload={"code": "1", "name": "株式会社 \ud83d"}))

        assert Webhook(SIGNING_SECRET).verify(tried.body, tried.headers) == json.loads(tried.body)

    def test_a_changed_body_does_not_pass(self):
        tried = Tried()

        with pytest.raises(WebhookVerificationError):
            Webhook(SIGNING_SECRET).verify(tried.body.replace(b"ada@", b"eve@"), tried.headers)

    def test_the_clock_is_utc(self, monkeypatch):
        monkeypatch.setenv("TZ", "Pacific/Auckland")

        stamp = int(Tried().headers["webhook-timestamp"])

        assert abs(datetime.now(UTC).timestamp() - stamp) < 60

    def test_the_secret_needs_no_prefix(self):
        tried = Tried(signingSecret=KEY)

        Webhook(SIGNING_SECRET).verify(tried.body, tried.headers)

    def test_the_authorization_is_the_value_that_was_typed(self):
        assert Tried().headers["Authorization"] == TOKEN

    def test_nothing_is_added_unless_chosen(self):
        assert set(Tried(settings=plain()).headers) == {"Content-Type"}
        assert set(Tried(settings=plain(timestamp=True)).headers) == {"Content-Type", "webhook-timestamp"}
        assert set(Tried(settings=plain(idempotencyKey=True)).headers) == {"Content-Type", "Idempotency-Key"}
        assert set(Tried(settings=plain(signingSecret=SIGNING_SECRET)).headers) == {
            "Content-Type",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        }

    def test_attempts_at_one_mail_have_one_key(self):
        first, again, other = (Tried(mail=mail, idempotencyKey=True) for mail in (MAIL, MAIL, another_mail()))

        assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] == first.headers["webhook-id"]
        assert other.headers["Idempotency-Key"] != first.headers["Idempotency-Key"]


def another_mail():
    return replace(MAIL, message_id="<another@example.com>")


class TestAnswers:
    @pytest.mark.parametrize(
        ("reply", "message_id"),
        [
            (Reply(200), "key"),
            (Reply(201, "fine"), "key"),
            (Reply(204), "key"),
            (Reply(299, "{"), "key"),
            (Reply(200, {"id": 17}), "17"),
            (Reply(200, {"messageId": "abc"}), "abc"),
            (Reply(200, {"id": {"a": 1}}), "key"),
            (Reply(200, {"id": "x\r\ny" + "z" * 900}), "x y" + "z" * 196),
            (Reply(200, "[" * 50_000), "key"),
        ],
        ids=["200", "201", "204", "299", "number", "messageId", "object", "long", "deep"],
    )
    def test_any_2xx_is_accepted(self, reply, message_id):
        tried = Tried({SEND: reply})

        assert tried.error is None
        assert tried.receipt.provider_message_id == (tried.headers["webhook-id"] if message_id == "key" else message_id)

    def test_without_a_key_and_an_id_there_is_none(self):
        assert Tried({SEND: Reply(204)}, settings=plain()).receipt.provider_message_id is None

    def test_a_web_page_is_told(self):
        class Page(Reply):
            content_type = "text/html; charset=utf-8"

        tried = Tried({SEND: Page(200, "<html><title>Welcome</title><p>Hello</p></html>")})

        assert tried.receipt.text == "Welcome Hello"
        assert [problem.code for problem in tried.trace.cautions] == ["http-email.answered_with_page"]

    def test_the_query_of_the_address_is_sent(self):
        tried = Tried(path=f"{PATH}?tenant=a%20b&x=")

        assert (tried.error, tried.asked[0].target) == (None, f"{PATH}?tenant=a%20b&x=")

    def test_a_missing_final_slash_is_mended_with_one_click(self):
        tried = Tried({SEND: Reply(308, "", {"Location": f"{PATH}/"})})
        (operation,) = tried.error.problem.patch

        mended = Tried({f"{SEND}/": TAKEN}, path=urlsplit(operation.value).path)

        assert operation.path == "/connector/config/endpoint"
        assert mended.error is None

    @pytest.mark.parametrize(
        "target", ["https://evil.example/mail/send/", "/login", "", "//evil.example/mail/send/", "http://[::1"]
    )
    def test_no_other_redirect_is_mended(self, target):
        tried = Tried({SEND: Reply(302, "", {"Location": target})})

        assert (tried.problem, tried.error.problem.patch) == ("http-email.redirected", ())

    def test_the_time_to_wait_is_kept(self):
        tried = Tried({SEND: Reply(429, {"message": "slow down"}, {"Retry-After": "30"})})

        assert tried.error.text == "slow down; Retry-After: 30"
        assert tried.error.problem.temporary

    def test_a_list_of_faults_is_told(self):
        faults = [{"loc": ["body", "a"], "msg": "Field required"}, {"loc": ["body", 0], "msg": "Not a number"}]

        assert (
            Tried({SEND: Reply(422, {"detail": faults})}).error.text == "body.a: Field required; body.0: Not a number"
        )

    def test_a_page_is_told_by_its_words(self):
        page = (
            "<html><head><style>p{}</style><script>alert(1)</script></head><!-- <p>no --><h1>403 &amp; out</h1></html>"
        )

        assert Tried({SEND: Reply(403, page)}).error.text == "403 & out"

    @pytest.mark.parametrize("page", ["<" * 500_000, "<script" * 50_000, "<!--" * 50_000, "</script" + " " * 90_000])
    def test_a_hostile_page_costs_nothing(self, page):
        assert Tried({SEND: Reply(403, f"<{page}")}).problem == "http-email.forbidden"

    def test_a_secret_that_comes_back_is_not_shown(self):
        tried = Tried({SEND: Reply(302, TOKEN, {"Location": f"/?{TOKEN}", "Retry-After": CANARY})})

        token = TOKEN.partition(" ")[2]
        assert token not in repr((tried.trace.transcript, tried.trace.phases, tried.error.text, tried.error.problem))


class Hasty(HTTPEmailConnector):
    patience = Patience(answer=0.6)


UNANSWERED = {
    "silence": NEVER,
    "502": Reply(502, "Bad Gateway"),
    "504": Reply(504, {"message": "Endpoint request timed out"}),
    "524": Reply(524, "error code: 524"),
    "huge": Reply(200, b"x" * 1_100_000),
    "drip": Reply(200, "x" * 60, drip=0.05),
}


class Sequence(StandIn):
    """Answers each request with the next reply."""

    def __init__(self, *replies):
        super().__init__({})
        self.replies = list(replies)

    def reply_to(self, asked):
        self.asked.append(asked)
        return self.replies.pop(0)


class TestUnanswered:
    @pytest.mark.parametrize("how", UNANSWERED)
    def test_it_may_have_been_sent_and_is_not_repeated(self, how):
        tried = Tried({SEND: UNANSWERED[how]}, kind=Hasty)

        assert (tried.problem, tried.error.outcome) == ("api.maybe_sent", Outcome.MAYBE_SENT)
        assert len(tried.asked) == 1

    def sent(self, *replies):
        trace = Trace()
        with Sequence(*replies) as endpoint:
            config = HTTPEmailConfig.model_validate(
                {**SETTINGS, "endpoint": endpoint.url + PATH, "idempotencyKey": True}
            )
            try:
                return asyncio.run(Hasty(config, Network(("127.0.0.0/8",))).send(MAIL, trace)), endpoint.asked, trace
            except DeliveryError as error:
                return error, endpoint.asked, trace

    @pytest.mark.parametrize("how", UNANSWERED)
    def test_with_a_key_it_is_repeated_once_to_the_byte(self, how):
        receipt, (first, second), trace = self.sent(UNANSWERED[how], TAKEN)

        assert receipt.provider_message_id == "m-1"
        assert (first.headers, first.body) == (second.headers, second.body)
        assert first.header("Idempotency-Key")
        assert "once more, with the same Idempotency-Key" in trace.transcript

    @pytest.mark.parametrize("how", ["silence", "502"])
    @pytest.mark.parametrize("then", [NEVER, Reply(502), Reply(503), Reply(401), Reply(409)], ids=str)
    def test_after_the_second_nobody_knows(self, how, then):
        error, asked, _ = self.sent(UNANSWERED[how], then)

        assert (error.problem.code, error.outcome) == ("api.maybe_sent", Outcome.MAYBE_SENT)
        assert len(asked) == 2

    @pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
    def test_a_refusal_is_not_repeated(self, status):
        error, asked, _ = self.sent(Reply(status))

        assert error.outcome is Outcome.NOT_SENT
        assert len(asked) == 1


class TestConfig:
    @pytest.mark.parametrize(
        "endpoint",
        ["", "mail.example.com", "ftp://mail.example.com", "http://mail.example.com/", "https://u:p@mail.example.com/"],
    )
    def test_an_address_that_cannot_be_asked_is_refused(self, endpoint):
        with pytest.raises(ValidationError) as caught:
            HTTPEmailConfig.model_validate({**SETTINGS, "endpoint": endpoint})

        assert [error["loc"] for error in caught.value.errors()] == [("endpoint",)]

    def test_the_whole_address_stays_as_it_is(self):
        config = HTTPEmailConfig.model_validate(plain(endpoint="https://Mail.Example.com:443/a/?x=1"))

        assert config.endpoint == "https://mail.example.com/a/?x=1"

    @pytest.mark.parametrize(
        ("endpoint", "same"),
        [
            ("https://mail.example.com/mail/send/", True),
            ("https://mail.example.com/mail/send?a=1", True),
            ("https://mail.example.com/of/somebody/else", False),
            ("https://mail.example.net/mail/send", False),
        ],
        ids=["slash", "query", "path", "host"],
    )
    def test_a_secret_stays_with_host_and_path(self, endpoint, same):
        old, new = (HTTPEmailConnector.destination({**SETTINGS, **each}) for each in ({}, {"endpoint": endpoint}))

        assert new.keeps_secrets_of(old) is same

    @pytest.mark.parametrize(
        "secret",
        ["whsec_", f"whsec_{CANARY}", "whsec_" + base64.b64encode(b"short").decode(), f"{KEY} {KEY}", f"whsec_{KEY}ö"],
        ids=["empty", "not Base64", "short", "two", "not ASCII"],
    )
    def test_a_signing_secret_that_signs_nothing_is_refused(self, secret):
        with pytest.raises(ValidationError) as caught:
            HTTPEmailConfig.model_validate({**SETTINGS, "signingSecret": secret})

        assert CANARY not in str(caught.value)

    @pytest.mark.parametrize("value", [f"Authorization: Bearer {CANARY}", f"Bearer {CANARY}-ö"], ids=["name", "umlaut"])
    def test_what_is_no_value_of_a_header_is_refused(self, value):
        with pytest.raises(ValidationError) as caught:
            HTTPEmailConfig.model_validate({**SETTINGS, "authorization": value})

        assert CANARY not in str(caught.value)

    @pytest.mark.parametrize(
        ("query", "cautions"),
        [
            ("", []),
            ("?tenant=a", []),
            ("?code=abc", ["http-email.key_in_address"]),
            ("?a=1&API_KEY=x", ["http-email.key_in_address"]),
            ("#[::1", []),
        ],
    )
    def test_a_key_in_the_address_is_told(self, query, cautions):
        told = HTTPEmailConnector.cautions({**SETTINGS, "endpoint": SETTINGS["endpoint"] + query})

        assert [problem.code for problem in told] == cautions


class TestGuide:
    """The endpoint that the guide shows, run as it stands there."""

    def taken(self, monkeypatch, **settings):
        (code,) = [each for each in guide_of(HTTPEmailConnector).split("```\n") if each.startswith("import os\n")]
        monkeypatch.setenv("SIGNING_SECRET", SIGNING_SECRET)
        delivered = []
        shown = {"deliver": lambda mail: delivered.append(mail) or "m-17", "__name__": "endpoint"}
        exec(code, shown)  # noqa: S102  it is ours
        server = make_server("127.0.0.1", 0, shown["app"], request_handler=Quiet)
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        url = f"http://127.0.0.1:{server.server_port}/send"
        config = HTTPEmailConfig.model_validate({**SETTINGS, "endpoint": url, **settings})
        try:
            return asyncio.run(HTTPEmailConnector(config, Network(("127.0.0.0/8",))).send(MAIL, Trace())), delivered
        finally:
            server.shutdown()
            serving.join()
            server.server_close()

    def test_it_takes_what_is_sent(self, monkeypatch):
        receipt, (mail,) = self.taken(monkeypatch)

        assert receipt.provider_message_id == "m-17"
        assert mail["payload"]["code"] == "493817"

    def test_it_refuses_another_signature_and_the_reason_is_understood(self, monkeypatch):
        with pytest.raises(DeliveryError) as caught:
            self.taken(monkeypatch, signingSecret=f"whsec_{KEY[::-1].strip('=')[:40]}")

        assert caught.value.problem.code == "http-email.signature_refused"

    def test_it_refuses_what_is_not_signed_and_the_reason_is_understood(self, monkeypatch):
        with pytest.raises(DeliveryError) as caught:
            self.taken(monkeypatch, signingSecret=None)

        assert caught.value.problem.code == "http-email.signature_refused"


class Quiet(WSGIRequestHandler):
    def log(self, *args):
        """Say nothing."""


class TestInbox:
    @pytest.mark.parametrize("settings", [SETTINGS, RENDERED], ids=["values", "finished mail"])
    def test_it_shows_the_request_without_its_secrets(self, settings):
        config = HTTPEmailConfig.model_validate({**settings, "idempotencyKey": True})

        shown = asyncio.run(HTTPEmailConnector(config, Network()).shown(MAIL))

        head, _, body = shown.content.decode().partition("\r\n\r\n")
        lines = head.lower().split("\r\n")
        assert shown.media_type == "message/http"
        assert lines[0] == "post https://mail.example.com/mail/send http/1.1"
        assert {line.partition(":")[0] for line in lines[1:]} == {
            "content-type",
            "authorization",
            "idempotency-key",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        }
        assert "authorization: •••" in lines
        assert "webhook-signature: •••" in lines
        assert CANARY not in shown.content.decode()
        assert body.encode() == Tried(settings=settings).body
