"""The tenant commands on the database of this machine, as its operator."""

from __future__ import annotations

from typing import Any

from webapp.answers.catalogue import ProviderAnswer, ProviderDetailAnswer
from webapp.answers.detection import DetectionAnswer
from webapp.answers.drift import DriftAnswer
from webapp.answers.proposals import ProposalAnswer, WaitingAnswer
from webapp.answers.runs import CheckAnswer, TestSendAnswer
from webapp.answers.setups import PlanAnswer, RevisionAnswer, SavedAnswer
from webapp.answers.transfer import TransferAnswer
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import OPERATOR, Access
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.setups import Plan
from webapp.services.transfer.importing import GivenDocument
from webapp.services.transfer.planning import Confirmation
from webapp.services.transfer.promoting import Promotion
from webapp.services.wiring import Services

JSONObject = dict[str, Any]


class Local:
    """The services of this machine, as its operator."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def providers(self) -> list[JSONObject]:
        return [ProviderAnswer.of(connector).to_json() for connector in self._services.connectors.values()]

    def provider(self, kind: str) -> JSONObject:
        connector = self._services.connectors.get(kind)
        if connector is None:
            raise NotFoundError(T("There is no provider of this kind. GET /api/v1/providers lists them."))
        return ProviderDetailAnswer.of(connector).to_json()

    def detect(self, tenant: str | None, typed: str) -> JSONObject:
        found = self._services.detection.detect(self._access(tenant or self._usual_tenant()), typed)
        return DetectionAnswer.of(found.result).to_json()

    def setup(self, tenant: str) -> JSONObject:
        return self._services.setups.active(self._access(tenant).tenant).document

    def check(self, tenant: str, body: JSONObject) -> JSONObject:
        access, plan = self._access(tenant), body.get("planId")
        connector = self._services.trials.of(access, plan).connector if plan else body.get("connector")
        return CheckAnswer.of(self._services.testing.check(access, connector)).to_json()

    def test_send(self, tenant: str, body: JSONObject) -> JSONObject:
        access, plan = self._access(tenant), body.get("planId")
        trial = self._services.trials.of(access, plan) if plan else None
        run = self._services.testing.test_send(
            access,
            body["to"],
            connector_json=trial.connector if trial else body.get("connector"),
            templates=trial.templates if trial else body.get("templates"),
            default_language=trial.default_language if trial else None,
            usage_type=UsageType(body["usageType"]),
            locale=body.get("locale"),
            capture=body.get("capture", False),
        )
        return TestSendAnswer.of(run).to_json()

    def export(self, tenant: str, phrase: str | None) -> JSONObject:
        return self._services.exporting.export(self._access(tenant), phrase=phrase).to_json()

    def plan_import(self, tenant: str, body: JSONObject) -> JSONObject:
        given = GivenDocument(body["document"], body.get("secrets"), body.get("passphrase"))
        plan = self._services.importing.plan(self._access(tenant), given)
        return TransferAnswer.of(plan.transfer, moved=plan.moved).to_json()

    def plan_promotion(self, target: str, body: JSONObject) -> JSONObject:
        parts, leave = body.get("only", ()), body.get("except", ())
        wanted = Promotion(parts, leave, body.get("secrets"), merge=body.get("merge", False))
        plan = self._services.promoting.plan(self._access(body["from"]), self._access(target), wanted)
        return TransferAnswer.of(plan).to_json()

    def drift(self, source: str, target: str) -> JSONObject:
        return DriftAnswer.of(self._services.promoting.drift(self._access(source), self._access(target))).to_json()

    def apply(self, tenant: str, plan_id: str, body: JSONObject) -> JSONObject:
        said = Confirmation(body.get("note"), body.get("reason"), body.get("allowBreaking", False))
        return SavedAnswer.of(self._services.planning.apply(self._access(tenant), plan_id, said)).to_json()

    def propose(self, tenant: str, plan_id: str, body: JSONObject) -> JSONObject:
        said = Confirmation(body.get("note"), body.get("reason"), body.get("allowBreaking", False))
        proposal = self._services.proposals.propose(self._access(tenant), plan_id, said)
        return WaitingAnswer.of(proposal, self._services.settings.base_url, tenant).to_json()

    def proposals(self, tenant: str) -> list[JSONObject]:
        access, proposals, console = self._access(tenant), self._services.proposals, self._services.settings.base_url
        return [
            ProposalAnswer.with_plan(each, proposals.outlook(access, each), console, tenant).to_json()
            for each in proposals.waiting(access)
        ]

    def approve(self, tenant: str, proposal_id: str) -> JSONObject:
        return SavedAnswer.of(self._services.proposals.approve(self._access(tenant), proposal_id)).to_json()

    def decline(self, tenant: str, proposal_id: str, note: str | None) -> None:
        self._services.proposals.decline(self._access(tenant), proposal_id, note)

    def withdraw(self, tenant: str, proposal_id: str) -> None:
        self._services.proposals.withdraw(self._access(tenant), proposal_id)

    def history(self, tenant: str, limit: int, before: int | None) -> list[JSONObject]:
        found = self._services.setups.history(self._access(tenant).tenant, before=before, limit=limit)
        return [RevisionAnswer.of(info).to_json() for info in found]

    def restore(self, tenant: str, number: int, *, note: str | None, reason: str | None, dry_run: bool) -> JSONObject:
        done = self._services.setups.restore(
            self._access(tenant), number, base=None, note=note, reason=reason, dry_run=dry_run
        )
        return (PlanAnswer.of(done) if isinstance(done, Plan) else SavedAnswer.of(done)).to_json()

    def _usual_tenant(self) -> str:
        """Where things are tried out: the first development tenant, else the first there is."""
        tenants = sorted(self._services.tenants.all(), key=lambda each: (each.production, each.id))
        if not tenants:
            raise NotFoundError(T("There is no tenant here yet. `postroom init` makes the first."))
        return tenants[0].slug

    def _access(self, tenant: str) -> Access:
        try:
            return self._services.tenants.access(OPERATOR, tenant)
        except NotFoundError:
            missing = T("There is no tenant %(slug)s here. `postroom tenant list` shows those there are.", slug=tenant)
            raise NotFoundError(missing) from None
