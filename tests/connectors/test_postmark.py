"""Postmark: what is asked of it, what its answers mean, and that its own SDK would ask the same."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from postmark.clients.server_client import ServerClient
from pydantic import ValidationError

from tests.canary import CANARY
from webapp.connectors.contract import NEVER, HTTPContract, Reply, StandIn, Trouble
from webapp.connectors.contract.conversation import MAIL
from webapp.connectors.http import Patience
from webapp.connectors.network import Network
from webapp.connectors.postmark import PostmarkConfig, PostmarkConnector
from webapp.domain.address import Mailbox
from webapp.domain.message import DeliveryError, Outcome, StoredTemplate, Trace

TOKEN = f"{CANARY}-postmark"
OTHER_TOKEN = f"{CANARY}-of-another-token"
SETTINGS = {
    "serverToken": TOKEN,
    "fromEmail": "Acme <no-reply@example.com>",
    "replyTo": "help@example.com",
    "messageStream": "outbound",
}
# https://postmarkapp.com/developer/api/server-api#get-server
SERVER = {
    "ID": 1,
    "Name": "Acme codes",
    "ApiTokens": [TOKEN, OTHER_TOKEN],
    "Color": "red",
    "SmtpApiActivated": True,
    "DeliveryType": "Live",
    "ServerLink": "https://postmarkapp.com/servers/1/streams",
    "InboundAddress": "yourhash@inbound.postmarkapp.com",
    "InboundHash": "yourhash",
    "TrackOpens": True,
    "TrackLinks": "HtmlAndText",
}
# https://postmarkapp.com/developer/api/message-streams-api
STREAM = {
    "ID": "outbound",
    "ServerID": 1,
    "Name": "Transactional Stream",
    "Description": None,
    "MessageStreamType": "Transactional",
    "CreatedAt": "2020-07-01T00:00:00-04:00",
    "UpdatedAt": None,
    "ArchivedAt": None,
    "SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "None"},
}
# https://postmarkapp.com/developer/api/email-api#send-a-single-email
TAKEN = {
    "To": "ada@example.com",
    "SubmittedAt": "2014-02-17T07:25:01.4178645-05:00",
    "MessageID": "0a129aee-e1cd-480d-b08d-4f48548ff48d",
    "ErrorCode": 0,
    "Message": "OK",
}
NO_STREAM = Reply(422, {"ErrorCode": 1226, "Message": "The message stream for the provided 'ID' was not found."})
GET_SERVER, GET_STREAM, GET_STREAMS = "GET /server", "GET /message-streams/*", "GET /message-streams"
SEND, SEND_STORED = "POST /email", "POST /email/withTemplate"
WELL = {
    GET_SERVER: Reply(200, SERVER),
    GET_STREAM: Reply(200, STREAM),
    SEND: Reply(200, TAKEN),
    SEND_STORED: Reply(200, TAKEN),
}


class TestPostmark(HTTPContract):
    connector = PostmarkConnector
    settings = SETTINGS
    answers = {
        "check": {GET_SERVER: WELL[GET_SERVER], GET_STREAM: WELL[GET_STREAM]},
        "send": {SEND: WELL[SEND]},
    }
    message_id = TAKEN["MessageID"]
    troubles = {
        "credentials refused": Trouble(
            "postmark.token_refused",
            Reply(401, {"ErrorCode": 10, "Message": "Request does not contain a valid Server token."}),
        ),
        "mail refused": Trouble(
            "postmark.sender_unknown",
            Reply(422, {"ErrorCode": 400, "Message": "The 'From' address you supplied is not a Sender Signature."}),
        ),
        "too many requests": Trouble(
            "api.rate_limited", Reply(429, {"ErrorCode": 429, "Message": "Rate limit exceeded."}), temporary=True
        ),
        "provider down": Trouble(
            "postmark.maintenance",
            Reply(503, {"ErrorCode": 100, "Message": "The Postmark API is offline for maintenance."}),
            temporary=True,
        ),
    }


class Tried:
    """A check, or a send of a mail, against a stand-in, with everything that came of it."""

    def __init__(self, answers=None, mail=None, *, kind=PostmarkConnector, **settings):
        self.trace, self.error, self.receipt = Trace(), None, None
        with StandIn({**WELL, **(answers or {})}) as stand_in:
            config = PostmarkConfig.model_validate({**SETTINGS, "endpoint": stand_in.url, **settings})
            connector = kind(config, Network(("127.0.0.0/8",)))
            work = connector.send(mail, self.trace) if mail else connector.check(self.trace)
            try:
                self.receipt = asyncio.run(work)
            except DeliveryError as error:
                self.error = error
            self.asked = stand_in.asked

    @property
    def problem(self):
        return self.error.problem.code if self.error else None

    @property
    def cautions(self):
        return [problem.code for problem in self.trace.cautions]

    @property
    def everything(self):
        error = self.error
        told = (error.text, error.problem) if error else None
        return repr((self.trace.transcript, self.trace.phases, self.trace.cautions, self.receipt, told))


def words(text: Any) -> str:
    return " ".join((str(text.title), str(text.cause), *map(str, text.steps)))


class TestCheck:
    def test_it_reads_the_server_and_the_stream(self):
        tried = Tried()

        assert [str(asked) for asked in tried.asked] == ["GET /server", "GET /message-streams/outbound"]
        assert [phase.phase for phase in tried.trace.phases] == ["resolve", "connect", "auth", "account"]
        assert tried.trace.phases[-1].text == "Acme codes · outbound, Transactional"

    def test_it_says_that_the_sender_cannot_be_read(self):
        tried = Tried()

        assert tried.cautions == ["postmark.sender_not_examined"]
        assert "no-reply@example.com" in words(tried.trace.cautions[0])

    def test_the_other_tokens_of_the_server_stay_at_postmark(self):
        tried = Tried()

        assert OTHER_TOKEN not in tried.everything
        assert "yourhash" not in tried.everything
        assert "Acme codes" in tried.trace.transcript

    def test_a_sandbox_server_is_told(self):
        tried = Tried({GET_SERVER: Reply(200, {**SERVER, "DeliveryType": "Sandbox"})})

        assert tried.problem is None
        assert "postmark.sandbox_server" in tried.cautions

    def test_the_test_token_is_told_and_nothing_asked_of_it(self):
        tried = Tried(serverToken="POSTMARK_API_TEST")

        assert tried.asked == []
        assert tried.cautions == ["postmark.test_token"]
        assert [phase.phase for phase in tried.trace.phases if phase.ok] == ["resolve", "connect", "auth", "account"]

    def test_a_broadcast_stream_is_told(self):
        tried = Tried({GET_STREAM: Reply(200, {**STREAM, "ID": "broadcast", "MessageStreamType": "Broadcasts"})})

        assert tried.problem is None
        assert "postmark.broadcast_stream" in tried.cautions

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"ArchivedAt": "2020-07-01T00:00:00-04:00"}, "postmark.stream_archived"),
            ({"MessageStreamType": "Inbound"}, "postmark.stream_only_receives"),
        ],
        ids=["archived", "inbound"],
    )
    def test_a_stream_that_cannot_send_fails(self, change, problem):
        assert Tried({GET_STREAM: Reply(200, {**STREAM, **change})}).problem == problem

    @pytest.mark.parametrize("answer", [NO_STREAM, Reply(404, "Not Found")], ids=["422", "404"])
    def test_a_missing_stream_names_those_there_are(self, answer):
        streams = [
            {**STREAM, "ID": "codes"},
            {**STREAM, "ID": "outbound"},
            {**STREAM, "ID": "old", "ArchivedAt": "2020-07-01T00:00:00-04:00"},
            {**STREAM, "ID": "inbound", "MessageStreamType": "Inbound"},
            {**STREAM, "ID": "broadcast", "MessageStreamType": "Broadcasts"},
        ]

        tried = Tried({GET_STREAM: answer, GET_STREAMS: Reply(200, {"MessageStreams": streams})}, messageStream="kodes")

        assert tried.problem == "postmark.stream_not_found"
        assert "“kodes”" in words(tried.error.problem)
        assert "codes, outbound." in words(tried.error.problem)

    @pytest.mark.parametrize(
        ("there", "typed", "offered"),
        [
            (["codes", "outbound"], "kodes", "outbound"),
            (["codes", "outbound"], "Codes", "codes"),
            (["codes"], "outbound", "codes"),
            (["codes", "notices"], "outbound", None),
            ([], "outbound", None),
        ],
        ids=["the usual", "another case", "the only one", "not sure", "none"],
    )
    def test_a_stream_is_offered_where_it_is_sure(self, there, typed, offered):
        listed = Reply(200, {"MessageStreams": [{**STREAM, "ID": each} for each in there]})

        tried = Tried({GET_STREAM: NO_STREAM, GET_STREAMS: listed}, messageStream=typed)

        assert [(each.path, each.value) for each in tried.error.problem.patch] == (
            [("/connector/config/messageStream", offered)] if offered else []
        )

    def test_the_stream_stays_in_its_place_of_the_address(self):
        with pytest.raises(ValidationError):
            PostmarkConfig.model_validate({**SETTINGS, "messageStream": "../server"})

    @pytest.mark.parametrize("body", ["<html>Sign in</html>", "[]", "null", '{"Name": "x"}', '{"ID": ', "[" * 50_000])
    def test_an_answer_that_is_not_postmarks_is_said_to_be_none(self, body):
        tried = Tried({GET_SERVER: Reply(200, body)})

        assert tried.problem == "api.not_understood"
        assert tried.error.outcome is Outcome.NOT_SENT


class TestSend:
    def test_a_mail_is_handed_over_as_it_is(self):
        tried = Tried(mail=MAIL)

        assert str(tried.asked[0]) == SEND
        assert tried.asked[0].header("X-Postmark-Server-Token") == TOKEN
        assert tried.asked[0].json == {
            "From": "Acme <no-reply@example.com>",
            "To": "ada@example.com",
            "ReplyTo": "help@example.com",
            "Subject": "Sign in to Acme",
            "HtmlBody": MAIL.html,
            "TextBody": MAIL.text,
            "Headers": [{"Name": "X-Entity-Ref", "Value": "4711"}],
            "MessageStream": "outbound",
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        assert tried.receipt.provider_message_id == TAKEN["MessageID"]

    def test_what_a_mail_does_not_have_is_not_sent(self):
        tried = Tried(mail=replace(MAIL, html=None, reply_to=None, headers=()))

        assert set(tried.asked[0].json) == {
            "From", "To", "Subject", "TextBody", "MessageStream", "TrackOpens", "TrackLinks"
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "address", "written"),
        [
            ("", "no-reply@example.com", "no-reply@example.com"),
            ("Acme, Inc.", "no-reply@example.com", '"Acme, Inc." <no-reply@example.com>'),
            ('The "Best" \\ One', "no-reply@example.com", '"The \\"Best\\" \\\\ One" <no-reply@example.com>'),
            ("Zoë · 株式会社", "no-reply@example.com", "Zoë · 株式会社 <no-reply@example.com>"),
            ("Zoë, 株式会社", "no-reply@example.com", '"Zoë, 株式会社" <no-reply@example.com>'),
            ("Acme", "no-reply@bücher.example", "Acme <no-reply@xn--bcher-kva.example>"),
        ],
        ids=["no name", "comma", "quotes", "not ASCII", "not ASCII, comma", "IDN"],
    )
    def test_a_sender_is_one_mailbox(self, name, address, written):
        assert Tried(mail=replace(MAIL, sender=Mailbox(address, name))).asked[0].json["From"] == written

    def test_a_recipient_has_the_domain_that_dns_knows(self):
        assert Tried(mail=replace(MAIL, to="ada@bücher.example")).asked[0].json["To"] == "ada@xn--bcher-kva.example"

    @pytest.mark.parametrize(
        ("template", "named"),
        [
            ("sign-in", {"TemplateAlias": "sign-in"}),
            ("1234567", {"TemplateId": 1234567}),
            ("\uff11\uff12", {"TemplateAlias": "\uff11\uff12"}),
            ("9" * 400, {"TemplateAlias": "9" * 400}),
        ],
        ids=["alias", "number", "other digits", "endless"],
    )
    def test_a_stored_template_is_filled_by_postmark(self, template, named):
        stored = StoredTemplate(template, {"product": "Acme", "code": "000000"})

        tried = Tried(mail=replace(MAIL, html=None, text=None, stored_template=stored))

        assert str(tried.asked[0]) == SEND_STORED
        body = tried.asked[0].json
        assert {key: body[key] for key in body if key in ("TemplateAlias", "TemplateId")} == named
        assert body["TemplateModel"] == {"product": "Acme", "code": "493817"}
        assert not {"Subject", "HtmlBody", "TextBody"} & set(body)
        assert (body["MessageStream"], body["TrackLinks"]) == ("outbound", "None")

    def test_a_refusal_with_status_200_is_one(self):
        tried = Tried({SEND: Reply(200, {"ErrorCode": 406, "Message": "Inactive recipient"})}, MAIL)

        assert (tried.problem, tried.error.outcome) == ("postmark.inactive_recipient", Outcome.NOT_SENT)

    def test_a_mail_that_postmark_drops_is_not_sent(self):
        # As users of Postmark's library for Node report it (its issue 87).
        dropped = "Message OK, but will not deliver to these inactive addresses: ada@example.com"

        tried = Tried({SEND: Reply(200, {**TAKEN, "Message": dropped})}, MAIL)

        assert (tried.problem, tried.error.outcome) == ("postmark.inactive_recipient", Outcome.NOT_SENT)
        assert tried.trace.phases[-1].text == dropped

    def test_the_test_token_is_told(self):
        tried = Tried(mail=MAIL, serverToken="POSTMARK_API_TEST")

        assert tried.receipt
        assert tried.cautions == ["postmark.test_token"]

    @pytest.mark.parametrize(
        "answer",
        [
            NEVER,
            Reply(200, "<html>Welcome</html>"),
            Reply(200, '{"ErrorCode": '),
            Reply(200, b"x" * 1_100_000),
            Reply(200, {**TAKEN, "Message": "x" * 40}, drip=0.05),
            Reply(502, "Bad Gateway"),
            Reply(504, "Gateway Timeout"),
        ],
        ids=["silence", "a page", "broken JSON", "huge", "drip", "502", "504"],
    )
    def test_a_mail_without_a_readable_answer_may_have_been_sent(self, answer):
        class Hasty(PostmarkConnector):
            patience = Patience(answer=0.4)

        tried = Tried({SEND: answer}, MAIL, kind=Hasty)

        assert tried.error.outcome is Outcome.MAYBE_SENT
        assert len(tried.asked) == 1

    def test_a_redirect_is_not_followed(self):
        tried = Tried({SEND: Reply(302, "", {"Location": "https://evil.example/"})}, MAIL)

        assert (tried.problem, tried.error.outcome) == ("api.redirected", Outcome.NOT_SENT)

    def test_the_providers_words_are_kept(self):
        refusal = {"ErrorCode": 405, "Message": "Not allowed to send: Your account has run out of credits."}

        tried = Tried({SEND: Reply(422, refusal)}, MAIL)

        assert tried.problem == "postmark.out_of_credits"
        assert tried.error.text == "405: Not allowed to send: Your account has run out of credits."


class TestConfig:
    def test_the_usual_needs_three_settings(self):
        config = PostmarkConfig.model_validate({"serverToken": TOKEN, "fromEmail": "no-reply@example.com"})

        assert (config.message_stream, config.endpoint) == ("outbound", "https://api.postmarkapp.com")

    @pytest.mark.parametrize("token", [f"{CANARY}-ö", f"{CANARY}\u200b"], ids=["umlaut", "invisible"])
    def test_a_token_that_no_header_carries_is_refused(self, token):
        with pytest.raises(ValidationError) as caught:
            PostmarkConfig.model_validate({**SETTINGS, "serverToken": token})

        assert CANARY not in str(caught.value)

    def test_the_default_endpoint_need_not_be_named(self):
        named = {**SETTINGS, "endpoint": "https://API.postmarkapp.com/"}

        assert PostmarkConnector.destination(SETTINGS) == PostmarkConnector.destination(named)


class TestOfficialSDK:
    """Postmark's own Python library, asked to send the same mail to the same recorder.

    What differs, and is meant to: the library writes out Headers, Attachments and Metadata where they are empty, names
    itself and a correlation id in headers, and repeats a send after a time-out, which could deliver it twice.
    """

    def sent_by_sdk(self, path, message):
        async def go(url):
            async with ServerClient(TOKEN, retries=0, base_url=url) as client:
                await (client.outbound.send_with_template if "withTemplate" in path else client.outbound.send)(message)

        with StandIn(WELL) as stand_in:
            asyncio.run(go(stand_in.url))
            (asked,) = stand_in.asked
        assert str(asked) == path
        return asked

    def assert_equal(self, ours, theirs):
        assert (ours.method, ours.target) == (theirs.method, theirs.target)
        # The SDK writes out three fields that are empty; Postmark takes them for absent.
        empty = {"Headers": [], "Attachments": [], "Metadata": {}}
        its = {key: value for key, value in theirs.json.items() if key not in empty or value != empty[key]}
        assert ours.json == its
        for name in ("X-Postmark-Server-Token", "Content-Type", "Accept"):
            assert ours.header(name) == theirs.header(name)
        # What else the SDK says is about itself, and that the connection may stay open.
        its_own = {name.lower() for name, _ in theirs.headers} - {name.lower() for name, _ in ours.headers}
        assert its_own - {"connection"} == {
            "x-postmark-client",
            "x-postmark-client-version",
            "x-postmark-correlation-id",
        }

    def test_a_mail_made_here_is_the_same_request(self):
        theirs = self.sent_by_sdk(
            SEND,
            {
                "sender": "Acme <no-reply@example.com>",
                "to": "ada@example.com",
                "reply_to": "help@example.com",
                "subject": MAIL.subject,
                "html_body": MAIL.html,
                "text_body": MAIL.text,
                "headers": [{"name": "X-Entity-Ref", "value": "4711"}],
                "track_opens": False,
                "track_links": "None",
                "message_stream": "outbound",
            },
        )

        self.assert_equal(Tried(mail=MAIL).asked[0], theirs)

    @pytest.mark.parametrize("named", [{"template_alias": "sign-in"}, {"template_id": 4711}], ids=["alias", "number"])
    def test_a_mail_of_a_stored_template_is_the_same_request(self, named):
        (template,) = map(str, named.values())
        stored = StoredTemplate(template, {"product": "Acme"})
        theirs = self.sent_by_sdk(
            SEND_STORED,
            {
                **named,
                "template_model": {"product": "Acme", "code": "493817"},
                "sender": "Acme <no-reply@example.com>",
                "to": "ada@example.com",
                "reply_to": "help@example.com",
                "track_opens": False,
                "track_links": "None",
                "message_stream": "outbound",
            },
        )

        ours = Tried(mail=replace(MAIL, html=None, text=None, headers=(), stored_template=stored)).asked[0]

        self.assert_equal(ours, theirs)


def test_the_inbox_of_a_development_tenant_shows_the_request_of_a_stored_template():
    connector = PostmarkConnector(PostmarkConfig.model_validate(SETTINGS), Network())
    stored = replace(MAIL, html=None, text=None, stored_template=StoredTemplate("sign-in"))

    shown = asyncio.run(connector.shown(stored))

    head, _, body = shown.content.decode().partition("\r\n\r\n")
    assert shown.media_type == "message/http"
    assert head.startswith("POST https://api.postmarkapp.com/email/withTemplate ")
    assert json.loads(body)["TemplateModel"] == {"code": "493817"}
    assert CANARY not in shown.content.decode()
