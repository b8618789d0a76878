from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.services.conftest import ADA, BOB
from webapp.db.models import LinkRow
from webapp.db.types import now
from webapp.domain.errors import ForbiddenError, InputError, LastOwnerError, NotFoundError
from webapp.domain.roles import OPERATOR, Actor, Role
from webapp.services.audit import Audit
from webapp.services.invitations import Invitations

CAROL = Actor("person", 7, "carol@example.com")


@pytest.fixture
def invitations(db):
    return Invitations(db)


def works(invitations, token):
    try:
        invitations.open(token)
    except NotFoundError:
        return False
    return True


class TestInviting:
    def test_makes_a_member_of_whom_it_was_made_for(self, invitations, ada, tenants):
        token = invitations.invite(ada, " Carol@Example.com ", Role.EDITOR)

        tenant = invitations.accept(token, CAROL)

        assert tenant.slug == "dev"
        assert tenants.access(CAROL, "dev").role is Role.EDITOR

    def test_works_once(self, invitations, ada):
        token = invitations.invite(ada, "carol@example.com", Role.EDITOR)
        invitations.accept(token, CAROL)

        with pytest.raises(NotFoundError):
            invitations.accept(token, CAROL)

    def test_works_for_nobody_else_and_stays(self, invitations, ada, tenants):
        token = invitations.invite(ada, "carol@example.com", Role.OWNER)

        with pytest.raises(NotFoundError):
            invitations.accept(token, Actor("person", 8, "dave@example.com"))

        assert works(invitations, token)
        with pytest.raises(NotFoundError):
            tenants.access(Actor("person", 8, "dave@example.com"), "dev")

    def test_lapses_after_seven_days(self, invitations, ada):
        token = invitations.invite(ada, "carol@example.com", Role.VIEWER)

        with time_machine.travel(now() + timedelta(days=7, seconds=1)):
            assert not works(invitations, token)
            assert invitations.pending(ada.tenant) == []

    def test_again_ends_the_link_before(self, invitations, ada):
        first = invitations.invite(ada, "carol@example.com", Role.VIEWER)
        second = invitations.invite(ada, "carol@example.com", Role.EDITOR)

        assert (works(invitations, first), works(invitations, second)) == (False, True)
        assert [each.role for each in invitations.pending(ada.tenant)] == [Role.EDITOR]

    def test_can_be_withdrawn(self, invitations, ada):
        token = invitations.invite(ada, "carol@example.com", Role.VIEWER)
        (waiting,) = invitations.pending(ada.tenant)

        assert invitations.revoke(ada, waiting.id) == "carol@example.com"
        assert not works(invitations, token)

    def test_of_another_tenant_cannot_be_withdrawn(self, invitations, ada, mallory):
        token = invitations.invite(ada, "carol@example.com", Role.VIEWER)
        (waiting,) = invitations.pending(ada.tenant)

        with pytest.raises(NotFoundError):
            invitations.revoke(mallory, waiting.id)

        assert works(invitations, token)

    def test_is_for_owners(self, invitations, bob):
        with pytest.raises(ForbiddenError):
            invitations.invite(bob, "carol@example.com", Role.VIEWER)

    def test_ends_when_its_maker_owns_the_tenant_no_more(self, invitations, ada, tenants, dev):
        token = invitations.invite(ada, "carol@example.com", Role.OWNER)
        tenants.change_role(dev.id, 2, Role.OWNER, ADA, name="bob@example.com")
        tenants.remove_member(dev.id, 1, BOB)

        assert not works(invitations, token)
        assert invitations.pending(dev) == []

    def test_ends_with_its_tenant(self, invitations, ada, tenants):
        token = invitations.invite(ada, "carol@example.com", Role.VIEWER)
        tenants.archive("dev", ADA)

        assert not works(invitations, token)

    def test_of_the_operator_works(self, invitations, tenants, dev):
        token = invitations.invite(tenants.access(OPERATOR, "dev"), "carol@example.com", Role.OWNER)

        assert works(invitations, token)

    def test_never_lowers_a_role(self, invitations, ada, tenants):
        token = invitations.invite(ada, "ada@example.com", Role.VIEWER)

        invitations.accept(token, ADA)

        assert tenants.access(ADA, "dev").role is Role.OWNER

    @pytest.mark.parametrize("email", ["", "carol", "a@b@c", "carol@example.com\nbcc: x", "Carol <c@example.com>"])
    def test_of_no_address_is_refused(self, invitations, ada, email):
        with pytest.raises(InputError) as refusal:
            invitations.invite(ada, email, Role.VIEWER)

        assert refusal.value.errors[0].pointer == "/email"

    def test_is_stored_as_a_digest_only(self, invitations, ada, db):
        token = invitations.invite(ada, "carol@example.com", Role.VIEWER)

        with db.read() as session:
            assert token not in repr(vars(session.scalars(select(LinkRow)).one()))

    def test_is_audited_from_end_to_end(self, invitations, ada, db):
        token = invitations.invite(ada, "carol@example.com", Role.VIEWER, "r-1")
        invitations.accept(token, CAROL, "r-2")

        joined, invited = Audit().events(db, ada.tenant.id)[:2]
        assert (invited.action, invited.actor_name, invited.request_id) == ("member.invited", "ada@example.com", "r-1")
        assert (joined.action, joined.actor_name, joined.detail["invited_by"]) == (
            "member.joined",
            "carol@example.com",
            "ada@example.com",
        )


class TestLastOwner:
    def test_cannot_leave(self, tenants, dev):
        with pytest.raises(LastOwnerError):
            tenants.remove_member(dev.id, 1, ADA)

        assert tenants.access(ADA, "dev").role is Role.OWNER

    def test_cannot_become_less(self, tenants, dev):
        with pytest.raises(LastOwnerError):
            tenants.change_role(dev.id, 1, Role.VIEWER, ADA, name="ada@example.com")

    def test_stays_owner_without_an_event(self, tenants, dev, db):
        before = len(Audit().events(db, dev.id))

        tenants.change_role(dev.id, 1, Role.OWNER, ADA, name="ada@example.com")

        assert len(Audit().events(db, dev.id)) == before

    def test_may_go_once_there_is_another(self, tenants, dev):
        tenants.change_role(dev.id, 2, Role.OWNER, ADA, name="bob@example.com")

        tenants.remove_member(dev.id, 1, ADA)

        assert [member.person_id for member in tenants.members(dev.id)] == [2]

    def test_a_stranger_has_no_role_to_change(self, tenants, dev):
        with pytest.raises(NotFoundError):
            tenants.change_role(dev.id, 3, Role.OWNER, ADA, name="mallory@example.net")
