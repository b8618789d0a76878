"""Postmark, by its API: mails made here, or from the templates that are stored there."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import quote

from pydantic import AfterValidator

from webapp.connectors.api import Answer, Api, ApiConnector
from webapp.connectors.api_rules import Said, rules_beside
from webapp.connectors.config import HeaderSecret, Line, MailboxText, setting
from webapp.connectors.endpoint import Endpoint, EndpointConfig
from webapp.connectors.headers import Headers, ascii_address, one_line
from webapp.connectors.postmark_recipes import RECIPES
from webapp.connectors.recipe import Fix, fixed
from webapp.domain.address import Mailbox, parse_mailbox
from webapp.domain.message import DeliveryError, Mail, Receipt, StoredTemplate
from webapp.domain.problem import JSON
from webapp.domain.text import T

_ENDPOINT: Final = "https://api.postmarkapp.com"
_STREAM: Final = "outbound"
"""The stream that every server of Postmark is made with."""
_TEST_TOKEN: Final = "POSTMARK_API_TEST"  # noqa: S105  the same for everybody, and documented
_OF_THE_SERVER: Final = ("ID", "Name", "DeliveryType", "ErrorCode", "Message")
"""What a transcript keeps of a server: the rest names its other tokens."""
_NO_STREAM: Final = frozenset({"1221", "1222", "1226", "1235"})


def _stream_id(value: str) -> str:
    if not all(char.isascii() and (char.isalnum() or char in "-_") for char in value):
        raise ValueError("Give the stream's ID, such as outbound: it stands in its settings, under its name.")
    return value


class PostmarkConfig(EndpointConfig):
    """How a server of Postmark is reached, and who its mail comes from."""

    server_token: HeaderSecret = setting(
        title=T("Server API token"),
        section="authentication",
        secret=True,
        example="xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    )
    """The token of one server, from its page “API Tokens”. The account's token does not send."""
    from_email: MailboxText = setting(title=T("From"), example="Acme <no-reply@example.com>", section="sender")
    """The address that recipients see, with a name before it if you like. Confirm it, or its domain, at Postmark."""
    reply_to: MailboxText | None = setting(None, title=T("Reply to"), example="support@example.com", section="sender")
    """Where answers go. Leave it empty to receive them at the From address."""
    message_stream: Annotated[Line, AfterValidator(_stream_id)] = setting(
        _STREAM, title=T("Message stream"), example=_STREAM, section="sender"
    )
    """The ID of a transactional stream of this server. Each server has one called “outbound”."""
    custom_headers: Headers = setting(
        default_factory=dict, title=T("Custom headers"), example="X-Entity-Ref", section="sender", advanced=True
    )
    """Headers added to every mail. Headers that Postroom writes itself, such as From or Subject, cannot be given."""
    endpoint: Endpoint = setting(_ENDPOINT, title=T("Endpoint"), example=_ENDPOINT, destination=True, advanced=True)
    """Where requests go. Change it only for a proxy of your own in front of Postmark."""


class PostmarkConnector(ApiConnector[PostmarkConfig]):
    """Hand mail to a server of Postmark."""

    kind = "postmark"
    title = "Postmark"
    summary = T("Choose this to send through Postmark's API, with mails made here or from its templates.")
    config_model = PostmarkConfig
    stored_templates = True
    badges = (T("API"), T("Server token"), T("Stored templates"))
    rules = rules_beside(__file__)
    recipes = RECIPES
    official = frozenset({_ENDPOINT})
    examined: ClassVar[tuple[str, ...]] = ("auth", "account")

    def said(self, answer: Answer) -> Said:
        code = answer.text_at("ErrorCode")
        return Said("" if code == "0" else code, answer.text_at("Message") or ("" if answer.ok else answer.text))

    def facts(self) -> dict[str, object]:
        return {"stream": self.config.message_stream}

    async def examine(self, api: Api) -> None:
        """Read the server and the stream; who may be the sender is told to an account's token only."""
        if self._token == _TEST_TOKEN:
            return await self._examine_test_token(api)
        with api.phase("auth"):
            server = await self._get(api, "/server", tells=_OF_THE_SERVER)
            if not server.text_at("ID"):
                raise api.not_understood(server)
        with api.phase("account") as note:
            if server.text_at("DeliveryType").lower() == "sandbox":
                api.caution("postmark.sandbox_server", server=server.text_at("Name"))
            stream = await self._stream(api)
            note.text = f"{server.text_at('Name')} · {stream.text_at('ID')}, {stream.text_at('MessageStreamType')}"
            if stream.text_at("ArchivedAt"):
                raise api.error("postmark.stream_archived", stream)
            kind = stream.text_at("MessageStreamType").lower()
            if kind == "inbound":
                raise api.error("postmark.stream_only_receives", stream)
            if kind == "broadcasts":
                api.caution("postmark.broadcast_stream")
        api.caution("postmark.sender_not_examined")
        return None

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        template = mail.stored_template
        path, content = ("/email/withTemplate", _filled(mail, template)) if template else ("/email", _made(mail))
        headers: list[JSON] = [{"Name": name, "Value": one_line(value)} for name, value in mail.headers]
        body: dict[str, JSON] = {
            "From": _written(mail.sender),
            "To": ascii_address(one_line(mail.to)),
            **({"ReplyTo": _written(parse_mailbox(mail.reply_to))} if mail.reply_to else {}),
            **content,
            **({"Headers": headers} if headers else {}),
            "MessageStream": self.config.message_stream,
            # Links in these mails carry one-time codes: nobody may open them first, or count who did.
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        answer = await api.request("POST", path, headers=self._headers(), json=body)
        if answer.text_at("ErrorCode") != "0":
            raise api.refused(answer) if answer.text_at("ErrorCode") else api.not_understood(answer)
        words = answer.text_at("Message")
        if "will not deliver to" in words:
            # There is one recipient, so this is all of them: the mail was dropped.
            raise api.error("postmark.inactive_recipient", answer)
        if self._token == _TEST_TOKEN:
            api.caution("postmark.test_token")
        return api.receipt(answer, answer.text_at("MessageID"), words)

    @property
    def _token(self) -> str:
        return self.config.server_token.get_secret_value()

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "X-Postmark-Server-Token": self._token}

    async def _get(self, api: Api, path: str, **options: Any) -> Answer:
        answer = await api.request("GET", path, headers=self._headers(), **options)
        if answer.text_at("ErrorCode") not in ("", "0"):
            raise api.refused(answer)
        return answer

    async def _examine_test_token(self, api: Api) -> None:
        """It belongs to no server, so there is nothing to read."""
        for phase in self.examined:
            with api.phase(phase) as note:
                note.text = _TEST_TOKEN
        api.caution("postmark.test_token")

    async def _stream(self, api: Api) -> Answer:
        """Read the stream. Raises DeliveryError, which names the streams that there are instead."""
        name = quote(self.config.message_stream, safe="")
        answer = await api.request("GET", f"/message-streams/{name}", headers=self._headers(), accept=(404, 422))
        if answer.ok and answer.text_at("ID"):
            return answer
        if answer.status != 404 and answer.text_at("ErrorCode") not in _NO_STREAM:
            raise api.refused(answer) if not answer.ok else api.not_understood(answer)
        raise self._no_such_stream(api, answer, await self._get(api, "/message-streams"))

    def _no_such_stream(self, api: Api, answer: Answer, listed: Answer) -> DeliveryError:
        streams = listed.objects_at("MessageStreams") or []
        usable = [
            str(each.get("ID"))
            for each in streams
            if str(each.get("MessageStreamType")).lower() == "transactional" and not each.get("ArchivedAt")
        ]
        error = api.error("postmark.stream_not_found", answer)
        typed = self.config.message_stream.lower()
        if usable:
            cause = T(
                "The server has no stream with the ID “%(stream)s”. Streams for such mail are: %(streams)s.",
                stream=self.config.message_stream,
                streams=", ".join(usable),
            )
            error.problem = replace(error.problem, cause=cause)
        meant = next((each for each in usable if each.lower() == typed), None)
        sure = meant or (_STREAM if _STREAM in usable else None) or (usable[0] if len(usable) == 1 else None)
        if sure:
            label = T("Use the stream “%(stream)s”", stream=sure)
            error.problem = fixed(error.problem, Fix(label, (("messageStream", sure),)))
        return error


def _made(mail: Mail) -> dict[str, JSON]:
    bodies: dict[str, JSON] = {"HtmlBody": mail.html, "TextBody": mail.text}
    return {"Subject": one_line(mail.subject), **{name: body for name, body in bodies.items() if body is not None}}


def _filled(mail: Mail, template: StoredTemplate) -> dict[str, JSON]:
    name: dict[str, JSON] = (
        {"TemplateId": int(template.id)}
        if template.id.isascii() and template.id.isdigit() and len(template.id) < 16
        else {"TemplateAlias": template.id}
    )
    return name | {"TemplateModel": {**template.variables, **mail.payload}}


def _written(mailbox: Mailbox) -> str:
    """Write a mailbox as JSON carries it: the name as it is, quoted where needed; the domain as DNS has it."""
    return str(Mailbox(ascii_address(one_line(mailbox.address)), one_line(mailbox.name).strip()))
