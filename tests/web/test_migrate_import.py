"""Import: a document given in any way, its plan, and then exactly that or nothing."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from typing import Any

import pytest

from tests.canary import CANARY
from tests.web.conftest import Browser, House
from tests.web.test_frame import set_up
from webapp.domain.roles import OPERATOR, Role
from webapp.domain.tenant_document import TenantDocument
from webapp.services.transfer.writing import as_json, as_yaml

IMPORT, PROD = "/t/dev/migrate/import", "/t/prod/migrate/import"
SLOT = "smtp.auth.pass"
TYPED = f"{CANARY}-typed-in-the-plan"
PHRASE = f"{CANARY} battery staple"
SCRIPT = "<script>alert(1)</script>"


def exported(house: House, slug: str = "dev", **changes: Any) -> dict[str, Any]:
    """What a tenant's export holds, with some values of the connector changed."""
    access = house.services.tenants.access(OPERATOR, slug)
    document = house.services.exporting.shown(access).to_json()
    document["setup"]["connector"]["config"].update(changes)
    return TenantDocument(document["setup"]).to_json()


def give(browser: Browser, document: Any, path: str = IMPORT, **fields: Any) -> Any:
    """Paste a document; the answer is its plan, or what was refused."""
    browser.get(path)
    text = document if isinstance(document, str) else json.dumps(document)
    answer = browser.post(path, {"text": text, **fields})
    return browser.get(answer.location) if answer.status_code == 303 else answer


def upload(browser: Browser, content: bytes) -> Any:
    """Send a file as a browser does. (What the test client makes of a large one leaves a file open.)"""
    part = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    body = part % (b"csrf_token", b"", browser.token.encode()) + part % (b"file", b'; filename="a"', content) + b"--x--"
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "multipart/form-data; boundary=x"}
    return browser._client.post(IMPORT, data=body, headers=headers)


def apply(browser: Browser, end: str = "", **fields: Any) -> Any:
    """Confirm the plan of the page, or what else its form does."""
    found = re.search(r'action="(/t/[a-z]+/migrate/plans/[0-9a-f]{32})"', browser.page)
    assert found
    return browser.post(f"{found[1]}{end}", {name.replace("__", ":"): value for name, value in fields.items()})


def password(house: House, slug: str) -> str:
    access = house.services.tenants.access(OPERATOR, slug)
    number = house.services.setups.active(access.tenant).number
    return house.services.setups.secrets(access, number)["/connector/config/auth/pass"]


def revision(house: House, slug: str = "dev") -> int:
    return house.tenant(slug).active_revision


@pytest.fixture
def home(house: House) -> House:
    """The development tenant is set up."""
    set_up(house)
    return house


class TestPlan:
    def test_shows_old_and_new_and_applies_nothing(self, home: House, ada: Browser) -> None:
        answer = give(ada, exported(home, port=587))

        assert answer.status_code == 200
        assert re.search(r"<del>.*465</del>.*<ins>.*587</ins>", answer.text, re.DOTALL)
        assert revision(home) == 1

    def test_confirmed_it_is_live_and_can_be_undone(self, home: House, ada: Browser) -> None:
        give(ada, exported(home, port=587))

        answer = apply(ada, note="From the file", **{f"way__{SLOT}": "keep"})

        assert answer.location == "/t/dev/connector/saved/2"
        assert "Undo" in ada.get(answer.location).text
        assert "From the file" in ada.get("/t/dev/history").text
        assert password(home, "dev") == CANARY

    def test_a_file_is_read_as_a_text_is(self, home: House, ada: Browser) -> None:
        ada.get(IMPORT)
        content = as_yaml(TenantDocument(exported(home, port=587)["setup"])).encode()

        answer = ada.post(IMPORT, {"file": (io.BytesIO(content), "setup.yaml"), "text": "ignored"})

        assert "587" in ada.get(answer.location).text

    def test_the_history_says_which_file_it_came_from(self, home: House, ada: Browser) -> None:
        ada.get(IMPORT)
        content = as_yaml(TenantDocument(exported(home, fromEmail="Other <no-reply@example.com>")["setup"])).encode()
        ada.get(ada.post(IMPORT, {"file": (io.BytesIO(content), "ours/setup.yaml")}).location)

        apply(ada, **{f"way__{SLOT}": "keep"})

        assert "Imported from setup.yaml" in ada.get("/t/dev/history").text

    def test_its_own_export_changes_nothing(self, home: House, ada: Browser) -> None:
        assert "Nothing would change" in give(ada, exported(home)).text

    def test_in_production_the_button_names_it_and_asks_for_the_reason(self, home: House, ada: Browser) -> None:
        page = give(ada, exported(home), PROD).text

        assert "Import into production" in page
        assert "Why these values go live unproven" in page

    def test_with_scripts_the_page_stays_and_the_plan_is_gone_to(self, home: House, ada: Browser) -> None:
        ada.get(IMPORT)
        htmx = {"HX-Request": "true"}

        answer = ada.post(IMPORT, {"text": json.dumps(exported(home, port=587))}, headers=htmx)
        refused = ada.post(IMPORT, {"text": "{"}, headers=htmx)

        assert "/t/dev/migrate/plans/" in answer.headers["HX-Redirect"]
        assert (refused.status_code, "<html" in refused.text) == (422, False)


class TestSecrets:
    def test_a_missing_one_is_typed_and_never_shown(self, home: House, ada: Browser) -> None:
        page = give(ada, exported(home), PROD).text
        assert "Type it" not in page  # there is no other way

        answer = apply(ada, reason="first", **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert answer.status_code == 303
        assert password(home, "prod") == TYPED

    def test_left_out_nothing_is_applied(self, home: House, ada: Browser) -> None:
        give(ada, exported(home), PROD)

        answer = apply(ada, reason="first", note="mine", **{f"way__{SLOT}": "type"})

        assert answer.status_code == 409
        assert "This secret is needed." in answer.text
        assert 'value="mine"' in answer.text
        assert revision(home, "prod") == 0

    def test_typed_it_is_kept_where_something_else_is_missing(self, home: House, ada: Browser) -> None:
        give(ada, exported(home), PROD)

        answer = apply(ada, **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert answer.status_code == 409
        assert "The one that you typed is kept" in answer.text
        assert TYPED not in answer.text
        assert apply(ada, reason="first", **{f"way__{SLOT}": "type"}).status_code == 303
        assert password(home, "prod") == TYPED

    def test_typing_chosen_and_nothing_typed_does_not_keep_the_old_one(self, home: House, ada: Browser) -> None:
        give(ada, exported(home, port=587))

        answer = apply(ada, **{f"way__{SLOT}": "type"})

        assert answer.status_code == 422
        assert revision(home) == 1

    def test_sealed_ones_open_with_the_passphrase(self, home: House, ada: Browser) -> None:
        sealed = home.services.exporting.export(home.services.tenants.access(OPERATOR, "dev"), phrase=PHRASE)

        page = give(ada, as_json(sealed), PROD, passphrase=PHRASE).text
        answer = apply(ada, reason="first", **{f"way__{SLOT}": "sealed"})

        assert "Take the sealed one of the document" in page
        assert answer.status_code == 303
        assert password(home, "prod") == CANARY

    def test_a_wrong_passphrase_is_said_and_the_document_kept(self, home: House, ada: Browser) -> None:
        sealed = home.services.exporting.export(home.services.tenants.access(OPERATOR, "dev"), phrase=PHRASE)
        refused = give(ada, as_json(sealed), PROD, passphrase=f"{PHRASE} wrong")
        assert refused.status_code == 422
        assert "<code>/passphrase" not in refused.text

        answer = ada.post(PROD, {"kept": ada.field("kept"), "passphrase": PHRASE})

        assert answer.status_code == 303
        assert PHRASE not in refused.text

    def test_one_written_into_the_document_is_named_and_not_shown(self, home: House, ada: Browser) -> None:
        document = exported(home, auth={"type": "login", "user": "ada", "pass": TYPED})

        page = give(ada, document).text

        assert "comes with the document" in page
        assert TYPED not in page


class TestWhatBreaks:
    def test_needs_its_own_tick(self, home: House, ada: Browser) -> None:
        document = exported(home)
        document["setup"]["connector"] = None
        document = TenantDocument(document["setup"]).to_json()
        give(ada, document)
        assert "What breaks" in ada.page

        answer = apply(ada, note="mine")

        assert answer.status_code == 409
        assert "Tick what may break" in answer.text
        assert 'value="mine"' in answer.text
        flows = re.findall(r'name="breaks"\s+value="([A-Za-z]+)"', ada.page)
        assert apply(ada, breaks=flows).status_code == 303


class TestMeanwhile:
    def test_a_save_in_between_shows_the_plan_anew(self, home: House, ada: Browser) -> None:
        give(ada, exported(home, port=587))
        set_up(home, host="smtp.example.org")

        answer = apply(ada, note="mine", **{f"way__{SLOT}": "keep"})

        assert answer.status_code == 412
        assert "Revision 2 was saved meanwhile" in answer.text
        assert "smtp.example.org" in answer.text
        assert 'value="mine"' in answer.text
        assert revision(home) == 2

    def test_an_old_plan_that_is_opened_again_says_so(self, home: House, ada: Browser) -> None:
        give(ada, exported(home, port=587))
        address = re.search(r'action="(/t/dev/migrate/plans/[0-9a-f]{32})"', ada.page)
        assert address
        set_up(home, host="smtp.example.org")

        assert ada.get(address[1]).status_code == 412
        assert "Plan it again" in ada.page
        assert ada.get(ada.post(f"{address[1]}/again").location).status_code == 200

    def test_a_plan_is_its_makers_alone(self, home: House, ada: Browser, bob: Browser) -> None:
        give(ada, exported(home, port=587))
        address = re.search(r'action="(/t/dev/migrate/plans/[0-9a-f]{32})"', ada.page)
        assert address

        assert bob.get(address[1]).status_code == 404
        assert bob.post(address[1]).status_code == 404


class TestRoles:
    def test_an_editor_looks_in_production_and_does_not_confirm(self, home: House, bob: Browser) -> None:
        page = give(bob, exported(home), PROD).text

        assert "Only owners save to this tenant." in page
        assert apply(bob).status_code == 403 if 'action="' in page else True
        assert revision(home, "prod") == 0

    def test_a_viewer_does_not_import(self, home: House, bob: Browser) -> None:
        home.make_bob(Role.VIEWER)

        assert bob.get(IMPORT).status_code == 403
        assert bob.post(IMPORT, {"text": "{}"}).status_code == 403


class TestAnotherSystems:
    CONNECTOR = {
        "connectorId": "simple-mail-transfer-protocol",
        "config": {
            "host": "smtp.example.net",
            "port": 465,
            "secure": True,
            "auth": {"user": "ada", "pass": TYPED},
            "fromEmail": "Acme <no-reply@example.com>",
            "tls": {"rejectUnauthorized": False},
            "logger": True,
        },
    }

    def test_what_was_mapped_and_what_was_left_is_shown(self, home: House, ada: Browser) -> None:
        page = give(ada, self.CONNECTOR).text

        assert "How the document was understood" in page
        assert "/config/tls/rejectUnauthorized" in page
        assert "/connector/config/security" in page
        assert TYPED not in page

    def test_confirmed_it_is_live(self, home: House, ada: Browser) -> None:
        give(ada, self.CONNECTOR)

        assert apply(ada).status_code == 303
        assert password(home, "dev") == TYPED


class TestHostile:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "Choose a file, or paste the text."),
            ("{", "begins as JSON"),
            ('{"format": "postroom/setup", "format": 1}', "format"),
            ("a: [1, 2", "reading stopped at line"),
            ("a: &a [x]\nb: *a", "Aliases"),
            ("[" * 100 + "]" * 100, "deep"),
            ('{"format": "postroom/setup", "version": 99, "setup": {}}', "a later Postroom"),
            ('{"connectorId": "twilio-short-message-service", "config": {}}', "no email connector"),
        ],
        ids=["nothing", "truncated", "twice", "yaml", "aliases", "deep", "version", "another-kind"],
    )
    def test_is_said_in_words(self, home: House, ada: Browser, text: str, said: str) -> None:
        answer = give(ada, text)

        assert answer.status_code == 422
        assert said in unescape(answer.text)
        assert revision(home) == 1

    def test_a_changed_document_is_refused(self, home: House, ada: Browser) -> None:
        document = exported(home)
        document["setup"]["connector"]["config"]["host"] = "evil.example.net"

        answer = give(ada, document)

        assert "is not as it was exported" in answer.text
        assert answer.status_code == 422

    def test_faults_are_named_by_their_place(self, home: House, ada: Browser) -> None:
        document = exported(home, port="many", security="perhaps")

        page = give(ada, document).text

        assert "<code>/connector/config/port</code>" in page
        assert "<code>/connector/config/security</code>" in page

    def test_a_body_over_5_mb_is_refused(self, ada: Browser) -> None:
        ada.get(IMPORT)

        answer = upload(ada, b"x" * (5 * 1024 * 1024 + 1))

        assert answer.status_code == 413

    def test_too_much_yaml_is_refused_on_the_page(self, ada: Browser) -> None:
        ada.get(IMPORT)

        answer = upload(ada, b"a: b\n" * 500_000)

        assert answer.status_code == 413
        assert "at most 5 MB as JSON" in answer.text

    def test_bytes_that_are_no_text_are_refused(self, ada: Browser) -> None:
        ada.get(IMPORT)

        assert upload(ada, b"\xff\xfe\x00").status_code == 422

    def test_names_and_values_are_shown_as_text(self, home: House, ada: Browser) -> None:
        document = exported(home, host=f"{SCRIPT}.example.com", **{SCRIPT: SCRIPT})
        refused = give(ada, document).text
        document = exported(home)
        document["setup"]["templates"]["SignIn"]["en"] = {
            "contentType": "text/html",
            "subject": SCRIPT,
            "content": f"{SCRIPT}\n{{{{code}}}}",
        }
        planned = give(ada, TenantDocument(document["setup"]).to_json()).text

        assert "&lt;script&gt;" in planned
        for page in (refused, planned):
            assert SCRIPT not in page

    def test_what_was_pasted_with_a_password_does_not_come_back(self, home: House, ada: Browser) -> None:
        answer = give(ada, '{"connector": {"provider": "smtp", "config": {"auth": {"pass": "' + TYPED + '"}}}')

        assert answer.status_code == 422
        assert TYPED not in answer.text
        assert "What you gave is kept" in answer.text

    def test_what_is_kept_of_somebody_else_is_nothing(self, home: House, ada: Browser, bob: Browser) -> None:
        give(ada, "{")
        kept = ada.field("kept")

        bob.get(IMPORT)
        assert "Choose a file" in bob.post(IMPORT, {"kept": kept}).text

    def test_pages_stay_light(self, home: House, ada: Browser) -> None:
        assert len(give(ada, exported(home, port=587)).data) < 60 * 1024
        assert len(give(ada, "[" + "1," * 400_000 + "1]").data) < 60 * 1024
