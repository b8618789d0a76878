"""Secrets of a plan that nobody types: lent by the operator, or given in a file; and what is limited."""

from __future__ import annotations

import io
import json

import pytest

from tests.canary import CANARY
from tests.web.conftest import Browser, House
from tests.web.test_frame import set_up
from tests.web.test_migrate_import import IMPORT, PROD, SLOT, TYPED, apply, exported, give, password, revision
from tests.web.test_migrate_promote import PROMOTE, promote
from webapp.domain.roles import OPERATOR
from webapp.services.transfer.importing import OPENING_LIMIT
from webapp.services.transfer.planning import PLAN_LIMIT

LENT = "Lent by the operator as RELAY"


@pytest.fixture
def home(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The development tenant is set up; production is lent one secret for its server, and one for another."""
    set_up(house, host="smtp.example.com")
    monkeypatch.setenv("POSTROOM_SECRET__PROD__RELAY", f"{CANARY}-lent")
    monkeypatch.setenv("POSTROOM_SECRET__PROD__RELAY__FOR", "smtp.example.com")
    monkeypatch.setenv("POSTROOM_SECRET__PROD__ELSEWHERE", f"{CANARY}-lent")
    monkeypatch.setenv("POSTROOM_SECRET__PROD__ELSEWHERE__FOR", "smtp.example.net")
    return house


def stands(house: House, slug: str) -> object:
    """What stands in the place of the password."""
    document = house.services.setups.active(house.tenant(slug)).document
    return document["connector"]["config"]["auth"]["pass"]


class TestLent:
    def test_an_import_borrows_what_may_go_there(self, home: House, ada: Browser) -> None:
        page = give(ada, exported(home), PROD).text
        assert LENT in page
        assert "ELSEWHERE" not in page
        assert LENT not in give(ada, exported(home)).text

        give(ada, exported(home), PROD)
        answer = apply(ada, reason="first", **{f"way__{SLOT}": "env:RELAY"})

        assert answer.status_code == 303
        assert stands(home, "prod") == {"$secret": {"env": "RELAY"}}

    def test_it_stays_chosen_where_something_else_is_missing(self, home: House, ada: Browser) -> None:
        give(ada, exported(home), PROD)

        answer = apply(ada, **{f"way__{SLOT}": "env:RELAY"})

        assert answer.status_code == 409
        assert 'value="env:RELAY" checked' in " ".join(answer.text.split())

    def test_typing_after_all_is_asked_for(self, home: House, ada: Browser) -> None:
        give(ada, exported(home), PROD)
        apply(ada, **{f"way__{SLOT}": "env:RELAY"})

        assert apply(ada, reason="first", **{f"way__{SLOT}": "type"}).status_code == 422
        assert apply(ada, reason="first", **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED}).status_code == 303
        assert password(home, "prod") == TYPED

    def test_one_that_is_not_lent_for_it_is_refused(self, home: House, ada: Browser) -> None:
        give(ada, exported(home), PROD)

        answer = apply(ada, reason="first", **{f"way__{SLOT}": "env:ELSEWHERE"})

        assert answer.status_code == 422
        assert "The operator lends no such secret to this tenant for this destination." in answer.text
        assert revision(home, "prod") == 0

    def test_a_promotion_borrows_it_too(self, home: House, ada: Browser) -> None:
        assert LENT in ada.get(f"{PROMOTE}?from=dev").text

        answer = promote(ada, reason="first", **{f"way__{SLOT}": "env:RELAY"})

        assert answer.status_code == 303
        assert stands(home, "prod") == {"$secret": {"env": "RELAY"}}


class TestFile:
    def test_fills_what_it_names(self, home: House, ada: Browser) -> None:
        give(ada, exported(home), PROD)

        page = apply(ada, end="/secrets", note="mine", **{"secrets-file": secrets({SLOT: {"value": TYPED}})})

        assert page.status_code == 200
        assert "The one that you typed is kept" in page.text
        assert TYPED not in page.text
        assert 'value="mine"' in page.text
        assert apply(ada, reason="first", **{f"way__{SLOT}": "type"}).status_code == 303
        assert password(home, "prod") == TYPED

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "Choose a file with secrets."),
            (b"{", "begins as JSON"),
            (b"a: [1", "reading stopped at line 1"),
            (b'{"other.slot": {"value": "x"}}', "The document has no such slot."),
            (b'{"smtp.auth.pass": "x"}', "or “keep” here."),
        ],
        ids=["nothing", "cut", "yaml", "another-slot", "no-choice"],
    )
    def test_what_is_wrong_with_it_is_said(self, home: House, ada: Browser, content: bytes, said: str) -> None:
        give(ada, exported(home), PROD)

        answer = apply(ada, end="/secrets", note="mine", **{"secrets-file": (io.BytesIO(content), "secrets.json")})

        assert answer.status_code == 422
        assert said in answer.text
        assert 'value="mine"' in answer.text


def secrets(content: object) -> tuple[io.BytesIO, str]:
    return io.BytesIO(json.dumps(content).encode()), "secrets.json"


class TestLimits:
    def fill(self, house: House, kind: str, *key: str, amount: int, seconds: int) -> None:
        for _ in range(amount):
            house.services.limits.hit(kind, *key, amount=10**6, seconds=seconds)

    def plans(self, house: House, slug: str) -> None:
        person = house.services.tenants.members(house.tenant(slug).id)[0].person_id
        key = (str(house.tenant(slug).id), "person", str(person))
        self.fill(house, "plan", *key, amount=PLAN_LIMIT.amount, seconds=PLAN_LIMIT.seconds)

    def test_too_many_plans_lose_nothing_that_was_given(self, home: House, ada: Browser) -> None:
        self.plans(home, "dev")

        answer = give(ada, exported(home, port=587))

        assert answer.status_code == 429
        assert "Try again in" in answer.text
        assert "What you gave is kept" in answer.text
        assert int(answer.headers["Retry-After"]) > 0

    def test_too_many_plans_lose_nothing_that_was_typed(self, home: House, ada: Browser) -> None:
        give(ada, exported(home), PROD)
        self.plans(home, "prod")

        answer = apply(ada, note="mine", **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "The one that you typed is kept" in answer.text
        assert 'value="mine"' in answer.text

    def test_too_many_passphrases_are_said_on_the_page(self, home: House, ada: Browser) -> None:
        tenant = home.tenant("dev")
        self.fill(home, "unseal", str(tenant.id), amount=OPENING_LIMIT.amount, seconds=OPENING_LIMIT.seconds)
        document = exported(home) | {"secrets": "-----BEGIN AGE ENCRYPTED FILE-----"}

        answer = give(ada, document, passphrase=f"{CANARY} battery staple")

        assert answer.status_code == 429
        assert "Try again in" in answer.text

    def test_a_page_with_scripts_stays(self, home: House, ada: Browser) -> None:
        self.plans(home, "dev")
        ada.get(IMPORT)

        answer = ada.post(IMPORT, {"text": json.dumps(exported(home))}, headers={"HX-Request": "true"})

        assert (answer.status_code, "<html" in answer.text) == (429, False)
        assert home.services.tenants.access(OPERATOR, "dev").tenant.active_revision == 1
