"""The role that a cloud gave this machine, for the tenants that the operator named.

Whoever signs with it has the machine's rights, so a tenant gets it only where the operator's own setting says so. The
credentials are found as Amazon's SDKs find them: environment, shared file, web identity, container, instance. Those
places are this machine's own (link-local addresses among them), not a tenant's, so they are asked without the address
policy that connectors have.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog
from pydantic import SecretStr

from webapp.connectors.base import MachineCredentials
from webapp.connectors.recipe import Recipe
from webapp.domain.message import DeliveryError
from webapp.domain.roles import TenantInfo
from webapp.domain.text import T

SECONDS: Final = 10.0
"""How long looking for credentials may take."""

_PROBLEMS: Final = {
    "machine_identity.not_found": Recipe(
        T("This machine has no AWS role"),
        T(
            "The settings ask for the role that AWS gave this machine, but none was found: not in the environment, not "
            "in a shared file, not from a container, and not from the instance."
        ),
        (
            T("Ask the operator to attach a role to the instance, task or pod that Postroom runs on, and try again."),
            T("Or switch “Use this machine's own role” off, and give an access key."),
        ),
    ),
    "machine_identity.too_slow": Recipe(
        T("The machine's AWS role did not come in time"),
        T("Looking for the credentials of this machine took longer than %(seconds)s seconds."),
        (T("Try again in a few minutes."), T("If it goes on, ask the operator to look at the metadata service.")),
        temporary=True,
    ),
    "machine_identity.failed": Recipe(
        T("The machine's AWS role could not be taken on"),
        T("Credentials are set up on this machine, but using them failed. The log of Postroom says why."),
        (T("Ask the operator to look into the log, and at the role's trust policy."),),
    ),
    "machine_identity.signer_missing": Recipe(
        T("A part of Postroom is not installed"),
        T("The role of this machine is found by the package botocore, which is missing in this installation."),
        (T('Ask the operator to install it with the extra “ses”, pip install "postroom[ses]", and to restart.'),),
    ),
}

log = structlog.get_logger(__name__)


class MachineIdentity:
    """Finds the credentials of this machine, once, and renews them before they run out."""

    def __init__(self, tenants: Collection[str], *, seconds: float = SECONDS) -> None:
        self._tenants = frozenset(tenants)
        self._seconds = seconds
        self._found: Any = None
        self._lock = threading.Lock()
        # Looking may hang for long; those that wait may not hold the threads of the event loop.
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="machine-identity")

    def of(self, tenant: TenantInfo) -> Callable[[], Awaitable[MachineCredentials]] | None:
        """What gives this tenant the machine's credentials; None where the operator did not name it."""
        return self.credentials if tenant.slug in self._tenants else None

    async def credentials(self) -> MachineCredentials:
        """Find or renew them beside the event loop. Raises DeliveryError."""
        looking = asyncio.get_running_loop().run_in_executor(self._threads, self._frozen)
        try:
            return await asyncio.wait_for(looking, self._seconds)
        except TimeoutError as exc:
            raise _error("machine_identity.too_slow", seconds=f"{self._seconds:g}") from exc

    def _frozen(self) -> MachineCredentials:
        try:
            from botocore.exceptions import BotoCoreError, ClientError
            from botocore.session import Session
        except ImportError as exc:
            raise _error("machine_identity.signer_missing") from exc
        try:
            with self._lock:
                # What was found renews itself when it is asked shortly before it runs out.
                self._found = self._found or Session().get_credentials()
                frozen = self._found.get_frozen_credentials() if self._found else None
        except (BotoCoreError, ClientError, OSError) as exc:
            log.warning("machine_identity_failed", error=type(exc).__name__, reason=str(exc)[:500])
            raise _error("machine_identity.failed") from exc
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            raise _error("machine_identity.not_found")
        token = SecretStr(frozen.token) if frozen.token else None
        return MachineCredentials(frozen.access_key, SecretStr(frozen.secret_key), token)


def _error(code: str, **facts: object) -> DeliveryError:
    return DeliveryError(_PROBLEMS[code].problem(code, facts))
