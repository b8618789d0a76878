"""An HTTP endpoint of one's own: it gets the values of a mail, or the finished mail, and delivers it as it likes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from standardwebhooks import Webhook

from webapp.connectors.api import Answer, Api, ApiConnector
from webapp.connectors.api_rules import Said, rules_beside
from webapp.connectors.base import Destination, Rendering
from webapp.connectors.endpoint import destination_of, normal_endpoint
from webapp.connectors.headers import one_line
from webapp.connectors.http_email.answers import id_in, is_page, said_by
from webapp.connectors.http_email.config import HTTPEmailConfig
from webapp.connectors.http_email.recipes import RECIPES
from webapp.connectors.recipe import Fix, fixed
from webapp.connectors.showing import Shown
from webapp.domain.address import Mailbox
from webapp.domain.message import DeliveryError, Mail, Outcome, Receipt
from webapp.domain.problem import JSON, Problem
from webapp.domain.text import T

_KEYS: Final = frozenset(
    {"key", "apikey", "api_key", "api-key", "code", "token", "access_token", "secret", "sig", "signature", "password"}
)
"""Parameters of an address that mostly carry a credential."""


class HTTPEmailConnector(ApiConnector[HTTPEmailConfig]):
    """Hand mail to any endpoint that speaks HTTP."""

    kind = "http-email"
    title = "HTTP endpoint"
    summary = T(
        "Choose this to deliver mail by code of your own, or from an address of the network that never changes."
    )
    rendering = "none"
    config_model = HTTPEmailConfig
    badges = (T("HTTP"), T("Signed if you like"))
    group = "other"
    rules = rules_beside(str(Path(__file__).with_name("rules")))
    recipes = RECIPES
    examined: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def rendering_of(cls, config: HTTPEmailConfig) -> Rendering:
        return "here" if config.mode == "rendered" else "none"

    @classmethod
    def destination(cls, config: Mapping[str, Any]) -> Destination:
        """The origin and the path: at many providers of functions the path alone tells whose code answers."""
        url = config.get("endpoint")
        origin = destination_of(cls.kind, url)
        try:
            path = urlsplit(normal_endpoint(str(url or ""), whole=True)).path.rstrip("/")
        except ValueError:  # not an address yet; its own field says so
            return origin
        return replace(origin, place=f"{origin.place}{path}")

    @classmethod
    def contradictions(cls, config: Mapping[str, Any]) -> list[tuple[str, Problem]]:
        """A finished mail has a sender; the values need none."""
        if config.get("mode") != "rendered" or str(config.get("fromEmail") or "").strip():
            return []
        return [("/fromEmail", RECIPES["http-email.sender_missing"].problem("http-email.sender_missing", {}))]

    @classmethod
    def cautions(cls, config: Mapping[str, Any]) -> list[Problem]:
        """Everybody who may read the setup reads the endpoint; a key in it is none."""
        query = str(config.get("endpoint") or "").partition("?")[2]
        names = [name for name, _ in parse_qsl(query)]
        found = next((name for name in names if name.lower() in _KEYS), None)
        return (
            [RECIPES["http-email.key_in_address"].problem("http-email.key_in_address", {"name": found})]
            if found
            else []
        )

    def said(self, answer: Answer) -> Said:
        return said_by(answer)

    async def examine(self, api: Api) -> None:
        """Nothing is asked: whatever an endpoint does with another request, it says nothing about mail."""
        api.caution("http-email.only_reached")

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        content = self._body(mail)
        headers = self._headers(mail, content, datetime.now(UTC))
        if self.config.idempotency_key:
            answer = await self._asked_again_if_unanswered(api, headers, content)
        else:
            answer = await _asked(api, headers, content)
        if not answer.ok:
            raise self._redirected(api, answer)
        if is_page(answer):
            api.caution("http-email.answered_with_page")
        known = self.config.idempotency_key or self.config.signing_secret
        return api.receipt(answer, id_in(answer) or (_key(mail) if known else ""), self.said(answer).words)

    async def shown(self, mail: Mail) -> Shown:
        """The request: the mail itself is only part of it, or not made here at all."""
        return await self.request_shown(mail)

    def _body(self, mail: Mail) -> bytes:
        rendered = self.config.mode == "rendered"
        body: dict[str, JSON] = {"to": one_line(mail.to), "type": mail.usage_type.value}
        body |= _finished(mail) if rendered else {"payload": _values(mail)}
        if mail.ip:
            body["ip"] = mail.ip
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        # Half of a pair of UTF-16 has no UTF-8; JSON writes it as an escape.
        return text.encode(errors="backslashreplace")

    def _headers(self, mail: Mail, content: bytes, now: datetime) -> dict[str, str]:
        config, seconds = self.config, str(int(now.timestamp()))
        headers = {"Content-Type": "application/json"}
        if config.authorization:
            headers["Authorization"] = config.authorization.get_secret_value()
        if config.idempotency_key:
            headers["Idempotency-Key"] = _key(mail)
        if config.timestamp or config.signing_secret:
            headers["webhook-timestamp"] = seconds
        if config.signing_secret:
            webhook = Webhook(config.signing_secret.get_secret_value())
            headers["webhook-id"] = _key(mail)
            headers["webhook-signature"] = webhook.sign(_key(mail), now, content.decode())
        return headers

    async def _asked_again_if_unanswered(self, api: Api, headers: Mapping[str, str], content: bytes) -> Answer:
        """Ask, and once more where no answer came: by its key the endpoint knows the second for the first.

        Both fit into the time that one may take.
        """
        try:
            async with asyncio.timeout(self.patience.answer / 2):
                return await _asked(api, headers, content)
        except (DeliveryError, TimeoutError) as exc:
            if isinstance(exc, DeliveryError) and exc.outcome is not Outcome.MAYBE_SENT:
                raise
        api.trace.client("No answer. The same request once more, with the same Idempotency-Key")
        try:
            async with asyncio.timeout(self.patience.answer / 2):
                return await _asked(api, headers, content)
        except (DeliveryError, TimeoutError) as exc:
            # Whatever became of the second, nobody knows what became of the first.
            raise api.error("api.maybe_sent", outcome=Outcome.MAYBE_SENT) from exc

    def _redirected(self, api: Api, answer: Answer) -> DeliveryError:
        """Say where it leads; where only the final slash is missing, that is the fix."""
        error = api.refused(answer)
        parts = urlsplit(self.endpoint)
        slashed = urlunsplit(parts._replace(path=f"{parts.path}/"))
        target = answer.headers.get("Location", "")
        if target in (slashed, slashed.removeprefix(f"{parts.scheme}://{parts.netloc}")):
            error.problem = fixed(error.problem, Fix(T("Add the final slash"), (("endpoint", slashed),)))
        return error


async def _asked(api: Api, headers: Mapping[str, str], content: bytes) -> Answer:
    return await api.request("POST", "", headers=headers, content=content, accept=range(300, 400))


def _values(mail: Mail) -> dict[str, JSON]:
    """What the caller gave, and the language where it was given beside the values."""
    given = dict(mail.payload)
    return given if mail.locale is None or "locale" in given else {**given, "locale": mail.locale}


def _finished(mail: Mail) -> dict[str, JSON]:
    sender = Mailbox(one_line(mail.sender.address), one_line(mail.sender.name).strip())
    optional: dict[str, JSON] = {
        "replyTo": one_line(mail.reply_to) if mail.reply_to else None,
        "html": mail.html,
        "text": mail.text,
        "locale": mail.locale,
    }
    finished: dict[str, JSON] = {"from": str(sender), "subject": one_line(mail.subject)}
    return finished | {name: value for name, value in optional.items() if value is not None}


def _key(mail: Mail) -> str:
    """The same for every attempt at the same mail, and for no other."""
    return f"msg_{hashlib.sha256(mail.message_id.encode()).hexdigest()[:32]}"
