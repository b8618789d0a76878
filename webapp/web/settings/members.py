"""Who belongs to a tenant, as what, and how somebody new comes in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import EmailField, RadioField
from wtforms.validators import InputRequired

from webapp.accounts import Person
from webapp.domain.errors import InputError, LastOwnerError, NotFoundError
from webapp.domain.roles import Permission, Role
from webapp.domain.text import T
from webapp.services.console_mail import Letter
from webapp.web.context import accounts, current_access, current_actor, current_tenant, request_id, services
from webapp.web.frame import ROLE_TITLES, translated
from webapp.web.passing_on import FreshLink, forget
from webapp.web.security import tenant_route

bp = Blueprint("members", __name__)

ROLE_MEANINGS: Final = {
    Role.VIEWER: T("Reads the setup, its history and the inbox. Changes nothing."),
    Role.EDITOR: T("Also edits, checks, sends tests and saves; in production only where the owners allow it."),
    Role.OWNER: T("Also members, tokens, the audit log and deleting. There can be several."),
}


class RoleForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A member's role."""

    role = RadioField("Role", validators=[InputRequired()])


class InviteForm(RoleForm):
    """Whom to invite, as what."""

    email = EmailField("Email address", [InputRequired()])


@dataclass(frozen=True, slots=True)
class Line:
    """A member as the list shows them."""

    person: Person
    role: Role
    since: datetime
    you: bool
    mapped: bool


@tenant_route(bp, "/settings/members", permission=Permission.MANAGE)
def members() -> ResponseReturnValue:
    """List the members, and the invitations that wait."""
    forget()
    return render_template(
        "pages/settings/members.html",
        lines=_lines(),
        pending=services().invitations.pending(current_tenant()),
        roles=ROLE_TITLES,
    )


@tenant_route(bp, "/settings/members/<int:number>", permission=Permission.MANAGE)
def member(number: int) -> ResponseReturnValue:
    """One member: the role, and the way out."""
    line = _line(number)
    return _member(line, _roles(RoleForm(formdata=None, data={"role": line.role.value})))


@tenant_route(bp, "/settings/members/<int:number>", methods=("POST",), permission=Permission.MANAGE)
def member_change(number: int) -> ResponseReturnValue:
    """Give a member another role."""
    line, form = _line(number), _roles(RoleForm())
    if not form.validate():
        return _member(line, form), 422
    role = Role(form.role.data)
    try:
        services().tenants.change_role(
            current_tenant().id, number, role, current_actor(), name=line.person.email, request_id=request_id()
        )
    except LastOwnerError as error:
        form.role.errors = [translated(error.detail)]
        return _member(line, form), error.status
    words = {"person": line.person.email, "role": translated(ROLE_TITLES[role])}
    flash(_("%(person)s is now: %(role)s.", **words), "good")
    return redirect(_after(line, stays=role is Role.OWNER), 303)


@tenant_route(bp, "/settings/members/<int:number>/remove", methods=("POST",), permission=Permission.MANAGE)
def member_remove(number: int) -> ResponseReturnValue:
    """Take a member's standing away."""
    line = _line(number)
    try:
        services().tenants.remove_member(
            current_tenant().id, number, current_actor(), name=line.person.email, request_id=request_id()
        )
    except LastOwnerError as error:
        form = _roles(RoleForm(formdata=None, data={"role": line.role.value}))
        return _member(line, form, sentence=translated(error.detail)), error.status
    flash(_("%(person)s is no longer a member.", person=line.person.email), "good")
    return redirect(url_for("frame.home") if line.you else url_for("members.members"), 303)


@tenant_route(bp, "/settings/members/invite", permission=Permission.MANAGE)
def invite() -> ResponseReturnValue:
    """Ask whom to invite."""
    return _invite(_roles(InviteForm(formdata=None, data={"role": Role.EDITOR.value})))


@tenant_route(bp, "/settings/members/invite", methods=("POST",), permission=Permission.MANAGE)
def invite_make() -> ResponseReturnValue:
    """Make the link, and go to where it is shown."""
    form = _roles(InviteForm())
    if form.validate() and any(line.person.email == form.email.data.strip().lower() for line in _lines()):
        form.email.errors = [_("This person is a member already.")]
    if form.errors:
        return _invite(form), 422
    try:
        token = services().invitations.invite(current_access(), form.email.data, Role(form.role.data), request_id())
    except InputError as error:
        form.email.errors = [translated(each.message) for each in error.errors]
        return _invite(form), 422
    fresh = FreshLink(Letter.INVITATION, token, form.email.data.strip().lower(), current_tenant().id)
    fresh.keep()
    if request.form.get("by") == "mail" and services().console_mail.available:
        _mail(fresh)
    return redirect(url_for("members.invited"), 303)


@tenant_route(bp, "/settings/members/invited", permission=Permission.MANAGE)
def invited() -> ResponseReturnValue:
    """Show the link of the fresh invitation, this once."""
    fresh = FreshLink.kept(Letter.INVITATION, tenant=current_tenant().id)
    if not fresh:
        return redirect(url_for("members.members"))
    found = services().invitations.open(fresh.token)
    return render_template(
        "pages/settings/invited.html",
        fresh=fresh,
        role=translated(ROLE_TITLES[found.role]),
        link=_link(fresh),
        mailing=services().console_mail.available,
    )


@tenant_route(bp, "/settings/members/invited", methods=("POST",), permission=Permission.MANAGE)
def invited_mail() -> ResponseReturnValue:
    """Mail the link of the fresh invitation to whom it is for."""
    fresh = FreshLink.kept(Letter.INVITATION, tenant=current_tenant().id)
    if not fresh or not services().console_mail.available:
        return redirect(url_for("members.members"), 303)
    _mail(fresh)
    return redirect(url_for("members.invited"), 303)


@tenant_route(bp, "/settings/invitations/<int:number>/revoke", methods=("POST",), permission=Permission.MANAGE)
def invitation_revoke(number: int) -> ResponseReturnValue:
    """Withdraw an invitation."""
    email = services().invitations.revoke(current_access(), number, request_id())
    flash(_("The invitation of %(person)s is withdrawn. Its link opens nothing any more.", person=email), "good")
    return redirect(url_for("members.members"), 303)


def _lines() -> list[Line]:
    people = {person.id: person for person in accounts().list()}
    own = current_actor().id
    return [
        Line(people[each.person_id], each.role, each.since, each.person_id == own, each.mapped)
        for each in services().tenants.members(current_tenant().id)
        if each.person_id in people
    ]


def _line(person_id: int) -> Line:
    line = next((line for line in _lines() if line.person.id == person_id), None)
    if line is None:
        raise NotFoundError
    return line


def _link(fresh: FreshLink) -> str:
    return services().settings.base_url + url_for("invitation.invitation", token=fresh.token)


def _mail(fresh: FreshLink) -> None:
    found = services().invitations.open(fresh.token)
    role = translated(ROLE_TITLES[found.role])
    fresh.mail(_link(fresh), found.expires_at, tenant=found.tenant.name, role=role)


def _roles(form: Any) -> Any:
    form.role.choices = [(role.value, translated(title)) for role, title in ROLE_TITLES.items()]
    return form


def _after(line: Line, *, stays: bool) -> str:
    """Where to go on: somebody who has given up their own standing has no way back to the list."""
    return url_for("general.general") if line.you and not stays else url_for("members.members")


def _member(line: Line, form: RoleForm, sentence: str = "") -> str:
    return render_template("pages/settings/member.html", line=line, form=form, sentence=sentence, meanings=_meanings())


def _invite(form: InviteForm) -> str:
    return render_template(
        "pages/settings/invite.html", form=form, meanings=_meanings(), mailing=services().console_mail.available
    )


def _meanings() -> dict[str, Any]:
    return {role.value: meaning for role, meaning in ROLE_MEANINGS.items()}
