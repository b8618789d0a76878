"""Every field of a setup refuses at least one bad value: at its pointer, in a sentence, and nothing is saved."""

from copy import deepcopy

import pytest
from sqlalchemy import func, select

from tests.canary import CANARY
from tests.services.conftest import PASSWORD, smtp
from webapp.connectors.config import settings_of
from webapp.connectors.smtp.config import SmtpConfig
from webapp.db.models import AuditRow, RevisionRow
from webapp.domain.diff import escape
from webapp.domain.errors import ConfigInvalidError
from webapp.domain.setup import Setup
from webapp.services.documents import read_templates
from webapp.services.patching import patched

MEGABYTE = "x" * 1_000_000
CONFIG = "/connector/config"

BAD_SETTINGS = [
    ("/host", "", "value.invalid"),
    ("/host", None, "value.type"),
    ("/host", 7, "value.type"),
    ("/host", MEGABYTE, "value.too_long"),
    ("/host", "smtp.example.com\r\nRCPT TO:<x@y>", "value.invalid"),
    ("/host", "https://smtp.example.com", "value.invalid"),
    ("/host", "smtp.example.com:25", "value.invalid"),
    ("/host", "***", "value.invalid"),
    ("/host", "<your host>", "value.invalid"),
    ("/host", {"$secret": {"set": True}}, "secret.not_possible"),
    ("/port", 0, "value.invalid"),
    ("/port", 65536, "value.invalid"),
    ("/port", True, "value.invalid"),
    ("/port", 587.5, "value.invalid"),
    ("/port", "five", "value.invalid"),
    ("/port", None, "value.invalid"),
    ("/security", "ssl", "value.not_a_choice"),
    ("/security", True, "value.not_a_choice"),
    ("/auth", "login", "value.type"),
    ("/auth", [], "value.type"),
    ("/auth/type", "digest", "value.not_a_choice"),
    ("/auth/user", "", "value.missing"),
    ("/auth/user", "a\nb", "value.invalid"),
    ("/auth/user", {}, "value.type"),
    ("/auth/user", MEGABYTE, "value.too_long"),
    ("/auth/pass", "", "value.missing"),
    ("/auth/pass", None, "value.type"),
    ("/auth/pass", 123456, "value.type"),
    ("/auth/pass", "••••••••", "value.invalid"),
    ("/auth/pass", "pass\r\nword", "value.invalid"),
    ("/auth/pass", MEGABYTE, "value.too_long"),
    ("/auth/pass", {"$secret": {"set": True}}, "secret.not_stored"),
    ("/auth/pass", {"$secret": {"set": False}}, "secret.mark_invalid"),
    ("/auth/pass", {"$secret": {"set": True, "env": "X"}}, "secret.mark_invalid"),
    ("/auth/pass", {"$secret": "set"}, "secret.mark_invalid"),
    ("/auth/pass", {"$secret": {"draft": True}}, "secret.not_drafted"),
    ("/auth/pass", {"$secret": {"set": True}, "more": 1}, "secret.mark_invalid"),
    ("/fromEmail", "", "value.invalid"),
    ("/fromEmail", "nobody", "value.invalid"),
    ("/fromEmail", "a@example.com, b@example.com", "value.invalid"),
    ("/fromEmail", "Acme <no-reply@example.com>\nBcc: x@example.org", "value.invalid"),
    ("/fromEmail", ["a@example.com"], "value.type"),
    ("/replyTo", "nobody", "value.invalid"),
    ("/replyTo", 3, "value.type"),
    ("/customHeaders", "X-A: b", "value.invalid"),
    ("/customHeaders", {"Subject": "mine"}, "value.invalid"),
    ("/customHeaders", {"X-A": "b\r\nBcc: x@example.org"}, "value.invalid"),
    ("/customHeaders", {"X A": "b"}, "value.invalid"),
    ("/customHeaders", {"X-A": 1}, "value.invalid"),
    ("/customHeaders", {"X-A": MEGABYTE}, "value.invalid"),
    ("/name", "not a name", "value.invalid"),
    ("/name", 1, "value.type"),
    ("/localAddress", "localhost", "value.invalid"),
    ("/localAddress", 1, "value.type"),
    ("/connectionTimeout", 1, "value.too_small"),
    ("/connectionTimeout", "soon", "value.invalid"),
    ("/greetingTimeout", 999_999_999, "value.too_large"),
    ("/greetingTimeout", None, "value.invalid"),
    ("/socketTimeout", -1, "value.too_small"),
    ("/socketTimeout", [], "value.invalid"),
    ("/dnsTimeout", 0, "value.too_small"),
    ("/dnsTimeout", "", "value.invalid"),
    ("/servername", "a b", "value.invalid"),
    ("/servername", 1, "value.type"),
    ("/allowInsecureAuth", "yes", "value.type"),
    ("/allowInsecureAuth", 1, "value.type"),
    ("/insecureAuthReason", "x" * 501, "value.too_long"),
    ("/insecureAuthReason", "a\nb", "value.invalid"),
    ("/unknown", 1, "key.unknown"),
    ("/auth/unknown", 1, "key.unknown"),
    ("/auth/password", "snake", "key.unknown"),
    ("/from_email", "a@example.com", "key.unknown"),
    ("/" + "k" * 201, 1, "key.too_long"),
    ("/tls", "none", "value.type"),
    ("/tls/more", 1, "key.unknown"),
    ("/tls/minVersion", "1.1", "value.not_a_choice"),
    ("/tls/ca", "our own", "value.invalid"),
    ("/tls/ca", MEGABYTE, "value.too_long"),
    ("/tls/ca", [], "value.type"),
    ("/tls/cert", "-----BEGIN CERTIFICATE-----", "value.invalid"),
    ("/tls/key", "a key alone", "value.invalid"),
    ("/tls/key", 5, "value.type"),
    ("/tls/key", MEGABYTE, "value.too_long"),
    ("/tls/key", {"$secret": {"set": True}}, "secret.not_stored"),
    ("/tls/verify", "no", "value.type"),
    ("/tls/verify", None, "value.type"),
    ("/tls/verify", {"$secret": {"set": True}}, "secret.not_possible"),
    ("/tls/verifyOffReason", "a\nb", "value.invalid"),
    ("/tls/verifyOffReason", "x" * 501, "value.too_long"),
    ("/proxy", "socks5://proxy.example.com", "value.type"),
    ("/proxy/url", "ftp://proxy.example.com", "value.invalid"),
    ("/proxy/url", "socks5://ada:secret@proxy.example.com", "value.invalid"),
    ("/proxy/user", "ada", "value.invalid"),
    ("/proxy/password", "a password alone", "value.invalid"),
    ("/maxConnections", 0, "value.too_small"),
    ("/maxConnections", 101, "value.too_large"),
    ("/maxMessages", 0, "value.too_small"),
    ("/maxMessages", 1.5, "value.type"),
]

BAD_OAUTH = [
    ("/auth/grant", "password", "value.not_a_choice"),
    ("/auth/provider", "yahoo", "value.not_a_choice"),
    ("/auth/tenantId", "contoso/../evil", "value.invalid"),
    ("/auth/accessUrl", "http://login.example.com/token", "value.invalid"),
    ("/auth/accessUrl", "https://ada:secret@login.example.com/token", "value.invalid"),
    ("/auth/authorizeUrl", "ftp://login.example.com", "value.invalid"),
    ("/auth/clientId", "client\nid", "value.invalid"),
    ("/auth/clientSecret", "••••••••", "value.invalid"),
    ("/auth/clientSecret", {"$secret": {"set": True}}, "secret.not_stored"),
    ("/auth/refreshToken", "", "value.invalid"),
    ("/auth/refreshToken", MEGABYTE, "value.too_long"),
    ("/auth/privateKey", "our own key", "value.invalid"),
    ("/auth/serviceClient", 1, "value.type"),
    ("/auth/accessToken", "<access token>", "value.invalid"),
    ("/auth/expires", "tomorrow", "value.invalid"),
    ("/auth/scope", 'mail "send"', "value.invalid"),
    ("/auth/clientSecretExpires", "next week", "value.invalid"),
    ("/auth/color", "blue", "key.unknown"),
]
OAUTH = {
    "type": "oauth2",
    "user": "ada",
    "grant": "refresh_token",
    "provider": "other",
    "accessUrl": "https://login.example.com/token",
    "clientId": "client-1",
    "clientSecret": f"{CANARY}-client",
    "refreshToken": f"{CANARY}-refresh",
}

BAD_ELSEWHERE = [
    ("/connector", "smtp", "value.type"),
    ("/connector", [], "value.type"),
    ("/connector/provider", "carrier-pigeon", "connector.provider_unknown"),
    ("/connector/provider", "", "value.missing"),
    ("/connector/provider", 1, "value.type"),
    ("/connector/provider", MEGABYTE, "value.too_long"),
    ("/connector/config", None, "value.type"),
    ("/connector/config", [], "value.type"),
    ("/connector/more", 1, "key.unknown"),
    ("/fallback", {"provider": "smtp"}, "value.missing"),
    ("/templates", 1, "value.type"),
    ("/templates/SignOut", {}, "value.not_a_choice"),
    ("/templates/SignIn", [], "value.type"),
    ("/templates/SignIn/not a tag", {"subject": "a", "content": "{{code}}"}, "template.language_invalid"),
    ("/templates/SignIn/*", "text", "value.type"),
    ("/templates/SignIn/*/contentType", "text/markdown", "value.not_a_choice"),
    ("/templates/SignIn/*/subject", "", "value.missing"),
    ("/templates/SignIn/*/subject", "   ", "value.missing"),
    ("/templates/SignIn/*/subject", None, "value.type"),
    ("/templates/SignIn/*/subject", "a\r\nBcc: x@example.org", "value.invalid"),
    ("/templates/SignIn/*/subject", MEGABYTE, "value.too_long"),
    ("/templates/SignIn/*/preheader", "a\nb", "value.invalid"),
    ("/templates/SignIn/*/preheader", "x" * 501, "value.too_long"),
    ("/templates/SignIn/*/content", "", "value.missing"),
    ("/templates/SignIn/*/content", 5, "value.type"),
    ("/templates/SignIn/*/content", MEGABYTE, "value.invalid"),
    ("/templates/SignIn/*/content", "nul \x00", "text.nul"),
    ("/templates/SignIn/*/content", "half \ud800", "text.half_character"),
    ("/templates/SignIn/*/text", MEGABYTE, "value.invalid"),
    ("/templates/SignIn/*/text", [], "value.type"),
    ("/templates/SignIn/*/sendFrom", "a\nb", "value.invalid"),
    ("/templates/SignIn/*/replyTo", "a\rb", "value.invalid"),
    ("/templates/SignIn/*/providerTemplate", "welcome", "value.type"),
    ("/templates/SignIn/*/providerTemplate", {"id": "welcome"}, "template.content_excluded"),
    ("/templates/SignIn/*/unknown", 1, "key.unknown"),
    ("/flows", [], "value.type"),
    ("/flows/signUp", True, "value.type"),
    ("/flows/signUp/email", "yes", "value.type"),
    ("/flows/signIn/emailCode", 1, "value.type"),
    ("/flows/forgotPassword/emailCode", None, "value.type"),
    ("/flows/mfa/emailCode", "off", "value.type"),
    ("/flows/account/bindEmail", [], "value.type"),
    ("/flows/organizationInvitation/email", {}, "value.type"),
    ("/flows/signOut", {}, "key.unknown"),
    ("/verificationCode/length", 3, "value.too_small"),
    ("/verificationCode/length", True, "value.type"),
    ("/verificationCode/length", "6", "value.type"),
    ("/verificationCode/expiresIn", 3601, "value.too_large"),
    ("/verificationCode/maxAttempts", 0, "value.too_small"),
    ("/verificationCode/resendAfter", -1, "value.too_small"),
    ("/verificationCode/resendAfter", 1.5, "value.type"),
    ("/verificationCode/more", 1, "key.unknown"),
    ("/addressPolicy/blockSubaddressing", "no", "value.type"),
    ("/addressPolicy/allow", "example.com", "value.type"),
    ("/addressPolicy/allow/0", 3, "value.type"),
    ("/addressPolicy/block/0", "a b", "value.invalid"),
    ("/addressPolicy/block/0", "example.com\nx", "value.invalid"),
    ("/defaultLanguage", "", "value.invalid"),
    ("/defaultLanguage", 1, "value.type"),
    ("/defaultLanguage", "english please", "value.invalid"),
    ("/unknown", 1, "key.unknown"),
]


@pytest.fixture
def refused(setups, ada, document, db):
    """Try to save a document with one bad value; answers its errors, after a look that nothing was saved."""

    def refuse(pointer, value):
        wanted = document()
        parent, _, name = pointer.rpartition("/")
        if parent in (f"{CONFIG}/tls", f"{CONFIG}/proxy"):
            wanted = patched(wanted, [{"op": "add", "path": parent, "value": {name: value}}])
        elif (pointer.removeprefix(CONFIG), value) in [(at, bad) for at, bad, _ in BAD_OAUTH]:
            wanted = patched(wanted, [{"op": "add", "path": parent, "value": OAUTH | {name: value}}])
        elif parent.startswith("/addressPolicy/"):
            wanted = patched(wanted, [{"op": "add", "path": parent, "value": [value]}])
        else:
            wanted = patched(wanted, [{"op": "add", "path": pointer, "value": value}])
        if "\ud800" in str(value):
            wanted["templates"]["SignIn"]["*"]["content"] = value
        return refusal_of(wanted)

    def refusal_of(wanted):
        events = count(db, AuditRow)
        with pytest.raises(ConfigInvalidError) as refusal:
            setups.save(ada, wanted, base=0)
        assert setups.active(ada.tenant).number == 0
        assert count(db, RevisionRow) == 0
        assert count(db, AuditRow) == events
        return refusal.value.errors

    refuse.document = refusal_of
    return refuse


def count(db, model):
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model))


def cases(table, prefix=""):
    return [
        pytest.param(prefix + pointer, value, code, id=f"{pointer[:60]} {repr(value)[:30]}")
        for pointer, value, code in table
    ]


class TestBadValues:
    @pytest.mark.parametrize(
        ("pointer", "value", "code"), [*cases(BAD_SETTINGS + BAD_OAUTH, CONFIG), *cases(BAD_ELSEWHERE)]
    )
    def test_they_are_refused_at_their_place(self, refused, pointer, value, code):
        errors = refused(pointer, value)

        assert (code, True) in [(error.code, self._stands_at(error.pointer, pointer)) for error in errors]
        assert len(errors) == 1

    @pytest.mark.parametrize(
        ("pointer", "value", "code"), [*cases(BAD_SETTINGS + BAD_OAUTH, CONFIG), *cases(BAD_ELSEWHERE)]
    )
    def test_the_sentence_tells_what_is_expected_without_the_value(self, refused, pointer, value, code):
        (error,) = refused(pointer, value)

        words = str(error.message)
        assert words[0].isupper() or words[0] in '“"'
        assert words.endswith(".")
        assert len(words) < 300
        assert not (isinstance(value, str) and len(value) > 3 and value in words)
        assert "Input should" not in words

    @staticmethod
    def _stands_at(found, pointer):
        if len(pointer) > 200:
            return found == CONFIG
        return found == (f"{pointer}/config" if pointer == "/fallback" else pointer)

    def test_every_setting_of_smtp_has_a_bad_value_here(self):
        tried = {pointer for pointer, _, _ in BAD_SETTINGS + BAD_OAUTH}

        assert {setting.pointer for setting in settings_of(SmtpConfig)} <= tried

    def test_every_part_of_a_setup_has_a_bad_value_here(self):
        tried = {pointer for pointer, _, _ in BAD_ELSEWHERE}

        for part, value in Setup().document().items():
            below = [f"/{part}/{escape(key)}" for key in value] if isinstance(value, dict) else [f"/{part}"]
            for pointer in below:
                assert any(each.startswith(pointer) for each in tried), pointer

    def test_all_faults_are_told_at_once(self, refused, document):
        wanted = document(host="", port=0)
        wanted["templates"]["SignIn"]["*"]["subject"] = ""
        wanted["flows"]["signUp"]["email"] = "yes"

        errors = refused.document(wanted)

        assert {error.pointer for error in errors} == {
            f"{CONFIG}/host",
            f"{CONFIG}/port",
            "/templates/SignIn/*/subject",
            "/flows/signUp/email",
        }

    def test_a_fallback_is_judged_as_the_connector(self, refused, document):
        errors = refused.document(document() | {"fallback": {"provider": "smtp", "config": {}}})

        missing = {
            "/fallback/config/host",
            "/fallback/config/port",
            "/fallback/config/auth",
            "/fallback/config/fromEmail",
        }
        assert {error.pointer for error in errors} == missing

    def test_a_missing_setting_is_named(self, refused, document):
        wanted = document()
        del wanted["connector"]["config"]["fromEmail"]

        (error,) = refused.document(wanted)

        assert (error.pointer, error.code) == (f"{CONFIG}/fromEmail", "value.missing")

    @pytest.mark.parametrize("wanted", [None, [], "setup", 7, True])
    def test_something_else_than_an_object_is_refused(self, refused, wanted):
        (error,) = refused.document(wanted)

        assert error.pointer == ""

    def test_a_deep_document_is_refused(self, refused, document):
        wanted = document()
        deep = {}
        for _ in range(40):
            deep = {"a": deep}
        wanted["connector"]["config"]["customHeaders"] = deep

        errors = refused.document(wanted)

        assert {error.code for error in errors} == {"document.too_deep"}

    def test_a_fallback_without_connector_is_refused(self, refused, document):
        wanted = document() | {"connector": None, "fallback": smtp()}

        (error,) = refused.document(wanted)

        assert error.code == "value.invalid"


class TestSecretsInRefusals:
    @pytest.mark.parametrize(
        "secret", [f"{PASSWORD}\r\nQUIT", {"$secret": PASSWORD}, [PASSWORD], {"value": PASSWORD}, f"<{PASSWORD}>"]
    )
    def test_a_refused_secret_is_not_repeated(self, refused, secret):
        errors = refused(f"{CONFIG}/auth/pass", secret)

        assert PASSWORD not in repr(errors)


class TestTemplates:
    def test_a_mail_without_its_variable_is_refused(self, refused):
        (error,) = refused("/templates/SignIn/*", {"subject": "Hello", "content": "No code in here"})

        assert (error.pointer, error.code) == ("/templates/SignIn/*/content", "template.variable_not_used")
        assert "{{code}}" in str(error.message)

    def test_an_invitation_needs_its_link(self, refused):
        (error,) = refused("/templates/OrganizationInvitation/*", {"subject": "Hello", "content": "{{code}}"})

        assert error.code == "template.variable_not_used"
        assert "{{link}}" in str(error.message)

    def test_two_spellings_of_one_language_are_refused(self, refused):
        mail = {"subject": "Hello", "content": "{{code}}"}

        (error,) = refused("/templates/SignIn", {"pt-BR": mail, "pt_br": mail})

        assert (error.pointer, error.code) == ("/templates/SignIn/pt_br", "template.duplicated")

    def test_more_than_100_languages_are_refused(self, refused):
        mail = {"subject": "Hello", "content": "{{code}}"}

        (error,) = refused("/templates/SignIn", {f"en-x{number}": mail for number in range(101)})

        assert (error.pointer, error.code) == ("/templates/SignIn", "template.too_many_languages")

    def test_a_template_at_the_provider_needs_its_id(self, refused):
        mail = {"subject": "Hello", "providerTemplate": {"variables": {}}}

        (error,) = refused("/templates/SignIn/*", mail)

        assert error.pointer == "/templates/SignIn/*/providerTemplate/id"

    def test_in_the_array_of_the_source_documents_errors_point_to_the_items(self, refused, document):
        good = {"usageType": "SignIn", "contentType": "text/plain", "subject": "Hello", "content": "{{code}}"}
        wanted = document() | {"templates": [good, good | {"usageType": "Register", "subject": ""}, good]}

        errors = refused.document(wanted)
        assert [error.pointer for error in errors] == ["/templates/2"]

        wanted["templates"].pop()
        (error,) = refused.document(wanted)
        assert error.pointer == "/templates/1/subject"

    @pytest.mark.parametrize(
        ("item", "pointer"),
        [
            ("text", "/templates/0/usageType"),
            ({"subject": "Hello"}, "/templates/0/usageType"),
            ({"usageType": "SignOut", "subject": "Hello", "content": "{{code}}"}, "/templates/0/usageType"),
            ({"usageType": "SignIn", "languageTag": 7}, "/templates/0/languageTag"),
            ({"usageType": "SignIn", "languageTag": "not a tag", "subject": "Hello"}, "/templates/0"),
        ],
    )
    def test_an_item_that_is_none_is_named(self, refused, document, item, pointer):
        (error,) = refused.document(document() | {"templates": [item]})

        assert error.pointer == pointer

    @pytest.mark.parametrize(
        ("named", "pointer"),
        [
            ({"id": ""}, "/id"),
            ({"id": True}, "/id"),
            ({"id": "x", "variables": []}, "/variables"),
            ({"id": "x", "more": 1}, "/more"),
        ],
    )
    def test_a_template_at_the_provider_has_id_and_variables(self, refused, named, pointer):
        (error,) = refused("/templates/SignIn/*", {"subject": "Hello", "providerTemplate": named})

        assert error.pointer == f"/templates/SignIn/*/providerTemplate{pointer}"

    def test_templates_alone_can_be_read_for_a_test_send(self):
        templates = read_templates({"SignIn": {"pt_br": {"subject": "Hello", "content": "{{code}}"}}})

        assert [list(cells) for cells in templates.values()] == [["pt-BR"]]
        with pytest.raises(ConfigInvalidError):
            read_templates({"SignIn": {"*": {"subject": ""}}})

    def test_the_array_is_saved_as_the_map(self, setups, ada, document):
        good = {"usageType": "SignIn", "languageTag": "ja", "subject": "Hello", "content": "{{code}}"}

        saved = setups.save(ada, document() | {"templates": [good]}, base=0)

        assert list(saved.stored.document["templates"]["SignIn"]) == ["ja"]


class TestNumbersAsText:
    def test_a_port_may_be_a_numeric_string(self, setups, ada, document):
        saved = setups.save(ada, document(port="2525"), base=0)

        assert saved.stored.document["connector"]["config"]["port"] == 2525

    def test_a_login_need_not_be_named(self, setups, ada, document):
        wanted = deepcopy(document())
        del wanted["connector"]["config"]["auth"]["type"]

        saved = setups.save(ada, wanted, base=0)

        assert saved.stored.document["connector"]["config"]["auth"]["type"] == "login"
