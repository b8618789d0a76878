"""Everything that can be refused.

PostroomError
├── InputError              422  what was given cannot be accepted; carries JSON pointers
│   ├── ConfigInvalidError
│   ├── SecretRetypeRequiredError
│   ├── SecretUnavailableError
│   ├── TemplateVariableMissingError
│   └── TemplateTooLargeError
├── NotFoundError           404
├── ForbiddenError          403
│   └── OwnProposalError
├── UnauthenticatedError    401
├── ConflictError           409
│   ├── SetupUnprovenError
│   ├── FlowsDependOnConnectorError
│   ├── ConnectorNotSetUpError
│   ├── ProviderNotInstalledError
│   ├── PromotionConflictsError
│   ├── ClosedToChangesError
│   ├── ApprovalRequiredError
│   ├── PlanProposedError, ProposerGoneError, TooManyProposalsError, NothingToProposeError
│   └── LastOwnerError
├── PreconditionError       412
│   └── SetupChangedMeanwhileError
├── PayloadTooLargeError    413
├── LimitedError            429  carries the seconds to wait
└── SetupUnreadableError    500

A code is ``area.what_happened`` and is never renamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from webapp.domain.text import T, Text

if TYPE_CHECKING:
    from webapp.domain.diff import Change


@dataclass(frozen=True, slots=True)
class FieldError:
    """One value that cannot be accepted, and where it stands (RFC 6901 pointer into what was sent)."""

    pointer: str
    code: str
    message: Text


class PostroomError(Exception):
    """Something was refused. The message says what happened, what it means and what to do."""

    code: ClassVar[str] = "internal.error"
    status: ClassVar[int] = 500
    title: ClassVar[Text] = T("Something went wrong")

    def __init__(self, detail: Text | None = None, *, errors: Sequence[FieldError] = ()) -> None:
        self.detail = detail or self.title
        self.errors = tuple(errors)
        super().__init__(str(self.detail))


class InputError(PostroomError):
    """What was sent is not understood. Read ``errors``: each names the place and what is expected there."""

    code = "input.invalid"
    status = 422
    title = T("The input cannot be accepted")


class ConfigInvalidError(InputError):
    """The setup has values that cannot work. Nothing was saved; mend the fields named in ``errors``."""

    code = "config.invalid"
    title = T("Some settings need attention")


class SecretRetypeRequiredError(InputError):
    """A stored secret was about to follow a changed destination. Type it again if the new place is yours."""

    code = "secret.retype_required"
    title = T("Type the secret again")


class SecretUnavailableError(InputError):
    """A secret is named but not available here: unset, lent to another tenant or to another destination."""

    code = "secret.unavailable"
    title = T("The secret is not available")


class TemplateVariableMissingError(InputError):
    """The template needs a value that was not given, so nothing was sent. Add it to ``payload``."""

    code = "template.variable_missing"
    title = T("A value that the template needs is missing")


class TemplateTooLargeError(InputError):
    """The values make the mail larger than any provider takes, so nothing was sent. Give shorter values."""

    code = "template.too_large"
    title = T("The mail would become too large")


class TemplateNotFoundError(InputError):
    """No template fits this usage type, not even the generic one. Write one under Templates."""

    code = "template.not_found"
    title = T("There is no template for this mail")


class DocumentInvalidError(InputError):
    """What was sent is no tenant document, or one that this version cannot read. ``errors`` names the places."""

    code = "document.invalid"
    title = T("The document cannot be read")


class DocumentHashMismatchError(InputError):
    """The document was changed after it was exported. `postroom fmt` renews its hash, if that was meant."""

    code = "document.hash_mismatch"
    title = T("The document is not as it was exported")


class DocumentSealedMismatchError(InputError):
    """The sealed secrets belong to another document. Export again, or leave them out and type the secrets."""

    code = "document.sealed_mismatch"
    title = T("The sealed secrets belong to another document")


class PassphraseError(InputError):
    """The sealed secrets do not open: the passphrase is missing or wrong, or they cost too much to open."""

    code = "document.passphrase"
    title = T("The sealed secrets do not open")


class NotFoundError(PostroomError):
    """It does not exist, or you may not know whether it does."""

    code = "resource.not_found"
    status = 404
    title = T("Not found")


class ForbiddenError(PostroomError):
    """Your role or the token's scopes do not allow this. Ask an owner of the tenant."""

    code = "access.forbidden"
    status = 403
    title = T("Your role does not allow this")


class UnauthenticatedError(PostroomError):
    """No valid token came with the request. Send ``Authorization: Bearer <token>``."""

    code = "access.unauthenticated"
    status = 401
    title = T("Sign in or send a token")


class ConflictError(PostroomError):
    """The state of the tenant does not allow this now."""

    code = "state.conflict"
    status = 409
    title = T("This is not possible in the present state")


class SetupUnprovenError(ConflictError):
    """Production, and no test mail has been accepted with exactly these values. Send one, or give a reason."""

    code = "setup.unproven"
    title = T("These values are not proven yet")


class FlowsDependOnConnectorError(ConflictError):
    """Flows that are switched on send mail through this connector. Switch them off first, or force."""

    code = "flows.depend_on_connector"
    title = T("Flows depend on this connector")

    def __init__(self, detail: Text | None = None, *, flows: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.flows = tuple(flows)


class ConnectorNotSetUpError(ConflictError):
    """There is no connector in this tenant yet. Set one up first."""

    code = "connector.not_set_up"
    title = T("No connector is set up")


class ProviderNotInstalledError(ConflictError):
    """The setup names a provider that this installation does not have. Install its package again, or choose another."""

    code = "provider.not_installed"
    title = T("This tenant's provider is not installed")

    def __init__(self, provider: str) -> None:
        super().__init__(
            T(
                "The connector of this tenant is “%(provider)s”, and no package here knows that provider. Until the "
                "operator installs it again, nothing can be sent or changed with it. Another provider can be chosen.",
                provider=provider,
            )
        )


class LastOwnerError(ConflictError):
    """The tenant would be left without an owner, so nothing was changed. Make somebody else an owner first."""

    code = "member.last_owner"
    title = T("A tenant needs an owner. Make somebody else an owner first.")


class ClosedToChangesError(ConflictError):
    """The tenant's owners closed it to this way of changing. Promote what was set up and tested elsewhere."""

    code = "tenant.closed_to_changes"
    title = T("This tenant changes in another way")


class ApprovalRequiredError(ConflictError):
    """A second person has to approve this plan. Propose it; somebody else who may save here makes it live."""

    code = "plan.approval_required"
    title = T("A second person has to approve this")


class OwnProposalError(ForbiddenError):
    """Whoever proposed a plan cannot approve it, in the browser or with a token of theirs. Ask somebody else."""

    code = "plan.own_proposal"
    title = T("A proposal is decided by somebody else")


class PlanProposedError(ConflictError):
    """The plan waits for a second person. Let somebody approve it, or withdraw it first."""

    code = "plan.proposed"
    title = T("This plan was proposed and waits for a second person")


class ProposerGoneError(ConflictError):
    """Who proposed it may not change this tenant any more. Plan the same yourself, or decline the proposal."""

    code = "plan.proposer_gone"
    title = T("Whoever proposed this may not change this tenant any more")


class TooManyProposalsError(ConflictError):
    """As many proposals wait in this tenant as may wait at once. Approve, decline or withdraw some first."""

    code = "plan.too_many_proposals"
    title = T("Too many proposals wait already")


class NothingToProposeError(ConflictError):
    """The plan changes nothing: what it wants is live already. There is nothing to approve."""

    code = "plan.nothing_to_propose"
    title = T("There is nothing to approve")


class FlowsWouldBreakError(ConflictError):
    """The change takes from flows that are on what their mails need. Mend it, switch them off, or allow it."""

    code = "flows.would_break"
    title = T("Flows that are on would break")

    def __init__(self, flows: Sequence[str]) -> None:
        super().__init__(T("These flows would lose their mail: %(flows)s.", flows=", ".join(flows)))
        self.flows = tuple(flows)


class PromotionConflictsError(ConflictError):
    """Both tenants changed the same parts since they were promoted. Name each in ``only`` or in ``except``."""

    code = "promote.conflicts"
    title = T("Both tenants changed the same parts")

    def __init__(self, pointers: Sequence[str]) -> None:
        both = T("It changed on both sides. Name it in “only” to take the source's, in “except” to keep the target's.")
        super().__init__(
            T("These parts changed on both sides since the last promotion: %(parts)s.", parts=", ".join(pointers)),
            errors=[FieldError(pointer, "promote.conflict", both) for pointer in pointers],
        )


class SecretsMissingError(ConflictError):
    """The plan lacks secrets, so nothing was applied. Give them by slot, in ``secrets`` or as sealed ones."""

    code = "setup.secrets_missing"
    title = T("Secrets are missing")

    def __init__(self, slots: Sequence[str]) -> None:
        super().__init__(T("Give these secrets: %(slots)s.", slots=", ".join(slots)))
        self.slots = tuple(slots)


class PreconditionError(PostroomError):
    """What you saw is no longer what is there. Read it again and repeat."""

    code = "state.precondition_failed"
    status = 412
    title = T("It changed meanwhile")


class SetupChangedMeanwhileError(PreconditionError):
    """Somebody saved between your reading and your saving. Nothing of yours is saved; both changes are shown."""

    code = "setup.changed_meanwhile"
    title = T("Somebody else saved meanwhile")

    def __init__(self, *, current: int, theirs: Sequence[Change], yours: Sequence[Change], by: str = "") -> None:
        super().__init__(T("Revision %(number)s was saved while you were editing.", number=current))
        self.current = current
        self.theirs = tuple(theirs)
        self.yours = tuple(yours)
        self.by = by


class PayloadTooLargeError(PostroomError):
    """The request is larger than 5 MB. Send less."""

    code = "input.too_large"
    status = 413
    title = T("The request is too large")


class SetupUnreadableError(PostroomError):
    """What is stored of a setup cannot be read: a newer version wrote it, or it is damaged. Restore an earlier one."""

    code = "setup.unreadable"
    status = 500
    title = T("A saved setup cannot be read")

    def __init__(self, number: int) -> None:
        super().__init__(
            T(
                "Revision %(number)s of this tenant cannot be read: a newer version of Postroom wrote it, or it is "
                "damaged. Nothing was changed. Restore an earlier revision under History, or a backup.",
                number=number,
            )
        )


class LimitedError(PostroomError):
    """Too many of these in too short a time. Wait for ``retry_after`` seconds."""

    code = "limit.exceeded"
    status = 429
    title = T("Too many, too fast")

    def __init__(self, detail: Text | None = None, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
