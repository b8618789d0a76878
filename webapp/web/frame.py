"""What stands around every page: navigation, tenant switcher, theme, and how values are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Blueprint, Flask, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_datetime, format_timedelta, get_locale, gettext

from webapp.accounts import Person
from webapp.db.types import now
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Access, Permission, Role, TenantInfo
from webapp.domain.text import T, Text
from webapp.web.context import current_person, installation, services
from webapp.web.demanded import owes_second_factor
from webapp.web.lean import Unindented
from webapp.web.security import public_route, safe_next

bp = Blueprint("frame", __name__)

THEMES: Final = ("light", "dark", "system")
THEME_COOKIE: Final = "postroom_theme"
ROLE_TITLES: Final = {
    Role.VIEWER: T("Viewer"),
    Role.EDITOR: T("Editor"),
    Role.OWNER: T("Owner"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the navigation leads to, shown where it exists."""

    endpoint: str
    title: Text
    icon: str
    development_only: bool = False
    permission: Permission = Permission.READ

    def open_to(self, access: Access) -> bool:
        """Whether it is there for this person in this tenant."""
        return access.may(self.permission) and not (self.development_only and access.tenant.production)


GROUPS: Final[Sequence[tuple[Text, Sequence[Place]]]] = (
    (
        T("Set up"),
        (
            Place("overview.overview", T("Overview"), "layout-dashboard"),
            Place("connector.form", T("Connector"), "plug-connected"),
        ),
    ),
    (T("Run"), (Place("inbox.inbox", T("Inbox"), "inbox", development_only=True),)),
    (
        T("Change"),
        (
            Place("migrate.migrate", T("Migrate"), "arrows-exchange"),
            Place("history.history", T("History"), "history"),
        ),
    ),
    (
        T("Settings"),
        (
            Place("general.general", T("General"), "settings"),
            Place("members.members", T("Members and roles"), "user", permission=Permission.MANAGE),
            Place("tokens.tokens", T("API tokens"), "key", permission=Permission.MANAGE),
            Place("audit.audit", T("Audit log"), "file-text", permission=Permission.MANAGE),
            Place("danger.danger", T("Danger zone"), "alert-triangle", permission=Permission.MANAGE),
        ),
    ),
)


OF_THE_HOUSE: Final = (
    Place("tenants.tenants", T("Tenants"), "server"),
    Place("people.people", T("People"), "building"),
)
"""For the administrators of the installation, in whichever tenant they are."""


AT_HAND: Final = 12
"""Tenants in the switcher; where there are more, a page lists them."""


@dataclass(frozen=True, slots=True)
class Item:
    """One link of the navigation."""

    title: Text
    url: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Links that belong together."""

    title: Text
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A tenant to switch to."""

    tenant: TenantInfo
    role: Role
    url: str
    current: bool


class Frame:
    """What the layout asks for; each part is found out when it is asked for."""

    @cached_property
    def person(self) -> Person | None:
        return current_person()

    @property
    def confined(self) -> bool:
        """Whether the person has to set up a second factor, and sees nothing else until then."""
        return owes_second_factor()

    @cached_property
    def access(self) -> Access | None:
        """The standing in the tenant of the page; on the account's and errors' pages, in the tenant used last."""
        access: Access | None = g.get("access")
        person = self.person
        if access or person is None or self.confined or "tenant" not in session:
            return access
        try:
            return services().tenants.access(person.actor, session["tenant"])
        except NotFoundError:
            return None

    @property
    def tenant(self) -> TenantInfo | None:
        return self.access.tenant if self.access else None

    @property
    def role_title(self) -> Text:
        return ROLE_TITLES[self.access.role] if self.access else Text("")

    @cached_property
    def organisation(self) -> str:
        return installation().organisation

    @property
    def locale(self) -> str:
        return str(get_locale()).replace("_", "-")

    @property
    def theme(self) -> str:
        theme = request.cookies.get(THEME_COOKIE, "")
        return theme if theme in THEMES else "system"

    @property
    def zone(self) -> str:
        """The time zone that the reader chose; nothing: as the browser says."""
        return (self.person.time_zone if self.person else None) or ""

    @property
    def endpoint(self) -> str:
        return request.endpoint or ""

    @property
    def here(self) -> str:
        return request.full_path.rstrip("?") if request.method == "GET" else url_for("frame.home")

    @cached_property
    def groups(self) -> list[Group]:
        """The navigation of the tenant, without pages that are not built."""
        groups = [
            Group(title, tuple(self._item(place) for place in places if self._exists(place)))
            for title, places in (GROUPS if self.tenant else ())
        ]
        if self.person and self.person.administrator and not self.confined:
            groups.append(Group(T("Installation"), tuple(self._item(place) for place in OF_THE_HOUSE)))
        return [group for group in groups if group.items]

    @cached_property
    def tenants(self) -> list[Choice]:
        """The tenants that this person can switch to."""
        person = self.person
        if person is None:
            return []
        here = self.tenant
        return [
            Choice(
                tenant, role, self._in_tenant(Access(person.actor, tenant, role)), bool(here and tenant.id == here.id)
            )
            for tenant, role in services().tenants.of_person(person.id, person.administrator)
        ]

    @cached_property
    def tenants_at_hand(self) -> list[Choice]:
        """Those that the switcher shows: all where they are few, and always the one of the page."""
        first, rest = self.tenants[:AT_HAND], self.tenants[AT_HAND:]
        return first + [each for each in rest if each.current]

    def may(self, permission: str) -> bool:
        """Whether the person may do this in the tenant of the page, as ``frame.may("save")``."""
        return bool(self.access and self.access.may(Permission(permission)))

    def _item(self, place: Place) -> Item:
        current = self.endpoint == place.endpoint or (
            self.endpoint.partition(".")[0] == place.endpoint.partition(".")[0]
        )
        return Item(place.title, self._address(place.endpoint), place.icon, current)

    def _address(self, endpoint: str) -> str:
        if not current_app.url_map.is_endpoint_expecting(endpoint, "tenant"):
            return url_for(endpoint)
        return url_for(endpoint, tenant=self.tenant.slug if self.tenant else None)

    def _exists(self, place: Place) -> bool:
        return place.endpoint in current_app.view_functions and bool(self.access and place.open_to(self.access))

    def _in_tenant(self, access: Access) -> str:
        """The same page in another tenant where that makes sense, else its overview."""
        same = next((place for _t, places in GROUPS for place in places if place.endpoint == self.endpoint), None)
        endpoint = same.endpoint if same and same.open_to(access) else "overview.overview"
        return url_for(endpoint, tenant=access.tenant.slug)


def init_app(app: Flask) -> None:
    """Give templates the frame, and ``url_for`` the tenant of the page."""
    app.context_processor(_frame_of_request)
    app.jinja_env.add_extension(Unindented)
    app.jinja_env.globals.update(ago=ago, exact=exact, has_asset=has_asset, sprite=sprite)

    @app.url_defaults
    def tenant_of_page(endpoint: str, values: dict[str, Any]) -> None:
        access = g.get("access")
        if access and "tenant" not in values and app.url_map.is_endpoint_expecting(endpoint, "tenant"):
            values["tenant"] = access.tenant.slug


def _frame_of_request() -> dict[str, Frame]:
    if "frame" not in g:
        g.frame = Frame()
    return {"frame": g.frame}


@public_route(bp, "/")
def home() -> ResponseReturnValue:
    """Go to where the person works: the tenant used last, else the first; or to the sign-in."""
    person = current_person()
    if person is None:
        return redirect(url_for("account.sign_in"))
    tenants = [tenant.slug for tenant, _role in services().tenants.of_person(person.id, person.administrator)]
    if not tenants:
        return redirect(url_for("account.account"))
    last = session.get("tenant")
    return redirect(url_for("overview.overview", tenant=last if last in tenants else tenants[0]))


@public_route(bp, "/theme", methods=("POST",))
def theme() -> ResponseReturnValue:
    """Remember light, dark, or as the system says."""
    response = redirect(safe_next(request.form.get("next")) or url_for("frame.home"))
    chosen = request.form.get("theme")
    if chosen in THEMES:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        response.set_cookie(THEME_COOKIE, chosen, max_age=31536000, samesite="Lax", httponly=True, secure=secure)
    return response


def locale() -> str:
    """The reader's language. English is the only one so far."""
    return "en"


def shown(value: Any) -> Any:
    """Translate marked texts as they are printed."""
    return translated(value) if isinstance(value, Text) else value


def translated(text: Text) -> str:
    """Say a marked text in the reader's language."""
    return (
        gettext(text.template, **dict(text.values)) if text.values else gettext(text.template) if text.template else ""
    )


def ago(moment: datetime) -> str:
    """How long ago, in words."""
    past = now() - moment
    return gettext("just now") if abs(past.total_seconds()) < 45 else str(format_timedelta(-past, add_direction=True))


def exact(moment: datetime) -> str:
    """The moment itself, in the zone that the reader chose. Without a choice this is UTC, and scripts say it better."""
    local = moment.astimezone(reader_zone())
    return f"{format_datetime(local, 'd MMM yyyy, HH:mm:ss', rebase=False)} {local.tzname()}"


def reader_zone() -> tzinfo:
    """The time zone that the reader chose, else UTC."""
    person = current_person()
    if person is None or not person.time_zone:
        return UTC
    try:
        return ZoneInfo(person.time_zone)
    except ZoneInfoNotFoundError:
        # Chosen on a machine that knew more zones than this one.
        return UTC


def sprite() -> str:
    """The address of the icons, found out once for each page: a page draws dozens of them."""
    if "sprite" not in g:
        g.sprite = url_for("static", filename="vendor/icons.svg")
    return str(g.sprite)


def has_asset(filename: str) -> bool:
    """Whether there is such a file under ``static``."""
    return current_app.extensions["postroom.assets"].find(filename) is not None
