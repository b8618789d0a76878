import pytest

from tests.services.conftest import PASSWORD, smtp
from webapp.connectors import CONNECTORS
from webapp.domain.diff import Change
from webapp.services.changes import described, in_short


@pytest.fixture
def said(setups, ada, document):
    """Save a setup, plan another one and say what differs."""

    def say(change):
        setups.save(ada, document(), base=0)
        wanted = setups.active(ada.tenant).document
        change(wanted)
        return described(setups.plan(ada, wanted).changes, CONNECTORS)

    return say


class TestDescribedChanges:
    def test_settings_are_called_as_in_the_form(self, said):
        (group,) = said(lambda setup: setup["connector"]["config"].update(security="tls", port=465))

        assert str(group.title) == "Connector"
        assert [(str(line.label), str(line.old_text), str(line.new_text)) for line in group.lines] == [
            ("Port", "587", "465"),
            (
                "Security",
                "STARTTLS: begin in clear, then encrypt (port 587)",
                "TLS: encrypted from the first byte (port 465)",
            ),
        ]

    def test_of_a_secret_is_only_said_that_it_changed(self, said):
        (group,) = said(lambda setup: setup["connector"]["config"]["auth"].update({"pass": "another"}))

        (line,) = group.lines
        assert (str(line.label), line.kind, line.secret, line.old_text, line.new_text) == (
            "Password",
            "changed",
            True,
            None,
            None,
        )

    def test_a_mail_is_named_with_its_language(self, said):
        def change(setup):
            setup["templates"]["SignIn"]["*"]["subject"] = "Your code: {{code}}"
            setup["templates"]["SignIn"]["ja"] = {"subject": "コード", "content": "{{code}}"}

        (group,) = said(change)

        assert str(group.title) == "Templates"
        assert [str(part) for part in group.lines[0].within] == ["Sign in", "any language"]
        assert group.lines[0].new_text == "Your code: {{code}}"
        assert {str(part) for line in group.lines[1:] for part in line.within} == {"Sign in", "ja"}

    def test_a_flow_is_on_or_off(self, said):
        (group,) = said(lambda setup: setup["flows"]["signUp"].update(email=False))

        (line,) = group.lines
        assert (str(group.title), str(line.label)) == ("Flows", "Sign-up with email verification")
        assert (str(line.old_text), str(line.new_text)) == ("On", "Off")

    def test_a_new_connector_is_told_without_what_is_advanced_and_as_usual(self, setups, ada, document):
        (group,) = described(setups.plan(ada, document()).changes, CONNECTORS)

        labels = [str(line.label) for line in group.lines]
        assert labels == ["Provider", "Server", "Port", "Security", "Login", "User name", "Password", "From"]
        assert PASSWORD not in repr(group)

    def test_a_removed_connector_is_one_line(self, said):
        (group,) = said(lambda setup: setup.update(connector=None))

        (line,) = group.lines
        assert (str(line.label), line.kind, line.old_text, line.new_text) == ("Provider", "removed", "SMTP", None)

    def test_everything_else_is_other(self, said):
        (group,) = said(lambda setup: setup["verificationCode"].update(length=8))

        assert (str(group.title), str(group.lines[0].label)) == ("Other", "Length of codes")

    def test_a_fallback_is_told_apart_from_the_connector(self, said):
        (group,) = said(
            lambda setup: setup.update(fallback=smtp(host="second.example.com", customHeaders={"X-A": "b"}))
        )

        assert {str(line.within[0]) for line in group.lines} == {"Fallback"}
        (header,) = [line for line in group.lines if line.within[1:]]
        assert (str(header.label), header.within[1], header.new_text) == ("Custom headers", "X-A", "b")

    def test_a_mail_that_went_is_told_part_by_part(self, said):
        (group,) = said(lambda setup: setup["templates"].pop("SignIn"))

        assert {line.kind for line in group.lines} == {"removed"}
        assert {str(line.within[0]) for line in group.lines} == {"Sign in"}
        assert {"Subject", "Content", "Format"} <= {str(line.label) for line in group.lines}

    def test_long_texts_are_marked(self, said):
        (group,) = said(lambda setup: setup["templates"]["SignIn"]["*"].update(content="{{code}}\nin two lines"))

        assert [line.multiline for line in group.lines] == [True]

    def test_lists_and_nothing_are_said_in_words(self, said):
        (group,) = said(lambda setup: setup["addressPolicy"].update(block=["a.example", "b.example"]))

        (line,) = group.lines
        assert (str(line.old_text), line.new_text) == ("empty", "a.example, b.example")

    def test_times_carry_their_unit(self, said):
        (group,) = said(lambda setup: setup["connector"]["config"].update(dnsTimeout=4000))

        assert (group.lines[0].old_text, group.lines[0].new_text) == ("5000 ms", "4000 ms")

    def test_what_no_connector_here_knows_keeps_its_key(self):
        (group,) = described([Change("/connector/config/odd/key", "changed", 1, {"a": None})], CONNECTORS)

        assert (str(group.lines[0].label), group.lines[0].new_text) == ("odd.key", "a: empty")


class TestInShort:
    def test_it_says_what_changed_in_a_few_words(self):
        changed = [
            ("/connector/config/host", "changed"),
            ("/connector/config/customHeaders/X-A", "added"),
            ("/templates/SignIn/*/subject", "changed"),
            ("/templates/SignIn/*/content", "changed"),
            ("/templates/Register/ja", "added"),
        ]

        assert list(map(str, in_short(changed, CONNECTORS))) == ["Server", "Custom headers", "2 templates"]

    def test_every_part_has_its_word(self):
        changed = [
            ("/connector", "changed"),
            ("/connector/provider", "changed"),
            ("/fallback", "changed"),
            ("/flows/signIn/emailCode", "changed"),
            ("/defaultLanguage", "changed"),
            ("/templates/SignIn/ja", "removed"),
        ]

        assert list(map(str, in_short(changed, CONNECTORS, limit=9))) == [
            "Connector",
            "Provider",
            "Fallback",
            "Sign-in with an email code",
            "Default language",
            "1 template",
        ]

    def test_much_is_summed_up(self):
        names = ("host", "port", "security", "fromEmail", "replyTo", "name")
        changed = [(f"/connector/config/{name}", "changed") for name in names]

        assert list(map(str, in_short(changed, CONNECTORS, limit=3))) == ["Server", "Port", "4 more"]
