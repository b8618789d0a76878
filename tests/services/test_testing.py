"""Check and test send: one code path over the values on the screen, seen phase by phase, limited and audited."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.peers.ports import free_port
from tests.peers.scripted import Script, answer, drop, silence
from tests.services.conftest import smtp
from webapp.connectors import CONNECTORS
from webapp.connectors.network import Network
from webapp.db.types import now
from webapp.domain.errors import (
    ConfigInvalidError,
    ConnectorNotSetUpError,
    InputError,
    LimitedError,
    NotFoundError,
    TemplateNotFoundError,
    TemplateVariableMissingError,
)
from webapp.domain.message import Outcome
from webapp.domain.usage import UsageType
from webapp.services.audit import Audit
from webapp.services.delivery import Delivery, Networks
from webapp.services.inbox import Inbox
from webapp.services.limits import Limit, Limits
from webapp.services.loop import BackgroundLoop
from webapp.services.runner import Runner
from webapp.services.runs import LOST_AFTER, Runs
from webapp.services.sandbox import SandboxServer, SandboxState
from webapp.services.testing import Testing
from webapp.settings import Settings

MANY = Limit(1000, 60)


def eventually(is_so: Callable[[], bool], seconds: float = 10) -> bool:
    give_up = time.monotonic() + seconds
    while not is_so() and time.monotonic() < give_up:
        time.sleep(0.02)
    return is_so()


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    background = BackgroundLoop()
    yield background
    background.stop()


@pytest.fixture
def make(db, vault, setups, loop, certificates) -> Callable[..., Testing]:
    """A Testing whose network trusts the tests' authority; ``clock`` and ``limits`` as a test wants them."""
    network = Network(["127.0.0.0/8"], extra_ca_pem=certificates.ca_pem)

    def build(clock=now, recipient=MANY, tenant=MANY, network_for=lambda _: network) -> Testing:
        runs = Runs(db, vault, clock)
        delivery = Delivery(CONNECTORS, network_for)
        return Testing(runs, Runner(db, runs, loop, Audit()), setups, delivery, Limits(db, vault), recipient, tenant)

    return build


@pytest.fixture
def testing(make) -> Testing:
    return make()


def to_server(server: Any, **config: Any) -> dict[str, Any]:
    return smtp(host="localhost", port=server.port, **config)


def names(phases) -> list[str]:
    return [phase.phase for phase in phases]


class TestCheck:
    def test_it_goes_through_the_phases_and_sends_nothing(self, testing, ada, scripted):
        server = scripted(Script())

        run = testing.check(ada, to_server(server))

        assert (run.state, run.ok, run.outcome, run.problem) == ("done", True, None, None)
        assert names(run.phases) == ["resolve", "connect", "greeting", "ehlo", "starttls", "auth"]
        assert all(phase.ok and phase.ms is not None for phase in run.phases)
        assert run.expected_phases == ()
        assert not [command for command in server.commands if command.startswith("MAIL")]

    def test_a_refusal_says_phase_and_cause_and_is_no_error_of_ours(self, testing, ada, scripted):
        run = testing.check(ada, to_server(scripted(Script(auth=answer(535, "5.7.8 No")))))

        assert (run.state, run.ok) == ("done", False)
        assert run.phases[-1].phase == "auth"
        assert run.phases[-1].code == 535
        assert run.problem.code == run.phases[-1].problem.code

    def test_without_a_connector_there_is_nothing_to_check(self, testing, ada):
        with pytest.raises(ConnectorNotSetUpError):
            testing.check(ada)

    def test_values_that_cannot_be_saved_cannot_be_checked(self, testing, ada):
        with pytest.raises(ConfigInvalidError) as caught:
            testing.check(ada, smtp(port=0))

        assert [error.pointer for error in caught.value.errors] == ["/connector/config/port"]

    def test_the_saved_connector_is_checked_when_none_is_given(self, testing, ada, setups, document, scripted):
        server = scripted(Script())
        setups.save(ada, document(host="localhost", port=server.port), base=0)

        run = testing.check(ada)

        assert run.ok
        assert run.values_tag == setups.active(ada.tenant).values_tag

    def test_it_proves_nothing(self, testing, ada, setups, scripted):
        run = testing.check(ada, to_server(scripted(Script())))

        assert setups.proven(ada.tenant, run.values_tag) is None


class TestTestSend:
    def test_one_real_mail_goes_out_and_proves_the_values(self, testing, ada, setups, scripted):
        server = scripted(Script())

        run = testing.test_send(ada, "bob@example.com", connector_json=to_server(server))

        assert (run.state, run.ok, run.outcome) == ("done", True, Outcome.SENT)
        assert run.receipt.provider_message_id == "4711"
        assert len(server.bodies) == 1
        assert run.message_id.encode() in server.bodies[0]
        assert b"000000" in server.bodies[0]
        proof = setups.proven(ada.tenant, run.values_tag)
        assert (proof.kind, proof.by_name) == ("test_send", "ada@example.com")

    def test_a_refused_mail_proves_nothing(self, testing, ada, setups, scripted):
        server = scripted(Script(rcpt=answer(550, "5.1.1 No such user")))

        run = testing.test_send(ada, "bob@example.com", connector_json=to_server(server))

        assert (run.ok, run.outcome) == (False, Outcome.NOT_SENT)
        assert setups.proven(ada.tenant, run.values_tag) is None

    def test_no_answer_after_the_last_byte_is_maybe_sent(self, testing, ada, setups, scripted):
        run = testing.test_send(ada, "bob@example.com", connector_json=to_server(scripted(Script(body=drop))))

        assert (run.ok, run.outcome) == (False, Outcome.MAYBE_SENT)
        assert setups.proven(ada.tenant, run.values_tag) is None

    @pytest.mark.parametrize("usage_type", list(UsageType))
    def test_every_usage_type_has_a_mail_to_try(self, usage_type, testing, ada, scripted):
        server = scripted(Script())

        run = testing.test_send(ada, "bob@example.com", connector_json=to_server(server), usage_type=usage_type)

        assert run.ok
        assert (b"000000" in server.bodies[0]) is (usage_type.required_variable == "code")

    def test_the_templates_on_the_screen_are_sent_in_the_language_asked_for(self, testing, ada, scripted):
        server = scripted(Script())
        plain = {"contentType": "text/plain", "subject": "s"}
        templates = {
            "Generic": {
                "*": {**plain, "content": "any {{code}}"},
                "pt": {**plain, "content": "portugues {{code}} {{user.name}} {{user.username}}"},
            }
        }

        testing.test_send(
            ada,
            "bob@example.com",
            connector_json=to_server(server),
            templates=templates,
            usage_type=UsageType.SIGN_IN,
            locale="pt_br",
            payload={"code": "1234", "user": {"name": "Bob"}},
        )

        assert server.bodies[0].rstrip().endswith(b"portugues 1234 Bob ada")

    def test_without_a_fitting_template_nothing_is_sent(self, testing, ada, scripted):
        server = scripted(Script())

        with pytest.raises(TemplateNotFoundError):
            testing.test_send(ada, "bob@example.com", connector_json=to_server(server), templates={})

        assert server.commands == []

    def test_without_the_code_nothing_is_sent(self, testing, ada, scripted):
        server = scripted(Script())

        with pytest.raises(TemplateVariableMissingError):
            testing.test_send(ada, "bob@example.com", connector_json=to_server(server), payload={"code": ""})

        assert server.commands == []

    @pytest.mark.parametrize("to", ["", "bob", "a@x.test, b@x.test", "bob@x.test\r\nBcc: eve@x.test", "<bob@x.test>"])
    def test_it_wants_exactly_one_address(self, to, testing, ada):
        with pytest.raises(InputError) as caught:
            testing.test_send(ada, to, connector_json=smtp())

        assert [error.pointer for error in caught.value.errors] == ["/to"]

    def test_a_language_that_is_none_is_refused_at_its_place(self, testing, ada):
        with pytest.raises(InputError) as caught:
            testing.test_send(ada, "bob@example.com", connector_json=smtp(), locale="../en")

        assert [error.pointer for error in caught.value.errors] == ["/locale"]

    def test_a_broken_template_is_refused_at_its_place(self, testing, ada):
        templates = {"Generic": {"*": {"subject": "", "content": "{{code}}"}}}

        with pytest.raises(ConfigInvalidError) as caught:
            testing.test_send(ada, "bob@example.com", connector_json=smtp(), templates=templates)

        assert [error.pointer for error in caught.value.errors] == ["/templates/Generic/*/subject"]


class TestRedaction:
    def test_recipient_code_and_link_are_taken_out_of_the_providers_words(self, testing, ada, scripted):
        echo = (
            "5.7.1 <BOB@example.com>: code 739184 of https://acme.test/i?t=1 refused, see 7391845 and abob@example.com"
        )
        server = scripted(Script(body=answer(554, echo)))

        run = testing.test_send(
            ada,
            "bob@example.com",
            connector_json=to_server(server),
            payload={"code": "739184", "link": "https://acme.test/i?t=1"},
        )

        said = f"{run.phases} {run.problem} {run.transcript}"
        assert "bob@example.com" not in said.lower().replace("abob@example.com", "")
        assert "739184 " not in said
        assert "acme.test/i" not in said
        assert "<«recipient»>: code «code» of «link» refused, see 7391845" in run.phases[-1].text

    def test_the_receipt_of_a_sent_mail_is_redacted_too(self, testing, ada, scripted):
        server = scripted(Script(body=answer(250, "2.0.0 Ok: queued as 4711 for bob@example.com")))

        run = testing.test_send(ada, "bob@example.com", connector_json=to_server(server))

        assert run.receipt.text.endswith("for «recipient»")
        assert run.to_masked == "b•••@•••.com"

    def test_nothing_said_and_no_secret_lies_readable_in_the_database(self, testing, ada, scripted, db, database_file):
        server = scripted(Script(rcpt=answer(550, "5.1.1 bob@example.com unknown")))

        testing.test_send(ada, "bob@example.com", connector_json=to_server(server))
        db.dispose()

        stored = b"".join(path.read_bytes() for path in Path(database_file).parent.glob("postroom.db*"))
        assert b"bob@example.com" not in stored
        assert smtp()["config"]["auth"]["pass"].encode() not in stored


class TestWhileItRuns:
    def test_phases_appear_one_by_one(self, testing, ada, scripted):
        server = scripted(Script(auth=silence))

        view = testing.start_check(ada, to_server(server))

        assert view.state == "running"
        assert view.expected_phases == ("resolve", "connect", "greeting", "ehlo", "starttls", "auth")
        assert eventually(lambda: names(testing.run(ada, view.id).phases)[-1:] == ["auth"])
        seen = testing.run(ada, view.id)
        assert seen.phases[-1].ok is None
        assert seen.phases[-1].timeout is not None
        assert seen.expected_phases == ()
        testing.cancel(ada, view.id)

    def test_it_can_be_cancelled(self, testing, ada, scripted):
        server = scripted(Script(rcpt=silence))
        view = testing.start_test_send(ada, "bob@example.com", connector_json=to_server(server))
        assert eventually(lambda: names(testing.run(ada, view.id).phases)[-1:] == ["rcpt_to"])

        cancelled = testing.cancel(ada, view.id)

        assert (cancelled.state, cancelled.ok, cancelled.outcome) == ("cancelled", None, Outcome.NOT_SENT)
        assert server.bodies == []

    def test_cancelled_while_handing_over_it_may_have_been_sent(self, testing, ada, setups, scripted):
        server = scripted(Script(body=silence))
        view = testing.start_test_send(ada, "bob@example.com", connector_json=to_server(server))
        assert eventually(lambda: names(testing.run(ada, view.id).phases)[-1:] == ["data"])

        assert testing.cancel(ada, view.id).outcome is Outcome.MAYBE_SENT

        assert testing.wait(ada, view).outcome is Outcome.MAYBE_SENT
        assert setups.proven(ada.tenant, view.values_tag) is None

    def test_another_process_sees_it_and_can_cancel_it(self, testing, make, ada, scripted):
        server = scripted(Script(auth=silence))
        view = testing.start_check(ada, to_server(server))
        elsewhere = make()
        assert eventually(lambda: names(elsewhere.run(ada, view.id).phases)[-1:] == ["auth"])

        elsewhere.cancel(ada, view.id)

        assert eventually(lambda: view.id not in testing._runner._futures)
        assert testing.run(ada, view.id).state == "cancelled"

    def test_cancelling_what_is_done_changes_nothing(self, testing, ada, scripted):
        run = testing.check(ada, to_server(scripted(Script())))

        assert testing.cancel(ada, run.id) == run

    def test_a_run_whose_process_died_is_shown_as_lost(self, testing, make, ada, scripted):
        view = testing.start_check(ada, to_server(scripted(Script(auth=silence))))
        later = make(clock=lambda: datetime.now(UTC) + LOST_AFTER + timedelta(seconds=30))

        lost = later.run(ada, view.id)

        assert (lost.state, lost.ok, lost.problem.code) == ("lost", False, "run.lost")
        testing.cancel(ada, view.id)

    def test_mallory_does_not_see_it(self, testing, ada, mallory, scripted):
        run = testing.check(ada, to_server(scripted(Script())))

        with pytest.raises(NotFoundError):
            testing.run(mallory, run.id)
        with pytest.raises(NotFoundError):
            testing.cancel(mallory, run.id)

    def test_after_a_day_it_is_gone(self, testing, ada, db, vault, scripted):
        run = testing.check(ada, to_server(scripted(Script())))
        tomorrow = Runs(db, vault, lambda: datetime.now(UTC) + timedelta(hours=24, minutes=1))

        assert Runs(db, vault).purge() == 0
        assert tomorrow.purge() == 1
        with pytest.raises(NotFoundError):
            testing.run(ada, run.id)

    def test_a_mistake_of_ours_is_said_and_ends_the_run(self, make, ada, scripted, loop):
        def broken(_: object) -> Network:
            raise LookupError("boom")

        class Broken(Network):
            async def resolve(self, *args: object, **options: object) -> Any:
                raise LookupError("boom")

        run = make(network_for=lambda _: Broken()).check(ada, smtp())

        assert (run.state, run.ok, run.problem.code) == ("done", False, "internal.error")
        assert "boom" not in str(run)


class TestLimits:
    def test_a_recipient_gets_so_many_and_spelling_does_not_help(self, make, ada, scripted):
        testing, target = make(recipient=Limit(2, 600)), to_server(scripted(Script()))
        testing.test_send(ada, "bob@example.com", connector_json=target)
        testing.test_send(ada, " BOB@example.com", connector_json=target)

        with pytest.raises(LimitedError) as caught:
            testing.test_send(ada, "Bob@Example.com", connector_json=target)

        assert 0 < caught.value.retry_after <= 600
        testing.test_send(ada, "eve@example.com", connector_json=target)

    def test_a_tenant_sends_so_many(self, make, ada, mallory, scripted):
        testing, target = make(tenant=Limit(1, 86400)), to_server(scripted(Script()))
        testing.test_send(ada, "bob@example.com", connector_json=target)

        with pytest.raises(LimitedError):
            testing.test_send(ada, "eve@example.com", connector_json=target)

        assert testing.test_send(mallory, "eve@example.com", connector_json=target).ok

    def test_what_is_refused_before_does_not_count(self, make, ada, scripted):
        testing, target = make(recipient=Limit(1, 600)), to_server(scripted(Script()))
        with pytest.raises(InputError):
            testing.test_send(ada, "bob@example.com", connector_json=target, payload={"code": ""})

        assert testing.test_send(ada, "bob@example.com", connector_json=target).ok


class TestAudit:
    def test_both_are_written_down_without_the_recipient(self, testing, ada, db, scripted):
        target = to_server(scripted(Script()))
        testing.check(ada, target, request_id="r-1")
        testing.test_send(ada, "bob@example.com", connector_json=target, request_id="r-2")

        sent, checked = Audit().events(db, ada.tenant.id, limit=2)

        assert (checked.action, checked.request_id, checked.detail["ok"]) == ("connector.checked", "r-1", True)
        assert (sent.action, sent.detail["outcome"], sent.actor_name) == (
            "connector.test_sent",
            "sent",
            "ada@example.com",
        )
        assert "bob@example.com" not in str(sent.detail)


class TestIntoTheSandbox:
    @pytest.fixture
    def sandbox(self, tmp_path, tenants, db, vault) -> Iterator[SandboxServer]:
        server = SandboxServer(tmp_path, free_port(), tenants, Inbox(db, vault))
        server.start()
        assert eventually(lambda: server.state() is SandboxState.LISTENING)
        yield server
        server.stop()

    def to_sandbox(self, sandbox, tenants, tenant) -> dict[str, Any]:
        password = tenants.sandbox_password(tenant).get_secret_value()
        login = {"type": "login", "user": tenant.slug, "pass": password}
        return smtp(host="127.0.0.1", port=sandbox.port, auth=login)

    def networks(self, sandbox, tmp_path) -> Networks:
        # No network is allowed, loopback least of all: the sandbox alone is open, and for development alone.
        return Networks(Settings(data_dir=tmp_path, sandbox_smtp_port=sandbox.port), sandbox)

    def test_the_whole_way_from_the_button_to_the_code_in_the_inbox(
        self, make, sandbox, tenants, ada, db, vault, tmp_path
    ):
        testing = make(network_for=self.networks(sandbox, tmp_path))

        run = testing.test_send(
            ada,
            "bob@example.com",
            connector_json=self.to_sandbox(sandbox, tenants, ada.tenant),
            usage_type=UsageType.SIGN_IN,
            payload={"code": "739184"},
        )

        assert run.ok, run.problem
        mail = Inbox(db, vault).wait(ada.tenant, "bob@example.com", timeout=10)
        assert mail.code == "739184"
        assert mail.id == run.receipt.provider_message_id
        assert mail.html
        assert mail.text

    def test_a_production_tenant_does_not_get_there(
        self, make, sandbox, tenants, ada, ada_in_prod, db, vault, tmp_path
    ):
        testing = make(network_for=self.networks(sandbox, tmp_path))

        run = testing.test_send(
            ada_in_prod, "bob@example.com", connector_json=self.to_sandbox(sandbox, tenants, ada.tenant)
        )

        assert (run.ok, run.phases[-1].phase) == (False, "resolve")
        assert Inbox(db, vault).mails(ada.tenant) == []
