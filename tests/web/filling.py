"""How a person without scripts fills in the set-up form: reads what is shown, changes some of it, sends it all."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.canary import CANARY
from tests.web.conftest import Browser

FORM = "/t/dev/connector"
SECRET = f"{CANARY}-typed"
VALUES: dict[str, str] = {
    "host": "smtp.example.com",
    "port": "587",
    "security": "starttls",
    "auth.type": "login",
    "auth.user": "ada",
    "auth.pass": SECRET,
    "fromEmail": "Acme <no-reply@example.com>",
}


class _Controls(HTMLParser):
    """The controls of the set-up form with the values that a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[tuple[str, str]] = []
        self._inside = False
        self._select: str | None = None
        self._area: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self._inside = given.get("id") == "setup-form"
        if not (self._inside or given.get("form") == "setup-form"):
            return
        if tag == "input" and name:
            boxed = given.get("type") in ("checkbox", "radio")
            if not boxed or "checked" in given:
                self.values.append((name, given.get("value") or ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.values.append((self._select, given.get("value") or ""))
        elif tag == "textarea":
            self._area, self._text = name, ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            self.values.append((self._area, self._text.removeprefix("\n").replace("\n", "\r\n")))
            self._area = None
        elif tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = None


def shown(browser: Browser) -> MultiDict[str, str]:
    """What the form of the page holds."""
    controls = _Controls()
    controls.feed(browser.page)
    return MultiDict(controls.values)


def choose(browser: Browser, provider: str = "smtp", tenant: str = "dev") -> None:
    """Choose a provider and look at its form."""
    browser.get(f"/t/{tenant}/connector/choose")
    assert browser.post(f"/t/{tenant}/connector/choose", {"provider": provider}).status_code == 303
    browser.get(f"/t/{tenant}/connector")


def send(browser: Browser, action: str = "draft", *, to: str = FORM, **changes: Any) -> TestResponse:
    """Send the form as it is shown, with some values changed; ``__`` in a name stands for a dot."""
    fields = shown(browser)
    for name, value in changes.items():
        fields.setlist(name.replace("__", "."), value if isinstance(value, list) else [value])
    fields["action"] = action
    fields.pop("csrf_token", None)
    # The addresses that only a page with scripts asks answer with parts of the page.
    live = to.endswith("/draft") or "/mails/" in to
    headers = {"HX-Request": "true"} if live else {}
    return browser.post(to, {name: fields.getlist(name) for name in fields}, headers=headers)


def fill(browser: Browser, tenant: str = "dev", **changes: Any) -> TestResponse:
    """Choose plain SMTP, fill in everything that is needed and keep it as a draft."""
    choose(browser, "smtp", tenant)
    values = {name.replace(".", "__"): value for name, value in VALUES.items()} | changes
    answer = send(browser, to=f"/t/{tenant}/connector", **values)
    browser.get(f"/t/{tenant}/connector")
    return answer


def around(page: str, field: str) -> str:
    """The page from a field's errors on, as far as the next field."""
    return unescape(
        page.partition(f'id="{field}-says"')[2].partition('class="field')[0]
        + page.partition(f'id="{field}-says"')[2].partition("</div>")[0]
    )
