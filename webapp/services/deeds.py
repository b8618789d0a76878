"""Audit events in words: what follows the name of whoever did it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from webapp.domain.problem import JSON
from webapp.domain.text import T, Text
from webapp.services.account_deeds import ACCOUNT_DEEDS
from webapp.services.audit import AuditEvent


@dataclass(frozen=True, slots=True)
class Deed:
    """How a kind of event is called, and how one of them is told."""

    title: Text
    sentence: Text
    failed: Text | None = None
    """For what can fail: the sentence when it did."""
    approved: Text | None = None
    """For what a second person may approve: the sentence when one did."""


DEEDS: Final[Mapping[str, Deed]] = {
    "setup.saved": Deed(T("Saved a setup"), T("saved the setup as revision %(revision)s")),
    "setup.exported": Deed(T("Exported a setup"), T("exported revision %(revision)s")),
    "setup.restored": Deed(T("Restored a setup"), T("restored revision %(detail)s, as revision %(revision)s")),
    "setup.imported": Deed(
        T("Imported a setup"),
        T("imported a setup, as revision %(revision)s"),
        approved=T("imported a setup, as revision %(revision)s, approved by %(approved_by)s"),
    ),
    "setup.duplicated": Deed(
        T("Began with a copy of a setup"),
        T("began this tenant with a copy of the setup of %(detail)s, as revision %(revision)s"),
    ),
    "setup.promoted": Deed(
        T("Promoted a setup"),
        T("promoted the setup from %(detail)s, as revision %(revision)s"),
        approved=T("promoted the setup from %(detail)s, as revision %(revision)s, approved by %(approved_by)s"),
    ),
    "plan.proposed": Deed(T("Proposed a plan"), T("proposed a plan to a second person")),
    "plan.approved": Deed(T("Approved a plan"), T("approved what %(proposed_by)s proposed, as revision %(revision)s")),
    "plan.declined": Deed(T("Declined a plan"), T("declined what %(proposed_by)s proposed")),
    "plan.withdrawn": Deed(T("Withdrew a plan"), T("withdrew a proposed plan")),
    "connector.deleted": Deed(T("Deleted the connector"), T("deleted the connector, as revision %(revision)s")),
    "connector.checked": Deed(
        T("Checked a connection"), T("checked the connection, which works"), T("checked the connection, which failed")
    ),
    "connector.test_sent": Deed(
        T("Sent a test mail"),
        T("sent a test mail to %(to)s, which was accepted"),
        T("sent a test mail to %(to)s, which failed"),
    ),
    "provider.detected": Deed(
        T("Looked for a provider"),
        T("had the console look who carries the mail of %(host)s, and it found out"),
        T("had the console look who carries the mail of %(host)s, which led to nothing"),
    ),
    "connector.consented": Deed(
        T("Consented to sending"), T("had %(account)s consent at %(host)s that mail is sent with their mailbox")
    ),
    "token.created": Deed(T("Made an API token"), T("made the API token “%(name)s”")),
    "token.revoked": Deed(T("Revoked an API token"), T("revoked the API token “%(name)s”")),
    "member.added": Deed(T("Added a member"), T("added person %(person)s as %(role)s")),
    "member.invited": Deed(T("Invited somebody"), T("invited %(email)s as %(role)s")),
    "invitation.mailed": Deed(
        T("Mailed an invitation"),
        T("mailed an invitation to %(to)s, which the mail server took"),
        T("mailed an invitation to %(to)s, which did not go out"),
    ),
    "member.invitation_revoked": Deed(T("Withdrew an invitation"), T("withdrew the invitation of %(email)s")),
    "member.joined": Deed(T("Joined"), T("joined as %(role)s, invited by %(invited_by)s")),
    "member.role_changed": Deed(T("Changed a role"), T("changed the role of %(name)s from %(old)s to %(role)s")),
    "member.removed": Deed(T("Removed a member"), T("removed %(name)s")),
    "member.mapped": Deed(T("Gave a role by groups"), T("made %(name)s %(role)s, because of their groups")),
    "member.unmapped": Deed(T("Took a role back by groups"), T("removed %(name)s, whose groups give no role any more")),
    "member.kept_as_last_owner": Deed(
        T("Kept the last owner"), T("left %(name)s the last owner, although their groups no longer give the role")
    ),
    "account.mailed": Deed(
        T("Mailed a link to an account"),
        T("mailed a link to %(to)s, which the mail server took"),
        T("mailed a link to %(to)s, which did not go out"),
    ),
    "tenant.added": Deed(T("Made the tenant"), T("made this tenant")),
    "tenant.renamed": Deed(T("Renamed the tenant"), T("renamed the tenant from “%(old)s” to “%(new)s”")),
    "tenant.editors_trusted": Deed(
        T("Let editors do more"), T("let editors save to production and restore earlier revisions")
    ),
    "tenant.editors_held": Deed(T("Let editors do less"), T("left saving to production and restoring to the owners")),
    "tenant.opened_to_changes": Deed(T("Opened the tenant to changes"), T("let this tenant change in every way")),
    "tenant.closed_but_promotions": Deed(
        T("Closed the tenant to changes"), T("closed this tenant to all changes but promotions")
    ),
    "tenant.closed_but_approved": Deed(
        T("Demanded the approval of a second person"),
        T("closed this tenant to all changes but those a second person approves"),
    ),
    "tenant.archived": Deed(T("Archived the tenant"), T("archived this tenant")),
    "tenant.brought_back": Deed(T("Brought the tenant back"), T("brought this tenant back from the archive")),
    "password.mailed": Deed(
        T("Mailed a link for a password"),
        T("mailed a link for another password to %(to)s, which the mail server took"),
        T("mailed a link for another password to %(to)s, which did not go out"),
    ),
    **{action: Deed(*words) for action, words in ACCOUNT_DEEDS.items()},
}


def title(action: str) -> Text:
    """Call a kind of event by its name; one that has none by its code."""
    known = DEEDS.get(action)
    return known.title if known else T("%(action)s", action=action)


def told(event: AuditEvent) -> Text:
    """Tell an event in words, without its actor."""
    known = DEEDS.get(event.action)
    if known is None:
        return T("%(action)s", action=event.action)
    sentence = known.failed if known.failed and not event.detail.get("ok") else known.sentence
    if known.approved and event.detail.get("approved_by"):
        sentence = known.approved
    # Events of earlier versions may lack what later ones say.
    values: defaultdict[str, JSON] = defaultdict(lambda: "…", event.detail)
    names = [name for name in (*event.detail, *_NAMES) if f"%({name})s" in sentence.template]
    return T(sentence.template, **{name: values[name] for name in names})


_NAMES: Final = (
    "revision",
    "detail",
    "to",
    "name",
    "email",
    "role",
    "old",
    "new",
    "person",
    "invited_by",
    "proposed_by",
    "account",
    "host",
)
