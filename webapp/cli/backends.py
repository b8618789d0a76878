"""Where the tenant commands work: on the database here, or on a server elsewhere. Both give the same JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from webapp.cli.output import BadInputError

if TYPE_CHECKING:
    from webapp.client import Client

JSONObject = dict[str, Any]


class Backend(Protocol):
    """What the tenant commands ask for."""

    def providers(self) -> list[JSONObject]: ...

    def provider(self, kind: str) -> JSONObject: ...

    def detect(self, tenant: str | None, typed: str) -> JSONObject: ...

    def setup(self, tenant: str) -> JSONObject: ...

    def check(self, tenant: str, body: JSONObject) -> JSONObject: ...

    def test_send(self, tenant: str, body: JSONObject) -> JSONObject: ...

    def export(self, tenant: str, phrase: str | None) -> JSONObject: ...

    def plan_import(self, tenant: str, body: JSONObject) -> JSONObject: ...

    def plan_promotion(self, target: str, body: JSONObject) -> JSONObject: ...

    def drift(self, source: str, target: str) -> JSONObject: ...

    def apply(self, tenant: str, plan_id: str, body: JSONObject) -> JSONObject: ...

    def propose(self, tenant: str, plan_id: str, body: JSONObject) -> JSONObject: ...

    def proposals(self, tenant: str) -> list[JSONObject]: ...

    def approve(self, tenant: str, proposal_id: str) -> JSONObject: ...

    def decline(self, tenant: str, proposal_id: str, note: str | None) -> None: ...

    def withdraw(self, tenant: str, proposal_id: str) -> None: ...

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
    # Each way needs libraries that the other can do without, and takes long to load.
    if url:
        from webapp.client import Client

        with Client(url, token) as client:
            yield Remote(client)
    else:
        from webapp.cli.installation import installed
        from webapp.cli.local import Local

        with installed() as services:
            yield Local(services)


class Remote:
    """A server elsewhere, as the token."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def providers(self) -> list[JSONObject]:
        found: list[JSONObject] = self._client.get("providers")
        return found

    def provider(self, kind: str) -> JSONObject:
        return self._object(self._client.get("providers", kind))

    def detect(self, tenant: str | None, typed: str) -> JSONObject:
        if tenant:
            # The token says whose; a name beside it can only be checked.
            self._client.get("tenants", tenant)
        return self._object(self._client.post("detect", body={"address" if "@" in typed else "host": typed}))

    def setup(self, tenant: str) -> JSONObject:
        return self._object(self._client.get("tenants", tenant, "setup"))

    def check(self, tenant: str, body: JSONObject) -> JSONObject:
        return self._object(self._client.post("tenants", tenant, "check", body=body))

    def test_send(self, tenant: str, body: JSONObject) -> JSONObject:
        return self._object(self._client.post("tenants", tenant, "test-send", body=body))

    def export(self, tenant: str, phrase: str | None) -> JSONObject:
        if phrase is not None:
            raise BadInputError("Secrets leave a server only at its own shell: run this there, or leave out --seal.")
        return self._object(self._client.get("tenants", tenant, "export"))

    def plan_import(self, tenant: str, body: JSONObject) -> JSONObject:
        return self._object(self._client.post("tenants", tenant, "import", body=body, dryRun="true"))

    def plan_promotion(self, target: str, body: JSONObject) -> JSONObject:
        return self._object(self._client.post("tenants", target, "promote", body=body, dryRun="true"))

    def drift(self, source: str, target: str) -> JSONObject:
        return self._object(self._client.get("tenants", target, "drift", **{"from": source}))

    def apply(self, tenant: str, plan_id: str, body: JSONObject) -> JSONObject:
        return self._object(self._client.post("tenants", tenant, "plans", plan_id, "apply", body=body))

    def propose(self, tenant: str, plan_id: str, body: JSONObject) -> JSONObject:
        return self._object(self._client.post("tenants", tenant, "plans", plan_id, "propose", body=body))

    def proposals(self, tenant: str) -> list[JSONObject]:
        found: list[JSONObject] = self._client.get("tenants", tenant, "proposals")
        return found

    def approve(self, tenant: str, proposal_id: str) -> JSONObject:
        return self._object(self._client.post("tenants", tenant, "proposals", proposal_id, "approve"))

    def decline(self, tenant: str, proposal_id: str, note: str | None) -> None:
        body = {"note": note} if note else {}
        self._client.post("tenants", tenant, "proposals", proposal_id, "decline", body=body)

    def withdraw(self, tenant: str, proposal_id: str) -> None:
        self._client.post("tenants", tenant, "proposals", proposal_id, "withdraw")

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
