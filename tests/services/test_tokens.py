from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.services.conftest import ADA, BOB
from webapp.db.models import TokenRow
from webapp.db.types import now
from webapp.domain.errors import ForbiddenError, InputError, NotFoundError
from webapp.domain.roles import OPERATOR, Environment, Permission, Role, Scope
from webapp.services.tokens import Tokens


@pytest.fixture
def tokens(db):
    return Tokens(db)


class TestTokens:
    def test_a_token_opens_its_tenant(self, tokens, ada):
        token = tokens.create(ada, "CI", ["config:read"], ADA)

        access = tokens.authenticate(token)
        assert token.startswith("prt_")
        assert (access.tenant, access.role, access.scopes) == (ada.tenant, Role.OWNER, {Scope.CONFIG_READ})
        assert (access.actor.kind, access.actor.name) == ("token", "CI")

    def test_scopes_narrow_it(self, tokens, ada):
        access = tokens.authenticate(tokens.create(ada, "CI", [Scope.CONFIG_READ], ADA))

        assert access.may(Permission.READ)
        assert not access.may(Permission.SAVE)
        assert not access.may(Permission.MANAGE)

    def test_it_is_stored_as_a_digest_only(self, tokens, ada, db):
        token = tokens.create(ada, "CI", ["send"], ADA)

        with db.read() as session:
            row = session.scalars(select(TokenRow)).one()
            assert token not in repr(vars(row))
            assert token.removeprefix("prt_") not in repr(vars(row))

    @pytest.mark.parametrize("token", ["", "prt_", "prt_wrong", "Bearer x", "prt_" + "x" * 300, "prt_ü", "prt_\x00"])
    def test_anything_else_opens_nothing(self, tokens, ada, token):
        tokens.create(ada, "CI", ["send"], ADA)

        assert tokens.authenticate(token) is None

    def test_revoked_it_opens_nothing(self, tokens, ada, tenants):
        token = tokens.create(ada, "CI", ["send"], ADA)
        (info,) = tokens.list(ada.tenant)

        tokens.revoke(info.id, ADA, ada.tenant)

        assert tokens.authenticate(token) is None
        assert tokens.list(ada.tenant)[0].revoked_at is not None

    def test_one_of_another_tenant_cannot_be_revoked(self, tokens, ada, mallory):
        token = tokens.create(ada, "CI", ["send"], ADA)
        (info,) = tokens.list(ada.tenant)

        with pytest.raises(NotFoundError):
            tokens.revoke(info.id, mallory.actor, mallory.tenant)

        assert tokens.authenticate(token) is not None

    def test_it_falls_with_its_makers_role(self, tokens, tenants, ada):
        token = tokens.create(ada, "CI", ["config:write"], ADA)

        tenants.add_member(ada.tenant.id, 1, Role.VIEWER)

        assert tokens.authenticate(token).role is Role.VIEWER

    def test_it_ends_when_its_maker_leaves(self, tokens, tenants, ada):
        tenants.add_member(ada.tenant.id, 2, Role.OWNER)
        token = tokens.create(ada, "CI", ["config:write"], ADA)

        tenants.remove_member(ada.tenant.id, 1, OPERATOR)

        assert tokens.authenticate(token) is None

    def test_one_of_the_operator_outlives_everybody(self, tokens, tenants, dev):
        tenants.add_member(dev.id, 2, Role.OWNER)
        token = tokens.create(dev, "CI", ["config:write"], OPERATOR)

        tenants.remove_member(dev.id, 1, OPERATOR)

        assert tokens.authenticate(token).role is Role.OWNER

    def test_it_ends_with_the_tenant(self, tokens, tenants, ada):
        token = tokens.create(ada, "CI", ["send"], ADA)

        tenants.archive("dev", ADA)

        assert tokens.authenticate(token) is None

    def test_only_owners_make_them(self, tokens, bob):
        with pytest.raises(ForbiddenError):
            tokens.create(bob, "CI", ["send"], BOB)

    def test_it_may_read_from_one_more_tenant(self, tokens, ada, prod):
        token = tokens.create(ada, "CI", ["config:read"], ADA, read_from=prod)

        assert tokens.authenticate(token).read_from == prod.id

    def test_it_reads_there_only_while_its_maker_belongs_there(self, tokens, tenants, ada, prod):
        token = tokens.create(ada, "CI", ["config:read"], ADA, read_from=prod)
        tenants.add_member(prod.id, BOB.id, Role.OWNER)

        tenants.remove_member(prod.id, ADA.id, OPERATOR, name="Ada")

        assert tokens.authenticate(token).read_from is None
        assert tokens.authenticate(token).role is Role.OWNER

    def test_nobody_makes_one_that_reads_where_they_are_a_stranger(self, tokens, tenants, ada):
        elsewhere = tenants.add("elsewhere", "Elsewhere", Environment.DEVELOPMENT, OPERATOR)

        with pytest.raises(NotFoundError):
            tokens.create(ada, "CI", ["config:read"], ADA, read_from=elsewhere)

    @pytest.mark.parametrize(
        ("name", "scopes", "pointer"),
        [("", ["send"], "/name"), ("x" * 121, ["send"], "/name"), ("CI", [], "/scopes"), ("CI", ["root"], "/scopes")],
    )
    def test_odd_ones_are_refused(self, tokens, ada, name, scopes, pointer):
        with pytest.raises(InputError) as refusal:
            tokens.create(ada, name, scopes, ADA)

        assert refusal.value.errors[0].pointer == pointer
        assert tokens.list(ada.tenant) == []

    def test_the_last_use_is_noted_at_most_once_a_minute(self, tokens, ada):
        token = tokens.create(ada, "CI", ["send"], ADA)
        start = now()

        for seconds in (0, 30, 90):
            with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
                tokens.authenticate(token)
            used = tokens.list(ada.tenant)[0].last_used_at
            assert used == start + timedelta(seconds=0 if seconds < 60 else 90)
