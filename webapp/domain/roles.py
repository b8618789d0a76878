"""Who may do what in a tenant: one table, asked by every route."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Environment(StrEnum):
    """What a tenant is for; fixed when it is made."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class ChangesBy(StrEnum):
    """How the setup of a tenant may change. Restoring what was live there is always possible."""

    ALL = "all"
    """By editing, importing and promoting."""
    PROMOTION = "promotion"
    """Only by promoting from another tenant."""
    APPROVAL = "approval"
    """Only by promotions and imports that a second person approved."""


class Role(StrEnum):
    """A person's standing in one tenant."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"


class Permission(StrEnum):
    """What a route needs."""

    READ = "read"
    TEST = "test"
    """Check and test-send: mail really goes out."""
    EDIT = "edit"
    """Keep drafts and prepare changes."""
    SAVE = "save"
    """Make a change live: save, delete the connector."""
    RESTORE = "restore"
    """Make an old revision live again."""
    MANAGE = "manage"
    """Members, tokens, allowlist, deleting."""


class Scope(StrEnum):
    """What an API token was made for."""

    CONFIG_READ = "config:read"
    CONFIG_WRITE = "config:write"
    SEND = "send"
    DELIVERIES_READ = "deliveries:read"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: a person in the browser, a token, the operator at the shell."""

    kind: str
    """``person``, ``token``, ``operator`` or ``system``."""
    id: int | None
    name: str
    administrator: bool = False
    """Whether this is an installation administrator, who may read every tenant."""


OPERATOR = Actor(kind="operator", id=None, name="operator")


@dataclass(frozen=True, slots=True)
class TenantInfo:
    """A tenant as the rest of the product sees it."""

    id: int
    slug: str
    name: str
    environment: Environment
    active_revision: int = 0
    """Number of the live revision; 0 before the first save."""
    editors_may_save_production: bool = False
    archived: bool = False
    changes_by: ChangesBy = ChangesBy.ALL

    @property
    def production(self) -> bool:
        return self.environment is Environment.PRODUCTION


@dataclass(frozen=True, slots=True)
class Access:
    """One actor's standing in one tenant. Nobody without a standing gets this far: for them it is a 404."""

    actor: Actor
    tenant: TenantInfo
    role: Role
    scopes: frozenset[Scope] | None = None
    """Narrows a token; None for people and the operator."""

    def may(self, permission: Permission) -> bool:
        return self._role_allows(permission) and self._scopes_allow(permission)

    def _role_allows(self, permission: Permission) -> bool:
        match permission:
            case Permission.READ:
                return True
            case Permission.TEST | Permission.EDIT:
                return self.role in (Role.EDITOR, Role.OWNER)
            case Permission.SAVE:
                if self.role is Role.EDITOR and self.tenant.production:
                    return self.tenant.editors_may_save_production
                return self.role in (Role.EDITOR, Role.OWNER)
            case Permission.RESTORE:
                return self.role is Role.OWNER or (self.role is Role.EDITOR and self.tenant.editors_may_save_production)
            case Permission.MANAGE:
                return self.role is Role.OWNER

    def _scopes_allow(self, permission: Permission) -> bool:
        if self.scopes is None:
            return True
        match permission:
            case Permission.READ:
                return bool(self.scopes & {Scope.CONFIG_READ, Scope.CONFIG_WRITE})
            case Permission.TEST | Permission.EDIT | Permission.SAVE | Permission.RESTORE:
                return Scope.CONFIG_WRITE in self.scopes
            case Permission.MANAGE:
                return False
