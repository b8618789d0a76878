"""What real servers answer, and the problem that we make of it."""

import re
from dataclasses import replace

import pytest

from webapp.connectors.smtp.problems import RECIPES, USE_STARTTLS, fix_for, problem
from webapp.connectors.smtp.reply import Reply
from webapp.connectors.smtp.rules import RULES, diagnose

SAMPLES = [
    ("greeting", 220, "mail.example.test ESMTP", "smtp.not_smtp"),
    ("greeting", 200, "news.example.test InterNetNews ready", "smtp.not_smtp"),
    (
        "greeting",
        554,
        "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "smtp.blocked",
    ),
    ("greeting", 554, "mail.example.test ESMTP not accepting messages", "smtp.greeting_refused"),
    ("greeting", 421, "4.3.2 Service shutting down", "smtp.temporary_failure"),
    ("greeting", 421, "4.7.0 Try again later, closing connection.", "smtp.too_many_connections"),
    ("greeting", 421, "Too many concurrent SMTP connections; please try again later.", "smtp.too_many_connections"),
    ("greeting", 451, "4.3.0 Internal error", "smtp.temporary_failure"),
    ("ehlo", 501, "5.5.4 Invalid domain name", "smtp.ehlo_refused"),
    ("ehlo", 421, "4.7.0 mail.example.test Error: too many errors", "smtp.too_many_connections"),
    ("starttls", 454, "4.7.0 TLS not available due to local problem", "smtp.starttls_refused"),
    ("starttls", 502, "5.5.1 STARTTLS not implemented", "smtp.starttls_refused"),
    ("auth", 530, "5.7.0 Must issue a STARTTLS command first", "smtp.tls_required"),
    ("auth", 538, "5.7.11 Encryption needed to use mechanism", "smtp.tls_required"),
    ("auth", 535, "5.7.8 Error: authentication failed: UGFzc3dvcmQ6", "smtp.credentials_rejected"),
    (
        "auth",
        535,
        "5.7.8 Username and Password not accepted. For more information, go to\n5.7.8 https://support.google.com/mail",
        "smtp.credentials_rejected",
    ),
    ("auth", 535, "Incorrect authentication data", "smtp.credentials_rejected"),
    ("auth", 550, "5.7.8 Authentication credentials invalid", "smtp.credentials_rejected"),
    ("auth", 501, "5.7.0 Authentication failed", "smtp.credentials_rejected"),
    ("auth", 535, "5.7.3 Authentication unsuccessful [AM0PR01CA0084.example.test]", "smtp.credentials_rejected"),
    (
        "auth",
        535,
        "5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        "smtp.credentials_rejected",
    ),
    (
        "auth",
        535,
        "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
        "smtp.auth_disabled",
    ),
    ("auth", 535, "5.7.0 SMTP AUTH is disabled for this account", "smtp.auth_disabled"),
    ("auth", 525, "5.7.13 Account disabled", "smtp.account_disabled"),
    ("auth", 535, "5.7.8 Your account has been suspended", "smtp.account_disabled"),
    (
        "auth",
        534,
        "5.7.9 Application-specific password required. Learn more at\n5.7.9 https://x",
        "smtp.app_password_needed",
    ),
    ("auth", 534, "5.7.8 InvalidSecondFactor", "smtp.app_password_needed"),
    ("auth", 535, "Error: please use the authorization code to log in", "smtp.app_password_needed"),
    ("auth", 534, "5.7.14 Please log in via your web browser and then try again.", "smtp.web_login_needed"),
    ("auth", 504, "5.5.4 Unrecognized authentication type", "smtp.auth_method_not_offered"),
    ("auth", 535, "5.7.4 Unrecognized authentication type", "smtp.auth_method_not_offered"),
    ("auth", 503, "5.5.1 Error: authentication not enabled", "smtp.auth_not_offered"),
    ("auth", 454, "4.7.0 Temporary authentication failure: Connection lost", "smtp.auth_temporary"),
    ("auth", 454, "4.7.0 Too many login attempts, please try again later.", "smtp.rate_limited"),
    ("mail_from", 530, "5.7.0 Must issue a STARTTLS command first.", "smtp.tls_required"),
    ("mail_from", 530, "5.7.0 Authentication Required. Learn more at", "smtp.auth_required"),
    ("mail_from", 530, "5.7.57 Client not authenticated to send mail", "smtp.auth_required"),
    ("rcpt_to", 550, "5.7.1 Authentication required", "smtp.auth_required"),
    ("mail_from", 530, "Please log in", "smtp.auth_required"),
    ("mail_from", 553, "5.7.1 <a@b.test>: Sender address rejected: not owned by user c", "smtp.sender_refused"),
    ("mail_from", 550, "5.1.8 <a@b.test>: Sender address rejected: Domain not found", "smtp.sender_refused"),
    ("mail_from", 450, "4.1.8 <a@b.test>: Sender address rejected: Domain not found", "smtp.sender_refused"),
    ("data", 550, "5.7.60 SMTP; Client does not have permissions to send as this sender", "smtp.sender_refused"),
    ("data", 550, "The from address does not match a verified Sender Identity.", "smtp.sender_refused"),
    ("data", 554, "Message rejected: Email address is not verified.", "smtp.sender_refused"),
    ("mail_from", 550, "We do not like you", "smtp.sender_refused"),
    ("data", 550, "5.7.26 Unauthenticated email from example.test is not accepted", "smtp.sender_unauthenticated"),
    ("data", 550, "5.7.1 Rejected by the DMARC record of example.test", "smtp.sender_unauthenticated"),
    ("rcpt_to", 550, "5.6.7 SMTPUTF8 is required, but was not offered", "smtp.smtputf8_not_offered"),
    ("rcpt_to", 504, "5.5.2 <x>: Helo command rejected: need fully-qualified hostname", "smtp.ehlo_refused"),
    ("rcpt_to", 450, "4.7.25 Client host rejected: cannot find your hostname", "smtp.reverse_dns_missing"),
    ("rcpt_to", 450, "4.2.0 <a@b.test>: Recipient address rejected: Greylisted", "smtp.greylisted"),
    ("rcpt_to", 451, "4.7.1 Please try again later", "smtp.greylisted"),
    ("rcpt_to", 452, "4.2.2 Mailbox full", "smtp.mailbox_full"),
    ("rcpt_to", 550, "The user is over quota", "smtp.mailbox_full"),
    ("rcpt_to", 552, "Requested action aborted", "smtp.mailbox_full"),
    ("mail_from", 552, "5.3.4 Message size exceeds fixed limit", "smtp.message_too_large"),
    ("data", 554, "Your message is too big", "smtp.message_too_large"),
    ("data", 552, "Requested action aborted", "smtp.message_too_large"),
    ("data", 550, "5.4.5 Daily user sending limit exceeded.", "smtp.rate_limited"),
    ("data", 454, "Throttling failure: Maximum sending rate exceeded.", "smtp.rate_limited"),
    ("rcpt_to", 554, "5.7.1 <a@b.test>: Relay access denied", "smtp.relaying_denied"),
    ("rcpt_to", 550, "5.7.54 SMTP; not for us", "smtp.relaying_denied"),
    ("rcpt_to", 550, "5.1.1 <a@b.test>: Recipient address rejected: User unknown", "smtp.recipient_refused"),
    (
        "rcpt_to",
        450,
        "4.2.1 The user you are trying to contact is receiving mail too quickly",
        "smtp.recipient_refused",
    ),
    ("data", 550, "5.1.1 No such user", "smtp.recipient_refused"),
    ("data", 550, "5.7.1 Message refused", "smtp.content_rejected"),
    ("data", 554, "Message looks like spam", "smtp.content_rejected"),
    ("data", 451, "4.3.0 Error: queue file write error", "smtp.temporary_failure"),
    ("data", 554, "Transaction failed", "smtp.refused"),
    ("rcpt_to", 503, "5.5.1 Error: need MAIL command", "smtp.refused"),
    ("mail_from", 214, "Here is some help", "smtp.not_understood"),
]


@pytest.mark.parametrize(("phase", "code", "message", "expected"), SAMPLES)
def test_an_answer_means_a_problem(phase, code, message, expected):
    found = diagnose(phase, Reply.of(code, message), host="smtp.example.test", logged_in=True)

    assert found == expected


every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.problem}: {rule.fires.line}"[:60])


@every_rule
def test_every_rule_decides_its_own_example(rule):
    shown, logged_in = rule.fires, not rule.without_login

    deciding = next(each for each in RULES if each.fits(shown.phase, shown.reply, shown.host, logged_in))

    assert deciding is rule


@every_rule
def test_every_rule_spares_what_is_near(rule):
    shown = rule.spares

    assert not rule.fits(shown.phase, shown.reply, shown.host, logged_in=True)


@every_rule
def test_what_a_rule_spares_is_really_near(rule):
    """It differs in one thing only: taking away one of the rule's demands makes it fit."""
    shown = rule.spares
    demands = {"phases": (), "code": "", "enhanced": "", "words": "", "host": "", "without_login": False}

    relaxed = [replace(rule, **{name: empty}) for name, empty in demands.items() if getattr(rule, name) != empty]

    assert any(each.fits(shown.phase, shown.reply, shown.host, logged_in=True) for each in relaxed)


@every_rule
def test_every_rule_leads_to_a_recipe(rule):
    assert rule.problem in RECIPES


def test_every_problem_that_an_answer_can_mean_has_a_rule():
    """The others are named by the conversation itself, or by a case of its own."""
    by_ourselves = {
        "smtp.not_smtp",
        "smtp.not_understood",
        "smtp.tls_on_plain_port",
        "smtp.tls_expected",
        "smtp.starttls_not_offered",
        "smtp.credentials_in_clear",
        "smtp.no_answer_after_data",
        "smtp.xoauth2_not_offered",
    }

    unheard = ("smtp.timeout_", "smtp.connection_dropped_", "smtp.token_")
    answered = {code for code in RECIPES if not code.startswith(unheard)}

    assert {rule.problem for rule in RULES} == answered - by_ourselves


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("smtp.mail.me.com", "smtp.app_password_needed"),
        ("smtp.mail.yahoo.com", "smtp.app_password_needed"),
        ("smtp.qq.com", "smtp.app_password_needed"),
        ("smtp.example.test", "smtp.credentials_rejected"),
        ("notyahoo.com", "smtp.credentials_rejected"),
    ],
)
def test_some_hosts_always_want_an_application_password(host, expected):
    assert diagnose("auth", Reply.of(535, "5.7.8 no"), host=host, logged_in=True) == expected


@pytest.mark.parametrize(("logged_in", "expected"), [(False, "smtp.auth_required"), (True, "smtp.blocked")])
def test_postfix_turning_away_strangers_means_a_login_only_if_there_was_none(logged_in, expected):
    reply = Reply.of(554, "5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied")

    assert diagnose("rcpt_to", reply, host="smtp.example.test", logged_in=logged_in) == expected


class TestReply:
    def test_the_enhanced_code_is_taken_out_of_every_line(self):
        reply = Reply.of(535, "5.7.8 Not accepted. Go to\n5.7.8 https://support.example.test")

        assert (reply.enhanced_code, reply.text) == ("5.7.8", "Not accepted. Go to https://support.example.test")

    @pytest.mark.parametrize(
        ("message", "text"),
        [
            ("bell\x07 and \x1b[31mred", "bell and [31mred"),
            ("right-to-left \u202e evil", "right-to-left  evil"),
            ("bad \udcff bytes", "bad \ufffd bytes"),
            ("x" * 2000, "x" * 499 + "…"),
        ],
    )
    def test_words_are_made_safe_to_show(self, message, text):
        assert Reply.of(550, message).text == text

    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            ("2.0.0 Ok: queued as 4F2a0Bcd", "4F2a0Bcd"),
            ("OK id=1abcDE-0001ab-2C", "1abcDE-0001ab-2C"),
            ("Ok 0102018f1a2b3c4d-5e6f7a8b-0000-4c1d-9e2f-000000", "0102018f1a2b3c4d-5e6f7a8b-0000-4c1d-9e2f-000000"),
            ("2.0.0 OK  1700000000 a1-20020a05600c.42 - gsmtp", "a1-20020a05600c.42"),
            ("Data Ok: queued as freedom ###envid=200000005#", "freedom"),
            ("2.0.0 3ALBp0T1012345 Message accepted for delivery", "3ALBp0T1012345"),
            ("2.6.0 <4711@mail.example.test> [InternalId=42] Queued mail for delivery", None),
            ("Great success", None),
            ("2.0.0 Ok", None),
        ],
    )
    def test_the_providers_own_id_is_recognised(self, message, expected):
        assert Reply.of(250, message).message_id == expected


FACTS = {
    "host": "smtp.example.test",
    "port": 587,
    "user": "ada",
    "sender": "no-reply@example.test",
    "name": "[127.0.0.1]",
    "banner": "SSH-2.0",
    "offered": "XOAUTH2",
    "size": 4711,
    "timeout": "10",
    "command": "DATA",
    "reply": "554",
    "token_host": "login.example.test",
    "account": "ada",
    "ended": "2026-11-21",
    "error": "invalid_grant",
    "words": "AADSTS7000215: the secret is wrong.",
    "scope": "mail.send",
    "status": "400",
}


class TestRecipes:
    @pytest.mark.parametrize("code", RECIPES)
    def test_every_problem_says_what_why_and_what_to_do(self, code):
        made = problem(code, FACTS)

        texts = [str(made.title), str(made.cause), *map(str, made.steps)]
        assert made.steps
        assert all(texts)
        assert not [text for text in texts if "%(" in text or "!" in text]
        assert all(text.endswith(".") for text in texts[1:])

    def test_no_two_problems_tell_the_same(self):
        causes = [recipe.cause.template for recipe in RECIPES.values()]

        assert len(RECIPES) >= 45
        assert len(set(causes)) == len(causes)

    @pytest.mark.parametrize("code", RECIPES)
    def test_codes_say_area_and_event(self, code):
        assert re.fullmatch(r"smtp\.[a-z0-9_]+", code)

    def test_a_temporary_answer_makes_a_temporary_problem(self):
        assert not problem("smtp.recipient_refused", FACTS).temporary
        assert problem("smtp.recipient_refused", FACTS, temporary=True).temporary

    @pytest.mark.parametrize(
        ("host", "word"),
        [("smtp.gmail.com", "app password"), ("smtp.sendgrid.net", "apikey"), ("smtp.office365.com", "365")],
    )
    def test_advice_on_credentials_knows_the_provider(self, host, word):
        made = problem("smtp.credentials_rejected", {**FACTS, "host": host})

        assert word in str(made.steps[0])


SAFETY = {"none": 0, "opportunistic": 1, "starttls": 2, "tls": 2}


@pytest.mark.parametrize("port", [25, 465, 587, 2525, 4711])
@pytest.mark.parametrize("security", SAFETY)
@pytest.mark.parametrize("offered", [True, False])
def test_no_fix_lowers_security(port, security, offered):
    codes = [*RECIPES, "network.connect_timeout"]

    fixes = [fix_for(code, port=port, security=security, starttls_offered=offered) for code in codes]

    changes = [dict(fix.values) for fix in fixes if fix]
    assert changes
    assert [change for change in changes if SAFETY[change.get("security", security)] < SAFETY[security]] == []
    assert [change for change in changes if not set(change) <= {"security", "port"}] == []


def test_a_fix_is_a_json_patch_for_the_setup():
    operations = [operation.to_json() for operation in USE_STARTTLS.operations()]

    assert operations == [{"op": "add", "path": "/connector/config/security", "value": "starttls"}]
