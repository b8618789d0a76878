import pytest

from tests.services.conftest import PASSWORD
from webapp.domain.errors import ForbiddenError, NotFoundError, SetupChangedMeanwhileError
from webapp.services.setups import Plan


@pytest.fixture
def three(setups, ada, bob, document):
    """Three revisions: Ada's first, Bob's other port, Ada's other subject."""
    setups.save(ada, document(), base=0, note="First")
    setups.save(bob, document(port=2525), base=1)
    wanted = document(port=2525)
    wanted["templates"]["SignIn"]["*"]["subject"] = "Your code"
    setups.save(ada, wanted, base=2)


class TestHistory:
    def test_it_tells_who_changed_what(self, setups, ada, three):
        third, second, first = setups.history(ada.tenant)

        assert [info.number for info in (third, second, first)] == [3, 2, 1]
        assert [info.author_name for info in (third, second, first)] == [
            "ada@example.com",
            "bob@example.com",
            "ada@example.com",
        ]
        assert third.changed == (("/templates/SignIn/*/subject", "changed"),)
        assert second.changed == (("/connector/config/port", "changed"),)
        assert (first.note, first.origin) == ("First", "save")
        assert [info.active for info in (third, second, first)] == [True, False, False]

    def test_it_is_read_in_pages(self, setups, ada, three):
        assert [info.number for info in setups.history(ada.tenant, limit=2)] == [3, 2]
        assert [info.number for info in setups.history(ada.tenant, before=2, limit=2)] == [1]

    def test_another_tenant_has_its_own(self, setups, mallory, three):
        assert setups.history(mallory.tenant) == []
        with pytest.raises(NotFoundError):
            setups.revision(mallory.tenant, 1)

    def test_two_revisions_can_be_compared_in_both_directions(self, setups, ada, three):
        forth = {change.pointer: (change.old, change.new) for change in setups.diff(ada.tenant, 1, 3)}
        back = {change.pointer: (change.old, change.new) for change in setups.diff(ada.tenant, 3, 1)}

        assert forth["/connector/config/port"] == (587, 2525)
        assert back == {pointer: (new, old) for pointer, (old, new) in forth.items()}

    def test_the_first_can_be_compared_with_nothing(self, setups, ada, three):
        assert [change.pointer for change in setups.diff(ada.tenant, 0, 1)] == ["/connector"]

    @pytest.mark.parametrize("number", [4, -1, 10**6])
    def test_a_revision_that_is_not_there_is_not_found(self, setups, ada, three, number):
        with pytest.raises(NotFoundError):
            setups.revision(ada.tenant, number)


class TestRestoring:
    def test_it_makes_a_new_revision(self, setups, ada, three):
        saved = setups.restore(ada, 1, note="Back")

        assert (saved.number, saved.created) == (4, True)
        assert saved.stored.document == setups.revision(ada.tenant, 1).document
        info = setups.history(ada.tenant)[0]
        assert (info.origin, info.origin_detail, info.note) == ("restore", "1", "Back")

    def test_the_secret_comes_back_with_its_setup(self, setups, ada, document):
        setups.save(ada, document(), base=0)
        setups.save(ada, document(auth={"type": "login", "user": "ada", "pass": "another"}), base=1)

        setups.restore(ada, 1)

        assert setups.resolve(ada.tenant).config.auth.password.get_secret_value() == PASSWORD

    def test_restoring_what_is_live_makes_none(self, setups, ada, three):
        saved = setups.restore(ada, 3)

        assert (saved.number, saved.created) == (3, False)

    def test_it_can_be_planned(self, setups, ada, three):
        plan = setups.restore(ada, 2, dry_run=True)

        assert isinstance(plan, Plan)
        assert [change.pointer for change in plan.changes] == ["/templates/SignIn/*/subject"]
        assert setups.active(ada.tenant).number == 3

    def test_in_production_it_asks_for_no_proof(self, setups, ada_in_prod, document):
        setups.save(ada_in_prod, document(), base=0, reason="First")
        setups.save(ada_in_prod, document(port=2525), base=1, reason="Second")

        plan = setups.restore(ada_in_prod, 1, dry_run=True)
        assert plan.needs_reason is False
        assert setups.restore(ada_in_prod, 1).created

    def test_a_lost_race_is_told(self, setups, ada, three):
        with pytest.raises(SetupChangedMeanwhileError):
            setups.restore(ada, 1, base=2)

    @pytest.mark.parametrize("number", [0, 4])
    def test_only_what_was_saved_can_be_restored(self, setups, ada, three, number):
        with pytest.raises(NotFoundError):
            setups.restore(ada, number)

    def test_editors_need_the_owners_leave(self, setups, ada, bob, three):
        with pytest.raises(ForbiddenError):
            setups.restore(bob, 1)

    def test_an_old_revision_never_changes(self, setups, ada, three):
        before = setups.revision(ada.tenant, 1).document

        setups.restore(ada, 2)

        assert setups.revision(ada.tenant, 1).document == before
