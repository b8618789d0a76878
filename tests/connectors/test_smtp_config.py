"""The settings of SMTP: what is accepted, what is refused and with which words, and what contradicts itself."""

import pytest
from jsonpatch import apply_patch
from pydantic import ValidationError

from tests.peers.certificates import Certificates
from webapp.connectors.config import secrets_of, settings_of
from webapp.connectors.contract import Declaration
from webapp.connectors.smtp import SmtpConnector
from webapp.connectors.smtp.config import SmtpConfig, is_loopback

LOGIN = {"type": "login", "user": "ada", "pass": "5ecret-of-ada"}
CERTIFICATES = Certificates()
PROXY = {"url": "socks5://proxy.example.com:1080", "user": "postroom", "password": "5ecret-of-the-proxy"}
GOOD = {"host": "smtp.example.com", "port": 587, "auth": LOGIN, "fromEmail": "Acme <no-reply@example.com>"}


class TestEverySecretAtOnce(Declaration):
    connector = SmtpConnector
    elsewhere = {"host": "smtp.example.net"}
    in_clear = {"security": "none"}
    settings = {**GOOD, "tls": CERTIFICATES.client_pem(), "proxy": PROXY}


def config(**changes) -> SmtpConfig:
    return SmtpConfig.model_validate({**GOOD, **changes})


def refusal(**changes) -> tuple[str, str]:
    """The place and the words of the one error that these values lead to."""
    with pytest.raises(ValidationError) as caught:
        SmtpConfig.model_validate({key: value for key, value in {**GOOD, **changes}.items() if value is not ...})
    errors = caught.value.errors(include_input=False, include_url=False)
    assert len(errors) == 1, errors
    return "/" + "/".join(str(part) for part in errors[0]["loc"]), errors[0]["msg"]


class TestAccepted:
    def test_the_example_of_the_contract(self):
        example = {"security": "starttls", "replyTo": None, "customHeaders": {}}

        document = config(**example).model_dump(mode="json", by_alias=True)

        assert document | example == document
        assert document["port"] == 587
        assert document["fromEmail"] == "Acme <no-reply@example.com>"

    @pytest.mark.parametrize("port", [587, "587", " 587 ", 1, 65535])
    def test_ports_are_numbers_or_look_like_them(self, port):
        assert config(port=port).port == int(port)

    @pytest.mark.parametrize("auth", [{"user": "u", "pass": "p"}, {"type": "Login", "user": "u", "pass": "p"}])
    def test_a_login_need_not_say_that_it_is_one(self, auth):
        assert config(auth=auth).auth.type == "login"

    def test_no_login_is_said_outright(self):
        assert config(auth={"type": "none"}).auth.type == "none"

    @pytest.mark.parametrize(
        ("host", "normal"),
        [
            ("SMTP.Example.COM.", "smtp.example.com"),
            (" smtp.example.com ", "smtp.example.com"),
            ("bücher.example", "bücher.example"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("localhost", "localhost"),
        ],
    )
    def test_hosts_are_normalised(self, host, normal):
        assert config(host=host).host == normal

    @pytest.mark.parametrize("name", ["mail.example.com", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
    def test_ehlo_names(self, name):
        assert config(name=name).name == name

    @pytest.mark.parametrize(
        ("headers", "kept"),
        [
            ({"X-Entity-Ref": "4711"}, {"X-Entity-Ref": "4711"}),
            ({"List-Unsubscribe": ["<https://a>", "<mailto:b>"]}, {"List-Unsubscribe": ("<https://a>", "<mailto:b>")}),
            ({"X-Ort": "Zürich"}, {"X-Ort": "Zürich"}),
            ({}, {}),
            (None, {}),
        ],
    )
    def test_custom_headers(self, headers, kept):
        assert config(customHeaders=headers).custom_headers == kept

    @pytest.mark.parametrize("key", ["replyTo", "name", "localAddress", "servername", "insecureAuthReason"])
    @pytest.mark.parametrize("empty", ["", "  ", None])
    def test_what_is_left_empty_is_not_set(self, key, empty):
        assert config(**{key: empty}).model_dump(by_alias=True)[key] is None

    @pytest.mark.parametrize("security", ["tls", "starttls", "opportunistic"])
    def test_credentials_go_with_encryption(self, security):
        assert config(security=security).security == security

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "mail.localhost"])
    def test_credentials_need_no_encryption_on_this_machine(self, host):
        assert config(host=host, security="none").security == "none"

    def test_credentials_without_encryption_need_a_reason(self):
        accepted = config(security="none", allowInsecureAuth=True, insecureAuthReason="Relay in our own rack")

        assert accepted.allow_insecure_auth


BAD = [
    ({"host": ...}, "/host", "required"),
    ({"host": ""}, "/host", "host name is needed"),
    ({"host": "smtp example.com"}, "/host", "not a valid host name"),
    ({"host": "smtp://smtp.example.com"}, "/host", "host name or an IP address only"),
    ({"host": "smtp.example.com:587"}, "/host", "the port has its own field"),
    ({"host": "smtp.example.com\r\nX: y"}, "/host", "Line breaks"),
    ({"host": "<host>"}, "/host", "placeholder"),
    ({"host": "x" * 300}, "/host", "host name is needed"),
    ({"host": "a" * 1_000_000}, "/host", "2000"),
    ({"host": 5}, "/host", "string"),
    ({"port": ...}, "/port", "required"),
    ({"port": 0}, "/port", "1 to 65535"),
    ({"port": 65536}, "/port", "1 to 65535"),
    ({"port": -1}, "/port", "1 to 65535"),
    ({"maxConnections": 0}, "/maxConnections", "greater than or equal to 1"),
    ({"maxConnections": 101}, "/maxConnections", "less than or equal to 100"),
    ({"maxMessages": 0}, "/maxMessages", "greater than or equal to 1"),
    ({"maxMessages": "many"}, "/maxMessages", "valid integer"),
    ({"tls": "none"}, "/tls", "valid dictionary"),
    ({"proxy": "socks5://proxy.example.com"}, "/proxy", "valid dictionary"),
    ({"port": "smtp"}, "/port", "1 to 65535"),
    ({"port": ""}, "/port", "1 to 65535"),
    ({"port": "\uff15\uff18\uff17"}, "/port", "1 to 65535"),
    ({"port": 587.5}, "/port", "1 to 65535"),
    ({"port": True}, "/port", "1 to 65535"),
    ({"port": None}, "/port", "1 to 65535"),
    ({"port": [587]}, "/port", "1 to 65535"),
    ({"security": "ssl"}, "/security", "starttls"),
    ({"security": None}, "/security", "starttls"),
    ({"auth": ...}, "/auth", "required"),
    ({"auth": "login"}, "/auth", ""),
    ({"auth": {"type": "kerberos"}}, "/auth", "'login', 'oauth2', 'none'"),
    ({"auth": {"type": 5}}, "/auth", ""),
    ({"auth": {"user": "ada"}}, "/auth/login/pass", "required"),
    ({"auth": {"user": "", "pass": "p"}}, "/auth/login/user", "at least 1"),
    ({"auth": {"user": "a\nb", "pass": "p"}}, "/auth/login/user", "Line breaks"),
    ({"auth": {"user": "ada", "pass": ""}}, "/auth/login/pass", "at least 1"),
    ({"auth": {"user": "ada", "pass": "********"}}, "/auth/login/pass", "mask"),
    ({"auth": {"user": "ada", "pass": "•••"}}, "/auth/login/pass", "mask"),
    ({"auth": {"user": "ada", "pass": "<password>"}}, "/auth/login/pass", "placeholder"),
    ({"auth": {"user": "ada", "pass": "a\r\nb"}}, "/auth/login/pass", "Line breaks"),
    ({"auth": {**LOGIN, "oauth": "x"}}, "/auth/login/oauth", "not permitted"),
    ({"auth": {"type": "none", "user": "ada"}}, "/auth/none/user", "not permitted"),
    ({"fromEmail": ...}, "/fromEmail", "required"),
    ({"fromEmail": ""}, "/fromEmail", "address is needed"),
    ({"fromEmail": "Acme"}, "/fromEmail", "name@example.com"),
    ({"fromEmail": "a@b.test, c@d.test"}, "/fromEmail", "exactly one"),
    ({"fromEmail": "Acme <a@b.test>\nBcc: c@d.test"}, "/fromEmail", "Line breaks"),
    ({"replyTo": "nobody"}, "/replyTo", "name@example.com"),
    ({"name": "mail example"}, "/name", "host name in ASCII"),
    ({"name": "bücher.example"}, "/name", "host name in ASCII"),
    ({"name": "[999.1.1.1]"}, "/name", "host name in ASCII"),
    ({"name": "a\r\nMAIL FROM:<x>"}, "/name", "Line breaks"),
    ({"localAddress": "mail.example.com"}, "/localAddress", "IP address of this machine"),
    ({"servername": "not a name"}, "/servername", "certificate carries"),
    ({"connectionTimeout": 5}, "/connectionTimeout", "100"),
    ({"connectionTimeout": 10_000_000}, "/connectionTimeout", "120000"),
    ({"greetingTimeout": "soon"}, "/greetingTimeout", "milliseconds"),
    ({"socketTimeout": 1.5}, "/socketTimeout", "milliseconds"),
    ({"dnsTimeout": None}, "/dnsTimeout", "milliseconds"),
    ({"customHeaders": ["X-A"]}, "/customHeaders", "pairs"),
    ({"customHeaders": {"From": "x"}}, "/customHeaders", "From"),
    ({"customHeaders": {"bcc": "x"}}, "/customHeaders", "bcc"),
    ({"customHeaders": {"DKIM-Signature": "x"}}, "/customHeaders", "DKIM-Signature"),
    ({"customHeaders": {"Content-Type": "x"}}, "/customHeaders", "Content-Type"),
    ({"customHeaders": {"X A": "x"}}, "/customHeaders", "not a header name"),
    ({"customHeaders": {"X-A:": "x"}}, "/customHeaders", "not a header name"),
    ({"customHeaders": {"": "x"}}, "/customHeaders", "not a header name"),
    ({"customHeaders": {"X-Ü": "x"}}, "/customHeaders", "not a header name"),
    ({"customHeaders": {"X-A\r\nBcc": "x"}}, "/customHeaders", "not a header name"),
    ({"customHeaders": {"X-A": "1\r\nBcc: x"}}, "/customHeaders", "one line"),
    ({"customHeaders": {"X-A": ["fine", "1\n2"]}}, "/customHeaders", "one line"),
    ({"customHeaders": {"X-A": 5}}, "/customHeaders", "needs a text"),
    ({"customHeaders": {"X-A": "x" * 3000}}, "/customHeaders", "longer than"),
    ({"customHeaders": {"X-A": "1", "x-a": "2"}}, "/customHeaders", "twice"),
    ({"customHeaders": {f"X-{number}": "1" for number in range(51)}}, "/customHeaders", "At most 50"),
    ({"security": "none"}, "/allowInsecureAuth", "readable by anyone"),
    ({"security": "none", "host": "127.0.0.1.example.com"}, "/allowInsecureAuth", "readable by anyone"),
    ({"security": "none", "allowInsecureAuth": True}, "/insecureAuthReason", "Say why"),
    ({"allowInsecureAuth": "perhaps"}, "/allowInsecureAuth", "boolean"),
    ({"secure": True}, "/secure", "not permitted"),
]


@pytest.mark.parametrize(("values", "pointer", "words"), BAD, ids=lambda value: str(value)[:50])
def test_a_bad_value_is_refused_at_its_place_and_in_words(values, pointer, words):
    place, message = refusal(**values)

    assert place == pointer
    assert words in message


@pytest.mark.parametrize("values", [values for values, *_ in BAD], ids=lambda value: str(value)[:50])
def test_a_refusal_does_not_repeat_secrets(values):
    with pytest.raises(ValidationError) as caught:
        SmtpConfig.model_validate({key: value for key, value in {**GOOD, **values}.items() if value is not ...})

    assert "5ecret-of-ada" not in str(caught.value)


class TestDeclaration:
    @pytest.mark.parametrize("setting", settings_of(SmtpConfig), ids=lambda setting: setting.name)
    def test_every_setting_explains_itself(self, setting):
        assert str(setting.about.title)
        assert setting.help.endswith(".")
        assert setting.about.section in ("connection", "authentication", "sender")

    def test_passwords_and_keys_are_secret(self):
        oauth = ["auth.clientSecret", "auth.refreshToken", "auth.privateKey", "auth.accessToken"]
        assert [each.name for each in secrets_of(SmtpConfig)] == ["auth.pass", *oauth, "tls.key", "proxy.password"]
        assert "5ecret-of-ada" not in repr(config())

    def test_what_decides_where_the_password_goes_is_marked(self):
        marked = [setting.name for setting in settings_of(SmtpConfig) if setting.about.destination]

        assert marked == ["host", "auth.accessUrl", "servername", "tls.ca", "tls.verify", "proxy.url"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("a.localhost", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("localhost.example.com", False),
        ("128.0.0.1", False),
        ("smtp.example.com", False),
        ("", False),
    ],
)
def test_this_machine_is_recognised_by_name(host, expected):
    assert is_loopback(host) is expected


class TestDestination:
    STORED = SmtpConnector.destination({**GOOD, "security": "tls", "port": 465})

    @pytest.mark.parametrize(
        ("changes", "kept"),
        [
            ({}, True),
            ({"host": "SMTP.example.com."}, True),
            ({"port": 587, "security": "starttls"}, True),
            ({"port": "465"}, True),
            ({"host": "smtp.mallory.test"}, False),
            ({"security": "none"}, False),
            ({"security": "opportunistic"}, False),
            ({"allowInsecureAuth": True}, True),
            ({"servername": "smtp.mallory.test"}, False),
            ({"tls": None}, True),
            ({"tls": {"minVersion": "1.3"}}, True),
            ({"tls": {"cert": "…", "key": "…"}}, True),
            ({"tls": {"verify": False, "verifyOffReason": "A test"}}, False),
            ({"tls": {"ca": CERTIFICATES.ca_pem}}, False),
            ({"proxy": {"url": None}}, True),
            ({"proxy": {"url": "socks5://proxy.mallory.test"}}, False),
        ],
    )
    def test_the_password_stays_only_while_its_receiver_is_the_same(self, changes, kept):
        new = SmtpConnector.destination({**GOOD, "security": "tls", "port": 465, **changes})

        assert new.keeps_secrets_of(self.STORED) is kept

    def test_accepting_the_risk_of_clear_text_asks_again(self):
        careful = SmtpConnector.destination({**GOOD, "security": "opportunistic"})
        careless = SmtpConnector.destination({**GOOD, "security": "opportunistic", "allowInsecureAuth": True})

        assert not careless.keeps_secrets_of(careful)

    def test_verifying_again_is_no_reason_to_ask(self):
        blind = SmtpConnector.destination({**GOOD, "tls": {"verify": False}})
        seeing = SmtpConnector.destination(GOOD)

        assert seeing.keeps_secrets_of(blind)
        assert not blind.keeps_secrets_of(seeing)

    def test_the_own_authority_is_the_same_however_it_is_wrapped(self):
        pem = CERTIFICATES.ca_pem
        one = SmtpConnector.destination({**GOOD, "tls": {"ca": pem}})
        other = SmtpConnector.destination({**GOOD, "tls": {"ca": "\r\n" + pem.replace("\n", "\r\n")}})

        assert one.verified == other.verified != SmtpConnector.destination(GOOD).verified

    def test_a_proxy_changed_asks_again(self):
        one = SmtpConnector.destination({**GOOD, "proxy": PROXY})

        assert SmtpConnector.destination({**GOOD, "proxy": {**PROXY, "user": "else"}}).keeps_secrets_of(one)
        another = SmtpConnector.destination({**GOOD, "proxy": {"url": "http://proxy.example.com"}})
        assert not another.keeps_secrets_of(one)
        assert not SmtpConnector.destination(GOOD).keeps_secrets_of(one)

    def test_a_name_is_the_same_in_either_alphabet(self):
        readable = SmtpConnector.destination({**GOOD, "host": "bücher.example"})
        on_the_wire = SmtpConnector.destination({**GOOD, "host": "xn--bcher-kva.example"})

        assert on_the_wire == readable

    @pytest.mark.parametrize("values", [{}, {"host": None, "port": "x", "security": 5}, {"port": True}])
    def test_unfinished_configs_have_one_too(self, values):
        assert SmtpConnector.destination(values).place == ""


CONTRADICTIONS = [
    ({"port": 465, "security": "starttls"}, {"/security": ("smtp.starttls_on_tls_port", {"security": "tls"})}),
    ({"port": "465"}, {"/security": ("smtp.starttls_on_tls_port", {"security": "tls"})}),
    ({"port": 465, "security": "none"}, {"/security": ("smtp.plain_on_tls_port", {"security": "tls"})}),
    ({"port": 465, "security": "opportunistic"}, {"/security": ("smtp.plain_on_tls_port", {"security": "tls"})}),
    ({"port": 587, "security": "tls"}, {"/security": ("smtp.tls_on_starttls_port", {"security": "starttls"})}),
    ({"port": 2525, "security": "tls"}, {"/security": ("smtp.tls_on_starttls_port", {"security": "starttls"})}),
    ({"port": 587, "security": "none"}, {"/security": ("smtp.credentials_in_clear", {"security": "starttls"})}),
    (
        {"port": 587, "security": "opportunistic"},
        {"/security": ("smtp.opportunistic_with_credentials", {"security": "starttls"})},
    ),
    (
        {"port": 993, "security": "tls"},
        {"/port": ("smtp.not_a_sending_port", {"security": "tls", "port": 465})},
    ),
    (
        {"port": 143, "security": "starttls"},
        {"/port": ("smtp.not_a_sending_port", {"security": "starttls", "port": 587})},
    ),
    ({"port": 25, "security": "starttls"}, {"/port": ("smtp.port_25_with_login", {"port": 587})}),
    (
        {"port": 25, "security": "tls"},
        {
            "/security": ("smtp.tls_on_starttls_port", {"security": "starttls"}),
            "/port": ("smtp.port_25_with_login", {"security": "starttls", "port": 587}),
        },
    ),
    (
        {"port": 465, "security": "tls", "tls": {"verify": False}},
        {"/tls/verify": ("smtp.certificate_not_verified", {"tls/verify": True})},
    ),
    ({"port": 587, "security": "none", "auth": {"type": "none"}, "tls": {"verify": False}}, {}),
    ({"port": 587, "tls": {"verify": True}}, {}),
    ({"port": 587, "tls": "none"}, {}),
    ({"port": 465, "security": "tls"}, {}),
    ({"port": 587, "security": "starttls"}, {}),
    ({"port": 4711, "security": "tls"}, {}),
    ({"port": 587, "security": "none", "auth": {"type": "none"}}, {}),
    ({"port": 25, "security": "opportunistic", "auth": {"type": "none"}}, {}),
    ({"port": 25, "security": "none", "host": "localhost"}, {}),
    ({"port": 587, "security": "none", "allowInsecureAuth": True}, {}),
    ({"port": None, "security": None, "auth": None, "host": None}, {}),
    ({"port": "x", "security": 5, "auth": "login", "host": 7}, {}),
]


class TestContradictions:
    @pytest.mark.parametrize(("changes", "expected"), CONTRADICTIONS, ids=lambda value: str(value)[:60])
    def test_they_are_said_at_the_field_with_what_mends_them(self, changes, expected):
        found = SmtpConnector.contradictions({**GOOD, **changes})

        assert {
            pointer: (
                problem.code,
                {each.path.removeprefix("/connector/config/"): each.value for each in problem.patch},
            )
            for pointer, problem in found
        } == expected

    @pytest.mark.parametrize("changes", [changes for changes, expected in CONTRADICTIONS if expected])
    def test_the_patch_mends_them(self, changes):
        values = {**GOOD, **changes}

        for _, problem in SmtpConnector.contradictions(values):
            patch = [{"op": each.op, "path": each.path, "value": each.value} for each in problem.patch]
            values = apply_patch({"connector": {"config": values}}, patch)["connector"]["config"]

        assert SmtpConnector.contradictions(values) == []
        assert SmtpConfig.model_validate(values)

    @pytest.mark.parametrize("changes", [changes for changes, expected in CONTRADICTIONS if expected])
    def test_they_explain_themselves(self, changes):
        problems = [problem for _, problem in SmtpConnector.contradictions({**GOOD, **changes})]

        assert all(problem.steps and problem.patch_label for problem in problems)
        assert not [text for problem in problems for text in (problem.title, problem.cause) if "%(" in str(text)]

    def test_nothing_is_known_yet(self):
        assert SmtpConnector.contradictions({}) == []
