"""Where the tenant commands work: on the database here, or on a server elsewhere. Both give the same JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from webapp.answers import (
    CheckAnswer,
    PlanAnswer,
    ProviderAnswer,
    ProviderDetailAnswer,
    RevisionAnswer,
    SavedAnswer,
    TestSendAnswer,
)
from webapp.cli.installation import installed
from webapp.cli.output import BadInputError
from webapp.client import Client
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import OPERATOR, Access
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.setups import Plan
from webapp.services.wiring import Services

JSONObject = dict[str, Any]


class Backend(Protocol):
    """What the tenant commands ask for."""

    def providers(self) -> list[JSONObject]: ...

    def provider(self, kind: str) -> JSONObject: ...

    def setup(self, tenant: str) -> JSONObject: ...

    def check(self, tenant: str, connector: JSONObject | None) -> JSONObject: ...

    def test_send(self, tenant: str, body: JSONObject) -> JSONObject: ...

    def history(self, tenant: str, limit: int, before: int | None) -> list[JSONObject]: ...

    def restore(
        self, tenant: str, number: int, *, note: str | None, reason: str | None, dry_run: bool
    ) -> JSONObject: ...


@contextmanager
def backend() -> Iterator[Backend]:
    """Work on the server that POSTROOM_URL names, else on the database here."""
    url, token = os.environ.get("POSTROOM_URL", "").strip(), os.environ.get("POSTROOM_TOKEN", "").strip()
    if bool(url) != bool(token):
        missing = "POSTROOM_TOKEN" if url else "POSTROOM_URL"
        raise BadInputError(f"To work on a server, set POSTROOM_URL and POSTROOM_TOKEN; {missing} is not set.")
    if url:
        with Client(url, token) as client:
            yield Remote(client)
    else:
        with installed() as services:
            yield Local(services)


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

    def setup(self, tenant: str) -> JSONObject:
        return self._services.setups.active(self._access(tenant).tenant).document

    def check(self, tenant: str, connector: JSONObject | None) -> JSONObject:
        return CheckAnswer.of(self._services.testing.check(self._access(tenant), connector)).to_json()

    def test_send(self, tenant: str, body: JSONObject) -> JSONObject:
        run = self._services.testing.test_send(
            self._access(tenant),
            body["to"],
            connector_json=body.get("connector"),
            templates=body.get("templates"),
            usage_type=UsageType(body["usageType"]),
            locale=body.get("locale"),
        )
        return TestSendAnswer.of(run).to_json()

    def history(self, tenant: str, limit: int, before: int | None) -> list[JSONObject]:
        found = self._services.setups.history(self._access(tenant).tenant, before=before, limit=limit)
        return [RevisionAnswer.of(info).to_json() for info in found]

    def restore(self, tenant: str, number: int, *, note: str | None, reason: str | None, dry_run: bool) -> JSONObject:
        done = self._services.setups.restore(
            self._access(tenant), number, base=None, note=note, reason=reason, dry_run=dry_run
        )
        return (PlanAnswer.of(done) if isinstance(done, Plan) else SavedAnswer.of(done)).to_json()

    def _access(self, tenant: str) -> Access:
        try:
            return self._services.tenants.access(OPERATOR, tenant)
        except NotFoundError:
            missing = T("There is no tenant %(slug)s here. `postroom tenant list` shows those there are.", slug=tenant)
            raise NotFoundError(missing) from None


class Remote:
    """A server elsewhere, as the token."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def providers(self) -> list[JSONObject]:
        found: list[JSONObject] = self._client.get("providers")
        return found

    def provider(self, kind: str) -> JSONObject:
        return self._object(self._client.get("providers", kind))

    def setup(self, tenant: str) -> JSONObject:
        return self._object(self._client.get("tenants", tenant, "setup"))

    def check(self, tenant: str, connector: JSONObject | None) -> JSONObject:
        body = {"connector": connector} if connector else {}
        return self._object(self._client.post("tenants", tenant, "check", body=body))

    def test_send(self, tenant: str, body: JSONObject) -> JSONObject:
        return self._object(self._client.post("tenants", tenant, "test-send", body=body))

    def history(self, tenant: str, limit: int, before: int | None) -> list[JSONObject]:
        found: list[JSONObject] = self._client.get("tenants", tenant, "revisions", limit=limit, before=before)
        return found

    def restore(self, tenant: str, number: int, *, note: str | None, reason: str | None, dry_run: bool) -> JSONObject:
        path = ("tenants", tenant, "revisions", str(number), "restore")
        asked = "true" if dry_run else None
        return self._object(self._client.post(*path, note=note, reason=reason, dryRun=asked))

    @staticmethod
    def _object(value: Any) -> JSONObject:
        found: JSONObject = value
        return found
