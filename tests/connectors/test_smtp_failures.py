"""Every failure has a diagnosis of its own, and says what became of the mail."""

from __future__ import annotations

import email
import email.policy
import inspect
import re
from dataclasses import replace

import pytest

from tests.connectors.smtp_attempt import MAIL, attempt
from tests.connectors.smtp_failures import ALL, BEFORE_ANY_MAIL, FAULTS, HANDING_OVER, HASTE, clear, offering
from tests.peers.scripted import Script, Step, answer, deaf, drop, raw, reset, silence, wait
from webapp.connectors import network_problems, proxy_problems, tls_problems
from webapp.connectors.smtp import SmtpConnector
from webapp.connectors.smtp.problems import RECIPES
from webapp.domain.message import Outcome

SECURE = ("starttls", "tls")


def by_name(cases):
    return [pytest.param(case, id=name) for name, case in cases.items()]


class TestDiagnosis:
    """Send with one thing going wrong: the phase, the cause, the outcome and the fix."""

    @pytest.mark.parametrize("case", by_name(ALL))
    def test_the_failure_is_named(self, case, certificates):
        tried = case.play(certificates)

        said = f"{tried.trace.transcript}\n{tried.error!r}"
        assert (tried.code, tried.phases[-1]) == (case.code, case.phase), said
        assert tried.outcome is case.outcome
        assert tried.error.problem.temporary is case.temporary, said
        assert patched(tried) == case.patch
        assert_phases_end_in_failure(tried)
        assert_readable(tried.error.problem)

    @pytest.mark.parametrize("case", by_name(BEFORE_ANY_MAIL))
    def test_a_check_says_the_same(self, case, certificates):
        tried = case.play(certificates, check=True)

        assert (tried.code, tried.phases[-1]) == (case.code, case.phase), tried.trace.transcript
        assert patched(tried) == case.patch

    @pytest.mark.parametrize("case", by_name(HANDING_OVER))
    def test_a_check_stops_before_handing_over(self, case, certificates):
        tried = case.play(certificates, check=True)

        assert tried.error is None, tried.trace.transcript
        assert not {"mail_from", "rcpt_to", "data"} & set(tried.phases)

    def test_every_declared_problem_has_a_case(self):
        sources = "".join(map(inspect.getsource, (network_problems, proxy_problems, tls_problems)))
        declared = {*RECIPES, *re.findall(r'"(network\.[a-z_]+)"', sources)}
        declared |= {f"network.certificate_{fault}" for fault in FAULTS}

        assert declared - {case.code for case in ALL.values()} == set()

    def test_every_fault_of_a_certificate_has_a_case(self):
        assert set(vars(tls_problems)["_CAUSES"]) == set(FAULTS)

    def test_no_patch_lowers_security(self):
        patches = [case.patch["security"] for case in ALL.values() if "security" in case.patch]

        assert set(patches) <= set(SECURE)


class TestWhatBecameOfTheMail:
    """``maybe_sent`` is said from the last byte on, and never before."""

    LARGE = replace(MAIL, text="A line of a large mail that fills every buffer on the way.\n" * 200_000, html=None)

    @pytest.mark.parametrize("security", ["none", "starttls"])
    @pytest.mark.parametrize("end", [pytest.param(wait(0.1) + reset, id="reset"), pytest.param(deaf, id="not read")])
    def test_a_mail_that_did_not_go_out_whole_is_not_sent(self, scripted, certificates, security, end):
        server = scripted(Script(data=answer(354, "Go ahead") + end, extensions=()))

        tried = attempt(
            server.port, mail=self.LARGE, security=security, user=None, ca_pem=certificates.ca_pem, socketTimeout=1500
        )

        assert (tried.outcome, tried.phases[-1]) == (Outcome.NOT_SENT, "data")
        assert tried.error.problem.temporary

    @pytest.mark.parametrize("security", ["none", "starttls"])
    @pytest.mark.parametrize("end", [drop, wait(0.2) + reset])
    def test_a_refusal_in_the_middle_of_the_mail_is_heard(self, scripted, certificates, security, end):
        too_large = answer(552, "5.3.4 Message size exceeds fixed limit")
        server = scripted(Script(data=answer(354, "Go ahead") + wait(0.1) + too_large + end, extensions=()))

        tried = attempt(server.port, mail=self.LARGE, security=security, user=None, ca_pem=certificates.ca_pem)

        assert (tried.code, tried.outcome) == ("smtp.message_too_large", Outcome.NOT_SENT)

    def test_a_refusal_after_the_last_byte_is_certain(self, scripted):
        server = scripted(Script(body=answer(421, "4.3.2 Shutting down, nothing was accepted") + drop))

        tried = attempt(server.port, security="none", user=None)

        assert tried.outcome is Outcome.NOT_SENT
        assert tried.error.problem.temporary

    @pytest.mark.parametrize("end", [drop, reset, silence, answer(500, "Never heard of QUIT"), raw(b"\xff\x00" * 50)])
    def test_a_mail_that_was_accepted_is_sent_whatever_comes_after(self, scripted, end):
        server = scripted(Script(quit=end))

        tried = attempt(server.port, security="none", user=None, socketTimeout=HASTE)

        assert tried.error is None, tried.trace.transcript
        assert tried.receipt.provider_message_id == "4711"
        assert len(server.bodies) == 1

    def test_the_connection_may_end_right_after_acceptance(self, scripted):
        server = scripted(Script(body=answer(250, "2.0.0 Ok: queued as 4711") + reset))

        tried = attempt(server.port, security="none", user=None)

        assert tried.outcome in (Outcome.SENT, Outcome.MAYBE_SENT)
        assert len(server.bodies) == 1


class TestOddServer:
    """What is unusual but clear is no failure, and does no harm."""

    def test_one_that_knows_only_helo_gets_the_mail(self, scripted):
        server = scripted(Script(ehlo=answer(502, "5.5.2 Command not implemented")))

        tried = attempt(server.port, security="none", user=None)

        assert tried.error is None, tried.trace.transcript
        assert len(server.bodies) == 1

    def test_one_that_accepts_with_another_code_has_the_mail(self, scripted):
        server = scripted(Script(body=answer(251, "2.0.0 Taken, in a way")))

        tried = attempt(server.port, security="none", user=None)

        assert tried.error is None, tried.trace.transcript
        assert tried.receipt.code == 251

    def test_one_that_offers_a_login_it_does_not_know_is_asked_by_another(self, scripted):
        def know_plain_only(conversation):
            known = conversation.commands[-1].startswith("AUTH PLAIN ")
            (answer(235, "2.7.0 Accepted") if known else answer(504, "5.5.4 Unknown mechanism"))(conversation)

        server = scripted(clear(auth_prompt=Step((know_plain_only,))))

        tried = attempt(server.port, security="none", mail=None)

        assert tried.error is None, tried.trace.transcript

    def test_one_that_rejects_a_password_is_not_asked_twice(self, scripted):
        server = scripted(offering("CRAM-MD5", "PLAIN", "LOGIN", auth=answer(535, "5.7.8 Wrong")))

        attempt(server.port, security="none", mail=None)

        assert [command.startswith("AUTH") for command in server.commands].count(True) == 1

    def test_one_that_explains_before_it_hangs_up_is_quoted(self, scripted):
        farewell = answer(250, "2.1.0 Ok") + answer(421, "4.4.2 mail.example.test Error: timeout exceeded") + drop
        server = scripted(Script(mail=farewell))

        tried = attempt(server.port, security="none", user=None)

        assert (tried.code, tried.phases[-1]) == ("smtp.temporary_failure", "rcpt_to"), tried.trace.transcript
        assert tried.error.code == 421

    def test_every_mail_has_a_date_and_the_given_id(self, scripted):
        server = scripted()

        attempt(server.port, security="none", user=None)

        head = email.message_from_bytes(server.bodies[0], policy=email.policy.default)
        assert head["Message-ID"] == MAIL.message_id
        assert head["Date"].datetime.tzinfo is not None


class TestTimeouts:
    """Each phase gives up after its own time-out and no other."""

    @pytest.mark.parametrize("phase", ["ehlo", "mail", "rcpt", "data", "body"])
    def test_a_slow_answer_within_the_time_is_fine(self, scripted, phase):
        script = Script()
        server = scripted(replace(script, **{phase: wait(0.1) + (getattr(script, phase) or answer(250, "hello"))}))

        tried = attempt(server.port, security="none", user=None)

        assert tried.error is None, tried.trace.transcript

    def test_a_slow_greeting_is_not_under_the_answers_timeout(self, scripted):
        server = scripted(Script(greeting=wait(3 * HASTE / 1000) + answer(220, "mail.example.test ESMTP")))

        tried = attempt(server.port, security="none", user=None, socketTimeout=HASTE)

        assert tried.error is None, tried.trace.transcript

    def test_a_line_that_comes_byte_by_byte_does_not_extend_the_time(self, scripted):
        trickle = answer(250, "Ok")
        for _ in range(40):
            trickle = raw(b"2") + wait(0.05) + trickle
        server = scripted(Script(mail=trickle))

        tried = attempt(server.port, security="none", user=None, socketTimeout=HASTE)

        assert (tried.code, tried.phases[-1]) == ("smtp.timeout_mail_from", "mail_from")

    @pytest.mark.parametrize("name", ["connect", "greeting", "ehlo", "mail_from", "data"])
    def test_a_phase_tells_how_long_it_would_wait(self, scripted, name):
        server = scripted()

        tried = attempt(
            server.port, security="none", user=None, connectionTimeout=7000, greetingTimeout=8000, socketTimeout=9000
        )

        expected = {"connect": 7, "greeting": 8}.get(name, 9)
        assert next(phase.timeout for phase in tried.trace.phases if phase.phase == name) == expected


def patched(tried):
    return {each.path.removeprefix("/connector/config/"): each.value for each in tried.error.problem.patch}


def assert_phases_end_in_failure(tried):
    *before, last = tried.trace.phases
    assert [phase.phase for phase in before] == [name for name in SmtpConnector.phases if name in tried.phases][:-1]
    assert all(phase.ok is True and phase.ms is not None and phase.ms >= 0 for phase in before)
    assert (last.ok, last.problem) == (False, tried.error.problem)
    assert tried.seen[-1] == last


def assert_readable(problem):
    texts = [str(problem.title), str(problem.cause), *map(str, problem.steps)]
    assert all(text[0].isupper() or text[0] in "“/" for text in texts)
    assert not [text for text in texts if "%(" in text or "None" in text or "!" in text]
    assert problem.steps
