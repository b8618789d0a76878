"""What became of two tenants since one was promoted into the other, and merging both."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from tests.canary import CANARY
from tests.services.conftest import ADA, smtp
from tests.services.transfer.house import House, examples
from webapp.connectors import CONNECTORS
from webapp.db.models import RevisionRow
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import PromotionConflictsError
from webapp.domain.roles import Access, Environment, TenantInfo
from webapp.services.marks import put, standing_at
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.drift import Drift, Standing
from webapp.services.transfer.merging import OVERWRITES
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.promoting import Promoting, Promotion

HOST, REPLY_TO, USER = "/connector/config/host", "/connector/config/replyTo", "/connector/config/auth/user"
SIGN_IN, REGISTER = "/templates/SignIn/*", "/templates/Register/*"
OWN = f"{CANARY}-of-production"
SLOT = "smtp.auth.pass"


class Pair:
    """A source and a target, and what happens in them."""

    def __init__(self, setups: Setups, planning: Planning, source: Access, target: Access) -> None:
        self.setups, self.planning = setups, planning
        self.promoting = Promoting(setups, planning)
        self.source, self.target = source, target

    def edit(self, access: Access, **places: Any) -> int:
        """Save other values: ``edit(target, **{HOST: "smtp.example.net"})``."""
        document = self.setups.active(access.tenant).document
        for pointer, value in places.items():
            put(document, pointer, value)
        return self.setups.save(access, document, base=None, reason="a test").number

    def promote(self, *only: str, **said: Any) -> int:
        promotion = Promotion(only, **{"secrets": {SLOT: "copy"}, **said})
        plan = self.promoting.plan(self.source, self.target, promotion)
        return self.planning.apply(self.target, plan.id, Confirmation(reason="a test", allow_breaking=True)).number

    @property
    def drift(self) -> Drift:
        return self.promoting.drift(self.source, self.target)

    def at(self, pointer: str) -> Any:
        return standing_at(self.setups.active(self.target.tenant).document, pointer)

    def standings(self) -> dict[str, Standing]:
        return {part.pointer: part.standing for part in self.drift.parts}


@pytest.fixture
def pair(db: Database, vault: Vault, setups: Setups, tenants: Tenants, ada: Access, prod: TenantInfo) -> Pair:
    """Development is set up and was promoted once, so that both are the same."""
    pair = Pair(setups, Planning(setups, CONNECTORS, Plans(db, vault)), ada, tenants.access(ADA, "prod"))
    setups.save(ada, {"connector": smtp()}, base=None)
    pair.promote()
    return pair


class TestStandings:
    def test_before_the_first_promotion_everything_is_ahead(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "help@example.com", "/defaultLanguage": "ja"})

        back = Pair(pair.setups, pair.planning, pair.target, pair.source)

        assert back.drift.last is None
        assert back.standings() == {REPLY_TO: Standing.AHEAD, "/defaultLanguage": Standing.AHEAD}

    def test_promoted_there_is_none(self, pair):
        drift = pair.drift

        assert (drift.last.number, drift.last.source, drift.last.source_revision) == (1, "dev", 1)
        assert (drift.parts, drift.edited, drift.behind) == ((), (), 0)

    @pytest.mark.parametrize(
        ("there", "here", "standing"),
        [
            ({HOST: "new.example.com"}, {}, Standing.AHEAD),
            ({}, {HOST: "own.example.com"}, Standing.EDITED),
            ({HOST: "new.example.com"}, {HOST: "own.example.com"}, Standing.CONFLICT),
        ],
        ids=["there", "here", "both"],
    )
    def test_the_side_that_changed_since_says_how_it_stands(self, pair, there, here, standing):
        if there:
            pair.edit(pair.source, **there, **{"/connector/config/auth/pass": f"{CANARY}-new"})
        if here:
            pair.edit(pair.target, **here, **{"/connector/config/auth/pass": OWN})

        assert pair.standings() == {HOST: standing}

    def test_the_same_change_on_both_sides_is_none(self, pair):
        for access in (pair.source, pair.target):
            pair.edit(access, **{REPLY_TO: "help@example.com"})

        assert pair.drift.parts == ()

    def test_what_was_not_ticked_was_left(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "help@example.com", "/defaultLanguage": "ja"})
        pair.promote("/defaultLanguage", whole=True)

        assert pair.standings() == {REPLY_TO: Standing.LEFT}

    def test_what_was_left_and_changed_again_is_asked(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "help@example.com", "/defaultLanguage": "ja"})
        pair.promote("/defaultLanguage", whole=True)
        pair.edit(pair.source, **{REPLY_TO: "support@example.com"})

        (part,) = pair.drift.parts
        assert part.standing is Standing.CONFLICT
        assert [change.pointer for change in part.kept] == [REPLY_TO]

    def test_what_end_users_may_do_goes_by_no_default_though_it_is_ahead(self, pair):
        pair.edit(pair.source, **{"/flows/mfa": {"emailCode": False}})

        (part,) = pair.drift.parts
        assert (part.standing, part.goes, pair.drift.behind) == (Standing.AHEAD, False, 0)

    def test_different_fields_of_one_mail_merge(self, pair):
        pair.edit(pair.source, **{f"{SIGN_IN}/subject": "From development"})
        pair.edit(pair.target, **{f"{SIGN_IN}/content": "Edited {{code}}"})

        assert pair.standings() == {
            f"{SIGN_IN}/subject": Standing.AHEAD,
            f"{SIGN_IN}/content": Standing.EDITED,
        }
        pair.promote(merge=True)
        assert pair.at(f"{SIGN_IN}/subject") == "From development"
        assert pair.at(f"{SIGN_IN}/content") == "Edited {{code}}"

    @pytest.mark.parametrize(
        ("there", "here"),
        [
            ({"subject": "Theirs"}, {"subject": "Ours"}),
            ({"content": "<p>Theirs {{code}}</p>"}, {"text": "Ours {{code}}"}),
            ({"contentType": "text/plain"}, {"subject": "Ours", "content": "Ours {{code}}"}),
        ],
        ids=["the same field", "one body in HTML and in text", "format and content"],
    )
    def test_what_belongs_together_in_a_mail_is_one_conflict(self, pair, there, here):
        pair.edit(pair.source, **{f"{SIGN_IN}/{name}": value for name, value in there.items()})
        pair.edit(pair.target, **{f"{SIGN_IN}/{name}": value for name, value in here.items()})

        assert pair.standings() == {SIGN_IN: Standing.CONFLICT}

    def test_one_that_was_changed_here_is_an_edit_and_shows_no_value(self, pair):
        pair.edit(pair.target, **{"/connector/config/auth/pass": OWN})

        drift = pair.drift
        assert [(each.pointer, each.secret, each.new) for each in drift.edited] == [
            ("/connector/config/auth/pass", True, None)
        ]
        assert drift.edits == 1
        assert OWN not in repr(drift)

    def test_one_that_was_changed_there_stays_there(self, pair):
        pair.edit(pair.source, **{"/connector/config/auth/pass": OWN})

        assert (pair.drift.edited, pair.drift.parts) == ((), ())

    def test_another_provider_there_and_another_secret_here_are_a_conflict(self, pair):
        sendgrid = {"provider": "sendgrid", "config": {"apiKey": f"SG.{CANARY}", "fromEmail": "no-reply@example.com"}}
        pair.edit(pair.source, **{"/connector": sendgrid})
        pair.edit(pair.target, **{"/connector/config/auth/pass": OWN})

        (part,) = pair.drift.parts
        assert (part.pointer, part.standing) == ("/connector", Standing.CONFLICT)
        assert "fingerprint" not in repr([change.to_json() for change in pair.drift.conflicts])


class TestLineage:
    def test_an_undone_promotion_is_not_in_it(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "help@example.com"})
        pair.promote()
        pair.setups.restore(pair.target, 1)

        drift = pair.drift
        assert (drift.last.number, drift.last.source_revision) == (1, 1)
        assert pair.standings() == {REPLY_TO: Standing.AHEAD}

    def test_restored_again_it_is(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "help@example.com"})
        number = pair.promote()
        pair.setups.restore(pair.target, 1)
        pair.setups.restore(pair.target, number)

        assert pair.drift.last.number == number
        assert pair.drift.parts == ()

    def test_edits_before_and_after_a_restore_are_told_apart(self, pair):
        pair.edit(pair.target, **{REPLY_TO: "gone@example.com"})
        pair.setups.restore(pair.target, 1)
        pair.edit(pair.target, **{"/defaultLanguage": "ja"})

        assert [each.pointer for each in pair.drift.edited] == ["/defaultLanguage"]

    def test_what_a_partial_promotion_did_not_look_at_stands_as_before(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "help@example.com", f"{SIGN_IN}/subject": "New"})
        pair.edit(pair.target, **{"/defaultLanguage": "ja"})
        pair.promote("/templates/SignIn")

        assert pair.drift.last.only == ("/templates/SignIn",)
        assert pair.standings() == {REPLY_TO: Standing.AHEAD, "/defaultLanguage": Standing.EDITED}

    def test_what_a_partial_promotion_looked_at_is_compared_with_it(self, pair):
        pair.edit(pair.source, **{f"{SIGN_IN}/subject": "New"})
        pair.promote("/templates/SignIn")
        pair.edit(pair.source, **{f"{SIGN_IN}/subject": "Newer"})

        assert pair.standings() == {SIGN_IN: Standing.AHEAD}

    def test_a_promotion_from_elsewhere_is_an_edit(self, pair, tenants):
        staging = Access(ADA, tenants.add("staging", "Staging", Environment.DEVELOPMENT, ADA), pair.target.role)
        pair.setups.save(staging, {"connector": smtp(), "defaultLanguage": "th"}, base=None)
        Pair(pair.setups, pair.planning, staging, pair.target).promote()

        assert pair.drift.last.number == 1
        assert pair.standings() == {"/defaultLanguage": Standing.EDITED}
        assert pair.promoting.last(tenants.by_slug("prod")).source == "staging"

    def test_a_long_history_between_is_walked(self, pair):
        for turn in range(8):
            pair.edit(pair.target, **{"/defaultLanguage": "ja" if turn % 2 else "th"})
            pair.setups.restore(pair.target, 1)

        assert pair.drift.last.number == 1

    @pytest.mark.parametrize("slug", ["dev", "prod"])
    def test_what_cannot_be_read_is_said_to_be_unknown(self, pair, db, vault, slug):
        pair.edit(pair.source, **{REPLY_TO: "help@example.com"})
        pair.edit(pair.target, **{"/defaultLanguage": "ja"})
        tenant = (pair.source if slug == "dev" else pair.target).tenant
        with db.write() as session:
            broken = update(RevisionRow).where(RevisionRow.tenant_id == tenant.id, RevisionRow.number == 1)
            session.execute(broken.values(document={"connector": 7}))
        setups = Setups(db, vault, CONNECTORS)
        again = Pair(setups, Planning(setups, CONNECTORS, Plans(db, vault)), pair.source, pair.target)

        assert set(again.standings().values()) == {Standing.UNKNOWN}
        assert again.drift.last.number == 1
        with pytest.raises(PromotionConflictsError):
            again.promote(merge=True)


class TestMerging:
    def test_takes_what_is_new_and_keeps_what_was_edited(self, pair):
        pair.edit(pair.source, **{f"{SIGN_IN}/subject": "New"})
        pair.edit(pair.target, **{REPLY_TO: "own@example.com"})

        pair.promote(merge=True)

        assert (pair.at(f"{SIGN_IN}/subject"), pair.at(REPLY_TO)) == ("New", "own@example.com")
        assert pair.standings() == {REPLY_TO: Standing.LEFT}

    def test_what_was_removed_here_stays_removed(self, pair):
        pair.edit(pair.source, **{f"{SIGN_IN}/subject": "New"})
        templates = pair.setups.active(pair.target.tenant).document["templates"]
        del templates["MfaVerification"]
        pair.edit(pair.target, **{"/templates": templates})

        pair.promote(merge=True)

        assert pair.at("/templates/MfaVerification") is None
        assert pair.at(f"{SIGN_IN}/subject") == "New"

    def test_conflicts_are_asked_with_their_pointers(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "new@example.com"})
        pair.edit(pair.target, **{REPLY_TO: "own@example.com"})

        with pytest.raises(PromotionConflictsError) as caught:
            pair.promote(merge=True)

        assert [each.pointer for each in caught.value.errors] == [REPLY_TO]

    @pytest.mark.parametrize(
        ("only", "leave", "left"),
        [
            (["/connector", "/templates", REPLY_TO], (), "new@example.com"),
            ((), [REPLY_TO], "own@example.com"),
            ((), ["/connector"], "own@example.com"),
        ],
        ids=["named", "left", "left with what is around it"],
    )
    def test_named_they_are_decided(self, pair, only, leave, left):
        pair.edit(pair.source, **{REPLY_TO: "new@example.com", f"{SIGN_IN}/subject": "New"})
        pair.edit(pair.target, **{REPLY_TO: "own@example.com"})

        pair.promote(*only, leave=leave, merge=True)

        assert (pair.at(REPLY_TO), pair.at(f"{SIGN_IN}/subject")) == (left, "New")

    def test_naming_a_whole_area_decides_nothing_within(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "new@example.com"})
        pair.edit(pair.target, **{REPLY_TO: "own@example.com"})

        with pytest.raises(PromotionConflictsError):
            pair.promote("/connector", merge=True)

    @pytest.mark.parametrize(
        ("only", "said"),
        [((), {"merge": True, "leave": [REPLY_TO]}), ((), {"whole": True})],
        ids=["by pointer", "in the console"],
    )
    def test_a_decision_that_changes_nothing_is_remembered(self, pair, only, said):
        pair.edit(pair.source, **{REPLY_TO: "new@example.com"})
        pair.edit(pair.target, **{REPLY_TO: "own@example.com"})

        number = pair.promote(*only, **said)

        (line,) = pair.setups.history(pair.target.tenant, limit=1)
        assert (line.number, line.origin, line.changed) == (number, "promote", ())
        assert line.transfer == {"from": "dev", "revision": 2, "kept": [REPLY_TO]}
        assert (pair.at(REPLY_TO), pair.standings()) == ("own@example.com", {REPLY_TO: Standing.LEFT})
        assert pair.promote(*only, **said) == number

    def test_a_conflict_elsewhere_is_not_asked_about(self, pair):
        pair.edit(pair.source, **{REPLY_TO: "new@example.com", f"{SIGN_IN}/subject": "New"})
        pair.edit(pair.target, **{REPLY_TO: "own@example.com"})

        pair.promote("/templates", merge=True)

        assert pair.at(f"{SIGN_IN}/subject") == "New"


class TestWarnings:
    def test_an_edit_that_would_be_overwritten_is_warned_of(self, pair):
        pair.edit(pair.target, **{REPLY_TO: "own@example.com"})

        plan = pair.promoting.plan(pair.source, pair.target, Promotion()).plan

        (warning,) = [each for each in plan.warnings if each.code == OVERWRITES]
        assert REPLY_TO in str(warning.cause)

    @pytest.mark.parametrize(
        "wanted", [Promotion(merge=True), Promotion(["/templates"]), Promotion(leave=["/connector"])]
    )
    def test_one_that_stays_is_not(self, pair, wanted):
        pair.edit(pair.target, **{REPLY_TO: "own@example.com"})

        plan = pair.promoting.plan(pair.source, pair.target, wanted).plan

        assert [each for each in plan.warnings if each.code == OVERWRITES] == []


PLACES: dict[str, list[Any]] = {
    REPLY_TO: [None, "a@example.com", "b@example.com"],
    "/connector/config/port": [587, 2525, 465],
    "/defaultLanguage": ["en", "ja", "th"],
    f"{SIGN_IN}/subject": ["One", "Two", "Three"],
    f"{REGISTER}/subject": ["One", "Two", "Three"],
    f"{REGISTER}/content": ["{{code}}", "{{code}} for you", "Here: {{code}}"],
}
PARTS = {pointer: pointer.removesuffix("/subject").removesuffix("/content") for pointer in PLACES}
values = st.fixed_dictionaries({pointer: st.sampled_from(found) for pointer, found in PLACES.items()})


@pytest.fixture
def house(db: Database, vault: Vault, setups: Setups, tenants: Tenants) -> House:
    return House(db, vault, setups, tenants)


@pytest.fixture
def fresh(house: House) -> Callable[[], Pair]:
    """Make a pair of tenants of its own for each example."""
    start = smtp(tls={})

    def make() -> Pair:
        source, target = house.with_setup({"connector": deepcopy(start)}), house.tenant(Environment.PRODUCTION)
        return Pair(house.setups, house.planning, source, target)

    return make


@examples(25, 500)
@given(first=values, there=values, here=values, left=st.sets(st.sampled_from(sorted(set(PARTS.values())))))
def test_merging_loses_no_edit_and_takes_nothing_that_was_left(fresh, first, there, here, left):
    pair = fresh()
    pair.promote()
    pair.edit(pair.source, **first)
    ticked = [each.pointer for each in pair.drift.parts if each.pointer not in left]
    if ticked:
        pair.promote(*ticked, whole=True)
    old_source, old_target = (pair.setups.active(each.tenant).document for each in (pair.source, pair.target))
    pair.edit(pair.source, **there)
    pair.edit(pair.target, **{pointer: here[pointer] for pointer in PLACES if PARTS[pointer] not in left})
    now = pair.setups.active(pair.target.tenant).document
    asked = [part.pointer for part in pair.drift.parts if part.asked]

    pair.promote(merge=True, leave=asked)

    for pointer, part in PARTS.items():
        result, new = pair.at(pointer), standing_at(pair.setups.active(pair.source.tenant).document, pointer)
        was, before, base = (standing_at(each, pointer) for each in (now, old_target, old_source))
        if part in asked or was != before or (ticked and base != before and new == base):
            assert result == was
        else:
            assert result in (was, new)
        if ticked and was == before == base and new != base and part not in asked:
            assert result == new
