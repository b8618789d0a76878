"""Edit as JSON: the same draft as the form, errors by line, secrets never in clear."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.canary import CANARY
from tests.web.conftest import BOB, Browser, House
from tests.web.filling import FORM, choose, fill, send, shown
from webapp.domain.roles import OPERATOR, Access, Role

JSON = f"{FORM}/json"
KEPT = {"$secret": {"draft": True}}
CONFIG: dict[str, Any] = {
    "host": "smtp.example.org",
    "port": 587,
    "security": "starttls",
    "auth": {"type": "login", "user": "ada", "pass": f"{CANARY}-text"},
    "fromEmail": "Acme <no-reply@example.org>",
}


def text(browser: Browser) -> str:
    browser.get(JSON)
    return shown(browser)["json"].replace("\r\n", "\n")


def values(browser: Browser) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text(browser))
    return read


def type_text(browser: Browser, typed: str | dict[str, Any], action: str = "draft", to: str = FORM) -> TestResponse:
    """Send the page of text as it is shown, with another text in it."""
    browser.get(JSON)
    return send(browser, action, to=to, json=typed if isinstance(typed, str) else json.dumps(typed, indent=2))


def change(browser: Browser, action: str = "draft", **settings: Any) -> TestResponse:
    return type_text(browser, values(browser) | settings, action)


def faults(browser: Browser) -> list[tuple[int, str, str]]:
    """Line, pointer and words of each error."""
    browser.get(JSON)
    found = re.findall(
        r'<li data-line="(\d+)".*?</a>\s*(?:<code>(.*?)</code>)?\s*<span>(.*?)</span>', browser.page, re.DOTALL
    )
    return [(int(line), unescape(pointer), unescape(words)) for line, pointer, words in found]


def words(browser: Browser) -> str:
    return " ".join(each for _line, _pointer, each in faults(browser))


class TestAgreement:
    """What one view says, the other says."""

    def test_what_the_form_says_stands_in_the_text(self, ada: Browser) -> None:
        fill(ada, replyTo="help@example.com")

        said = values(ada)

        assert said["host"] == "smtp.example.com"
        assert said["port"] == 587
        assert said["auth"] == {"type": "login", "user": "ada", "pass": KEPT}
        assert said["replyTo"] == "help@example.com"

    def test_every_setting_that_applies_is_there(self, ada: Browser) -> None:
        fill(ada)

        said = values(ada)

        assert said["name"] is None
        assert said["connectionTimeout"] == 10_000
        assert said["customHeaders"] == {}
        assert "minVersion" in said["tls"]
        assert "insecureAuthReason" not in said

    def test_what_the_text_says_stands_in_the_form(self, ada: Browser) -> None:
        choose(ada)

        type_text(ada, CONFIG | {"customHeaders": {"X-One": ["a", "b"]}, "socketTimeout": "20000"})

        ada.get(FORM)
        form = shown(ada)
        assert (form["host"], form["port"], form["auth.user"]) == ("smtp.example.org", "587", "ada")
        assert form["fromEmail"] == "Acme <no-reply@example.org>"
        assert form["socketTimeout"] == "20000"
        assert form.getlist("customHeaders.name")[:2] == ["X-One", "X-One"]
        assert "New, not saved yet" in ada.page

    def test_they_agree_after_each_edit_in_turn(self, ada: Browser) -> None:
        fill(ada)

        change(ada, port=2525)
        ada.get(FORM)
        assert shown(ada)["port"] == "2525"
        send(ada, host="smtp.two.example")
        assert (values(ada)["host"], values(ada)["port"]) == ("smtp.two.example", 2525)
        change(ada, replyTo="help@example.com")
        ada.get(FORM)
        send(ada, replyTo="")
        assert values(ada)["replyTo"] is None

    def test_going_from_one_to_the_other_takes_along_what_was_just_typed(self, ada: Browser) -> None:
        fill(ada)

        to_text = send(ada, "json", host="smtp.form.example")
        assert to_text.location == JSON
        assert values(ada)["host"] == "smtp.form.example"
        back = change(ada, "form", host="smtp.text.example")

        assert back.location == FORM
        ada.get(FORM)
        assert shown(ada)["host"] == "smtp.text.example"

    def test_the_text_stays_as_it_was_typed_while_it_says_the_same(self, ada: Browser) -> None:
        choose(ada)
        typed = json.dumps(CONFIG | {"auth": {"type": "login", "user": "ada"}}).replace(", ", " ,\n\n   ")

        type_text(ada, typed)
        ada.get(FORM)
        send(ada)

        assert text(ada) == typed

    def test_a_setting_that_the_text_leaves_out_is_as_usual_in_the_form(self, ada: Browser) -> None:
        fill(ada, connectionTimeout="20000")
        config = values(ada)
        del config["connectionTimeout"]

        type_text(ada, config)

        ada.get(FORM)
        assert shown(ada)["connectionTimeout"] == "10000"

    def test_what_had_been_put_aside_by_another_choice_does_not_hide_what_is_typed(self, ada: Browser) -> None:
        fill(ada)
        send(ada, auth__type="none")

        change(ada, auth={"type": "login", "user": "bob"})

        ada.get(FORM)
        assert shown(ada)["auth.user"] == "bob"

    def test_the_mails_are_untouched(self, house: House, ada: Browser) -> None:
        fill(ada)
        send(ada, "open:SignIn")
        ada.get(FORM)
        send(ada, templates__SignIn__subject="Mine {{code}}")

        change(ada, port=2525)

        ada.get(FORM)
        assert "Mine {{code}}" in ada.page


class TestTextWithErrors:
    @pytest.mark.parametrize(
        ("typed", "line", "pointer", "says"),
        [
            ('{\n  "host": "a.example"\n  "port": 25\n}', 3, "", "comma"),
            ('{\n  "host": "a.example",\n}', 3, "", "one too many"),
            ('{\n  "host": "a.example\n}', 2, "", "quotation mark"),
            ('{\n  "host":\n}', 3, "", "value is missing"),
            ('{\n  "port": 25\n}\n}', 4, "", "more after"),
            ("", 1, "", "Nothing stands here"),
            ("[]", 1, "", "one object"),
            ('{\n  "port": 25,\n  "port": 26\n}', 3, "/port", "twice"),
            ('{\n  "hots": "a.example"\n}', 2, "/hots", "Did you mean “host”"),
            ('{\n  "username": "ada"\n}', 2, "/username", "“user” in “auth”"),
            ('{\n  "auth": {\n    "host": "a"\n  }\n}', 3, "/auth/host", "stands at the top"),
            ('{\n  "from_email": "a@example.com"\n}', 2, "/from_email", "Did you mean “fromEmail”"),
            ('{\n  "frobnicate": 1\n}', 2, "/frobnicate", "There is no setting"),
            ('{\n  "port": "soon"\n}', 2, "/port", "whole number"),
            ('{\n  "port": 5.5\n}', 2, "/port", "whole number"),
            ('{\n  "host": 5\n}', 2, "/host", "Text is expected"),
            ('{\n  "allowInsecureAuth": "yes"\n}', 2, "/allowInsecureAuth", "true or false"),
            ('{\n  "auth": "login"\n}', 2, "/auth", "object is expected"),
            ('{\n  "customHeaders": ["X"]\n}', 2, "/customHeaders", "names of headers"),
            ('{\n  "auth": {"pass": {"$secret": {"show": true}}}\n}', 2, "/auth/pass", "Give the secret as text"),
        ],
    )
    def test_is_kept_as_typed_and_named_by_line_while_the_form_keeps_its_values(
        self, ada: Browser, typed: str, line: int, pointer: str, says: str
    ) -> None:
        fill(ada)

        type_text(ada, typed)

        assert text(ada) == typed
        assert [(at, where) for at, where, _ in faults(ada)] == [(line, pointer)]
        assert says in words(ada)
        ada.get(FORM)
        assert shown(ada)["host"] == "smtp.example.com"
        assert "is not taken over yet" in ada.page

    def test_a_value_that_the_rules_refuse_is_in_both_and_named_by_line(self, ada: Browser) -> None:
        fill(ada)

        change(ada, port=70000, security="rot13")

        found = {pointer: line for line, pointer, _ in faults(ada)}
        lines = text(ada).split("\n")
        assert '"port": 70000' in lines[found["/port"] - 1]
        assert '"security"' in lines[found["/security"] - 1]
        ada.get(FORM)
        assert shown(ada)["port"] == "70000"

    def test_what_is_missing_is_named_where_it_should_be(self, ada: Browser) -> None:
        choose(ada)

        type_text(ada, '{\n  "auth": {\n    "type": "login"\n  }\n}')

        assert (1, "/host") in [(line, pointer) for line, pointer, _ in faults(ada)]
        assert (2, "/auth/user") in [(line, pointer) for line, pointer, _ in faults(ada)]

    def test_once_mended_both_changes_are_there(self, ada: Browser) -> None:
        fill(ada)
        broken = text(ada).replace('"port": 587', '"port": 2525,,')
        type_text(ada, broken)
        ada.get(FORM)
        send(ada, host="smtp.meanwhile.example")
        ada.get(JSON)
        assert "They have changed since this text was begun" in ada.page

        type_text(ada, broken.replace(",,", ""))

        assert (values(ada)["host"], values(ada)["port"]) == ("smtp.meanwhile.example", 2525)
        ada.get(FORM)
        assert (shown(ada)["host"], shown(ada)["port"]) == ("smtp.meanwhile.example", "2525")

    def test_it_can_be_given_up(self, ada: Browser) -> None:
        fill(ada)
        type_text(ada, "{")

        type_text(ada, "{", "forget-text")

        assert values(ada)["host"] == "smtp.example.com"

    @pytest.mark.parametrize(
        "typed", ["{", '{"host": ' * 5000, '{"a":' * 40 + "1" + "}" * 40, "\x00", '"' * 5000, "[" * 9999]
    )
    def test_odd_texts_are_only_texts(self, ada: Browser, typed: str) -> None:
        fill(ada)

        answer = type_text(ada, typed)

        assert answer.status_code == 303
        assert faults(ada)

    def test_markup_is_shown_as_text(self, ada: Browser) -> None:
        fill(ada)

        type_text(ada, '{"</textarea><script>alert(1)</script>": 1}')

        ada.get(JSON)
        assert "<script>alert" not in ada.page
        assert "</textarea><script>" not in ada.page


class TestSecrets:
    def test_a_typed_one_becomes_a_drafted_one(self, house: House, ada: Browser) -> None:
        choose(ada)

        type_text(ada, CONFIG)

        assert values(ada)["auth"]["pass"] == KEPT
        assert CANARY not in ada.page
        access = house.services.tenants.access(_ada(house), "dev")
        draft = house.services.drafts.load(access)
        assert draft
        assert draft.secrets["/connector/config/auth/pass"] == f"{CANARY}-text"

    def test_a_stored_one_shows_as_a_mark_and_stays(self, house: House, ada: Browser) -> None:
        _save(house)

        assert values(ada)["auth"]["pass"] == {"$secret": {"set": True}}
        change(ada, replyTo="help@example.org")
        assert send_review(ada).status_code == 303

    def test_one_in_a_text_with_errors_is_not_shown_again_and_not_lost(self, house: House, ada: Browser) -> None:
        choose(ada)
        type_text(ada, json.dumps(CONFIG, indent=2).replace('"port": 587', '"port": 587,,'))
        kept = text(ada)
        assert CANARY not in ada.page
        assert '"pass": {"$secret": {"draft": true}}' in kept
        ada.get(FORM)
        assert "New, not saved yet" not in ada.page

        type_text(ada, kept.replace(",,,", ","))

        draft = house.services.drafts.load(house.services.tenants.access(_ada(house), "dev"))
        assert draft
        assert draft.secrets["/connector/config/auth/pass"] == f"{CANARY}-text"

    def test_one_that_waited_in_a_text_follows_to_no_other_server(self, ada: Browser) -> None:
        choose(ada)
        type_text(ada, json.dumps(CONFIG, indent=2).replace('"port": 587', '"port": 587,,'))

        type_text(ada, text(ada).replace(",,,", ",").replace("smtp.example.org", "smtp.mallory.example"))

        assert "Type it again" in words(ada)

    @pytest.mark.parametrize(
        "typed",
        [
            '{"auth": {"pass": "%s" "user": 1}}',
            '{"auth": {"pass": "%s',
            '{"pass": "%s"}',
            '{"auth": {"pass": ["%s"]}}',
            '{"auth": {"pass": {"value": "%s"}}}',
            'auth: {"pass": "%s"}}}',
            '{"auth": "pass": "%s"}',
        ],
    )
    def test_none_comes_back_in_clear_however_broken_the_text_is(self, ada: Browser, typed: str) -> None:
        fill(ada)

        type_text(ada, typed % f"{CANARY}-broken")

        ada.get(JSON)
        assert f"{CANARY}-broken" not in ada.page

    def test_one_that_is_taken_out_is_gone_from_the_form(self, ada: Browser) -> None:
        fill(ada)

        change(ada, auth={"type": "login", "user": "ada"})

        ada.get(FORM)
        assert "New, not saved yet" not in ada.page

    def test_a_stored_one_does_not_follow_to_another_server(self, house: House, ada: Browser) -> None:
        _save(house)

        change(ada, host="smtp.mallory.example")

        assert [pointer for _line, pointer, _words in faults(ada)] == ["/auth/pass"]
        assert "Type it again" in words(ada)


class TestDoing:
    def test_review_and_save_take_exactly_the_text(self, house: House, ada: Browser) -> None:
        choose(ada)

        assert change_to_review(ada, CONFIG | {"port": 2525}).location == f"{FORM}/review"
        ada.get(f"{FORM}/review")
        ada.post(f"{FORM}/review", {"reviewed": ada.field("reviewed")})

        saved = house.services.setups.active(house.tenant("dev"))
        assert saved.setup.connector
        assert saved.setup.connector.config["port"] == 2525
        assert values(ada)["port"] == 2525

    @pytest.mark.parametrize("path", ["check", "test"])
    def test_nothing_is_started_over_a_text_that_cannot_be_used(self, house: House, ada: Browser, path: str) -> None:
        fill(ada)

        answer = type_text(ada, "{\n  oops\n}", to=f"{FORM}/{path}")

        assert answer.status_code == 422
        assert "Settings as JSON" in ada.page
        assert "The text cannot be used as it is" in ada.page
        assert shown(ada)["json"].replace("\r\n", "\n") == "{\n  oops\n}"
        assert "Nothing tested yet" in ada.page

    def test_review_is_refused_with_the_lines(self, ada: Browser) -> None:
        fill(ada)

        answer = type_text(ada, "{\n  oops\n}", "review")

        assert answer.status_code == 422
        assert "Nothing was saved or sent" in ada.page
        assert faults(ada)

    def test_a_check_answers_on_the_page_of_text(self, ada: Browser) -> None:
        choose(ada)

        answer = type_text(ada, CONFIG | {"host": "127.0.0.1", "port": 9}, to=f"{FORM}/check")

        assert answer.location == f"{JSON}#test"
        ada.get(JSON)
        assert "run-bad" in ada.page

    def test_a_correction_is_put_into_the_text(self, ada: Browser) -> None:
        choose(ada)
        change(ada, **CONFIG | {"port": 465})
        ada.get(JSON)
        code = re.search(r'value="(fix:[^"]+)"', ada.page)
        assert code

        answer = send(ada, code[1])

        assert answer.location == JSON
        assert (values(ada)["port"], values(ada)["security"]) != (465, "starttls")


class TestRaces:
    def test_two_pages_of_text_and_form_are_laid_together(self, ada: Browser) -> None:
        fill(ada)
        ada.get(JSON)
        old = shown(ada)
        ada.get(FORM)
        send(ada, host="smtp.form.example")

        typed = json.loads(old["json"]) | {"port": 2525}
        ada.post(FORM, {**old.to_dict(), "json": json.dumps(typed), "action": "draft"})

        assert (values(ada)["host"], values(ada)["port"]) == ("smtp.form.example", 2525)

    def test_what_a_page_sent_before_its_last_word_comes_too_late(self, ada: Browser) -> None:
        fill(ada)
        ada.get(JSON)
        page = shown(ada).to_dict()
        typed = json.loads(page["json"])
        live = {"HX-Request": "true"}
        ada.post(JSON, {**page, "json": json.dumps(typed | {"port": 2526}), "sent": "2"}, headers=live)

        late = ada.post(JSON, {**page, "json": json.dumps(typed | {"port": 252}), "sent": "1"}, headers=live)

        assert late.status_code == 204
        assert values(ada)["port"] == 2526

    def test_a_form_drawn_before_does_not_undo_the_text_by_itself(self, ada: Browser) -> None:
        fill(ada)
        old = shown(ada).to_dict()
        change(ada, port=2525)

        late = ada.post(f"{FORM}/draft", old, headers={"HX-Request": "true"})

        assert late.status_code == 204
        assert values(ada)["port"] == 2525

    def test_somebody_elses_save_is_not_undone(self, house: House, ada: Browser) -> None:
        _save(house)
        ada.get(JSON)
        page = shown(ada).to_dict()
        _save(house, host="smtp.bob.example")
        typed = json.loads(page["json"]) | {"replyTo": "ada@example.org"}

        ada.post(FORM, {**page, "json": json.dumps(typed), "action": "review"})
        lost = ada.get(f"{FORM}/review")

        assert lost.status_code == 412
        assert "smtp.bob.example" in ada.page
        ada.post(f"{FORM}/rebase")
        assert (values(ada)["host"], values(ada)["replyTo"]) == ("smtp.bob.example", "ada@example.org")


class TestWhoMay:
    def test_a_viewer_reads_and_cannot_send(self, house: House) -> None:
        _save(house)
        house.make_bob(Role.VIEWER)
        bob = house.signed_in(BOB)

        said = values(bob)

        assert said["host"] == CONFIG["host"]
        assert "Review and save" not in bob.page
        assert bob.post(JSON, {"json": "{}"}).status_code == 403

    def test_without_a_provider_one_is_chosen(self, ada: Browser) -> None:
        assert ada.get(JSON).location == FORM

    def test_a_page_that_was_sent_again_after_sign_in_leads_back(self, ada: Browser) -> None:
        fill(ada)
        ada.get(JSON)

        answer = ada.post(JSON, shown(ada).to_dict())

        assert answer.location == JSON


def send_review(browser: Browser) -> TestResponse:
    browser.get(JSON)
    return send(browser, "review")


def change_to_review(browser: Browser, config: dict[str, Any]) -> TestResponse:
    return type_text(browser, config, "review")


def _ada(house: House) -> Any:
    from webapp.accounts import Accounts

    return Accounts(house.services.db).by_email("ada@example.com").actor


def _save(house: House, **settings: Any) -> None:
    access = Access(OPERATOR, house.tenant("dev"), Role.OWNER)
    document = dict(house.services.setups.active(access.tenant).document)
    document["connector"] = {"provider": "smtp", "config": {**CONFIG, **settings}}
    house.services.setups.save(access, document, base=None)
