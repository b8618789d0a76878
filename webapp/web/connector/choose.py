"""Choose a provider: cards, a search, one click."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Permission
from webapp.web.connector.blueprint import bp
from webapp.web.connector.cards import PLAIN, WAYS, Card, cards, current_key, start
from webapp.web.connector.editor import Editor
from webapp.web.context import current_access, current_tenant, services
from webapp.web.frame import shown
from webapp.web.security import tenant_route

GROUPS = ("own", "service", "mailbox", "other")
"""Kinds of providers in the order of the page."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A card in the reader's language."""

    card: Card
    title: str
    words: str
    """What the search looks into."""


@tenant_route(bp, "/connector/choose", permission=Permission.EDIT)
def choose() -> ResponseReturnValue:
    """Show the cards."""
    editor = Editor(services(), current_access())
    found = cards(services(), current_tenant(), editor.connector, editor.draft.preset)
    query = request.args.get("q", "").strip()[:100]
    choices = [choice for choice in map(_choice, found) if all(word in choice.words for word in query.lower().split())]
    return render_template(
        "pages/connector/choose.html",
        groups=[(name, [each for each in choices if each.card.group == name]) for name in GROUPS],
        any_choice=bool(choices),
        query=query,
        back=url_for("connector.form") if editor.connector else None,
        ways=WAYS,
        live=_live_card(),
        replaces=editor.title if editor.begun and editor.connector else None,
    )


@tenant_route(bp, "/connector/choose", methods=["POST"], permission=Permission.EDIT)
def chosen() -> ResponseReturnValue:
    """Begin with a card; the one that is set up already is just opened."""
    editor = Editor(services(), current_access())
    found = cards(services(), current_tenant(), editor.connector, editor.draft.preset)
    card = next((each for each in found if each.key == request.form.get("provider")), None)
    if card is None:
        raise NotFoundError
    if card.current:
        pass
    elif card.key == _live_card():
        editor.return_to_live(card.preset.id if card.preset else PLAIN)
    else:
        connector, secrets, aside = start(services(), current_tenant(), card, editor.connector, editor.earlier)
        editor.begin(connector, secrets, card.preset.id if card.preset else PLAIN, aside)
    return redirect(url_for("connector.form"), 303)


def _live_card() -> str | None:
    """The card of what is live, whatever is in the draft."""
    return current_key(services(), services().setups.active(current_tenant()).document.get("connector"), None)


def _choice(card: Card) -> Choice:
    title = gettext("Something else, by SMTP") if card.anything else card.title
    words = " ".join([title, shown(card.summary), card.key, *(shown(badge) for badge in card.badges)])
    return Choice(card, title, words.lower())
