"""Check and test send over the values on the screen: limited, audited, and shown phase by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from webapp.domain.address import AddressError, parse_address
from webapp.domain.errors import FieldError, InputError
from webapp.domain.message import Receipt, Trace
from webapp.domain.problem import JSON
from webapp.domain.roles import Access, TenantInfo
from webapp.domain.setup import normal_tag
from webapp.domain.template import as_text
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.composing import Wanted, compose
from webapp.services.defaults import sample_payload
from webapp.services.delivery import Delivery, Purpose
from webapp.services.documents import read_templates
from webapp.services.limits import Limit, Limits
from webapp.services.redaction import Redaction
from webapp.services.rendering import Rendered
from webapp.services.runner import Job, Runner
from webapp.services.runs import CHECK, TEST_SEND, Runs, RunView

if TYPE_CHECKING:
    from webapp.services.setups import ResolvedConnector, Setups

__all__ = ["RunView", "Testing"]

CHECK_LIMIT: Final = Limit(60, 600)
"""Checks of one tenant: how many in how many seconds."""


class Testing:
    """Runs checks and test sends on the background loop and keeps what they find."""

    __test__ = False

    def __init__(
        self,
        runs: Runs,
        runner: Runner,
        setups: Setups,
        delivery: Delivery,
        limits: Limits,
        recipient_limit: Limit,
        tenant_limit: Limit,
    ) -> None:
        self._runs = runs
        self._runner = runner
        self._setups = setups
        self._delivery = delivery
        self._limits = limits
        self._recipient_limit = recipient_limit
        self._tenant_limit = tenant_limit

    def start_check(
        self,
        access: Access,
        connector_json: Mapping[str, Any] | None = None,
        draft_secrets: Mapping[str, str] | None = None,
        *,
        request_id: str | None = None,
        once: str | None = None,
    ) -> RunView:
        """Begin to connect and log in, without sending; poll ``run`` for the phases.

        ``once`` names what was asked for: however often that is sent, it is one run.
        """
        if begun := self._runs.begun(access, once):
            return begun
        tenant = access.tenant
        resolved = self._setups.resolve(tenant, connector_json, draft_secrets=draft_secrets)
        self._limits.hit("check.tenant", str(tenant.id), amount=CHECK_LIMIT.amount, seconds=CHECK_LIMIT.seconds)
        steps = self._delivery.phases(tenant, resolved, sending=False)

        async def work(trace: Trace) -> None:
            await self._delivery.check(tenant, resolved, trace)

        content = self._runs.content(resolved.provider, steps)
        job = Job(access, CHECK, resolved.values_tag, content, request_id=request_id, once=once)
        return self._runner.start(job, work)

    def start_test_send(
        self,
        access: Access,
        to: str,
        *,
        connector_json: Mapping[str, Any] | None = None,
        draft_secrets: Mapping[str, str] | None = None,
        templates: Mapping[str, Any] | Sequence[Any] | None = None,
        default_language: str | None = None,
        usage_type: UsageType = UsageType.GENERIC,
        locale: str | None = None,
        payload: Mapping[str, JSON] | None = None,
        capture: bool = False,
        request_id: str | None = None,
        once: str | None = None,
    ) -> RunView:
        """Begin to send one real mail; poll ``run`` for the phases.

        ``capture`` shows in the inbox of a development tenant what would go, and proves nothing. ``once`` as above.
        """
        if begun := self._runs.begun(access, once):
            return begun
        tenant = access.tenant
        purpose = _purpose(tenant, capture=capture)
        recipient = _recipient(to)
        resolved = self._setups.resolve(tenant, connector_json, draft_secrets=draft_secrets)
        wanted = _wanted(usage_type, recipient, locale, payload or {})
        rendered = self._composed(tenant, resolved, templates, default_language, wanted)
        self._limit(tenant, recipient)
        steps = self._delivery.phases(tenant, resolved, sending=True, purpose=purpose)
        content = replace(
            self._runs.content(resolved.provider, steps, recipient),
            message_id=rendered.mail.message_id,
            warnings=rendered.warnings,
        )
        redaction = Redaction(recipient, as_text(wanted.payload.get("code")), as_text(wanted.payload.get("link")))

        async def work(trace: Trace) -> Receipt:
            return await self._delivery.deliver(tenant, resolved, rendered.mail, trace, purpose)

        def proven() -> None:
            self._setups.record_proof(tenant, resolved.values_tag, TEST_SEND, access.actor)

        job = Job(access, TEST_SEND, resolved.values_tag, content, redaction, proven, request_id, once)
        return self._runner.start(job, work)

    def check(self, access: Access, *args: Any, **options: Any) -> RunView:
        """Check and wait for the result; takes what ``start_check`` takes."""
        return self.wait(access, self.start_check(access, *args, **options))

    def test_send(self, access: Access, to: str, **options: Any) -> RunView:
        """Send one real mail and wait for what became of it; takes what ``start_test_send`` takes."""
        return self.wait(access, self.start_test_send(access, to, **options))

    def wait(self, access: Access, view: RunView) -> RunView:
        """Wait for a run that was started; for pages without scripts, which cannot poll."""
        return self._runner.waited(access, view)

    def run(self, access: Access, run_id: str) -> RunView:
        """Tell how a run stands, in whichever process it runs. Raises NotFoundError."""
        return self._runs.view(access.tenant, run_id)

    def cancel(self, access: Access, run_id: str) -> RunView:
        """Stop a run as soon as possible. A mail that was being handed over may have been sent."""
        return self._runner.cancel(access, run_id)

    def _composed(
        self,
        tenant: TenantInfo,
        resolved: ResolvedConnector,
        templates: Mapping[str, Any] | Sequence[Any] | None,
        language: str | None,
        wanted: Wanted,
    ) -> Rendered:
        setup = self._setups.active(tenant).setup
        chosen = setup.templates if templates is None else read_templates(templates)
        return compose(self._delivery.connector(tenant, resolved), chosen, language or setup.default_language, wanted)

    def _limit(self, tenant: TenantInfo, recipient: str) -> None:
        for limit, kind, key in (
            (self._recipient_limit, "test_send.recipient", recipient.lower()),
            (self._tenant_limit, "test_send.tenant", str(tenant.id)),
        ):
            self._limits.hit(kind, key, amount=limit.amount, seconds=limit.seconds)


def _recipient(to: str) -> str:
    try:
        return parse_address(to.strip())
    except AddressError as exc:
        message = T("Give one address to send to: %(why)s.", why=exc)
        raise InputError(message, errors=[FieldError("/to", "address.invalid", message)]) from exc


def _purpose(tenant: TenantInfo, *, capture: bool) -> Purpose:
    if capture and tenant.production:
        message = T("Only a development tenant has an inbox. Send a real test here.")
        raise InputError(message, errors=[FieldError("/capture", "capture.not_possible", message)])
    return Purpose.LOOK if capture else Purpose.TEST


def _wanted(usage_type: UsageType, to: str, locale: str | None, given: Mapping[str, JSON]) -> Wanted:
    """A test mail with sample values; the values that are given, and the language, stand over those."""
    named = given.get("locale")
    tag = _locale(locale) or (named if isinstance(named, str) else None)
    values = _merged(sample_payload(usage_type), {**({"locale": tag} if tag else {}), **given})
    return Wanted(usage_type, to, values, tag)


def _locale(locale: str | None) -> str | None:
    if not locale:
        return None
    try:
        return normal_tag(locale)
    except ValueError as exc:
        message = T("A language tag looks like en, pt-BR or zh-Hant.")
        raise InputError(message, errors=[FieldError("/locale", "locale.invalid", message)]) from exc


def _merged(sample: Mapping[str, JSON], given: Mapping[str, JSON]) -> dict[str, JSON]:
    """Lay the given values over the sample, object by object."""
    merged = dict(sample)
    for name, value in given.items():
        below = merged.get(name)
        merged[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
