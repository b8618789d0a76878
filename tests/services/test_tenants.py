import pytest

from tests.services.conftest import ADA, BOB, MALLORY
from webapp.domain.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from webapp.domain.roles import OPERATOR, Actor, Environment, Role
from webapp.services.audit import Audit
from webapp.services.naming import suggested_slug
from webapp.services.tokens import Tokens

ROOT = Actor("person", 9, "root@example.com", administrator=True)


class TestAdding:
    def test_a_tenant_begins_empty(self, tenants):
        tenant = tenants.add("acme-dev", " Acme ", "development", ADA)

        assert (tenant.slug, tenant.name, tenant.environment) == ("acme-dev", "Acme", Environment.DEVELOPMENT)
        assert (tenant.active_revision, tenant.production, tenant.archived) == (0, False, False)
        assert tenants.by_slug("acme-dev") == tenant
        assert tenants.by_id(tenant.id) == tenant

    def test_it_is_audited(self, tenants, db):
        tenant = tenants.add("acme", "Acme", "production", ADA)

        (event,) = Audit().events(db, tenant.id)
        assert (event.action, event.actor_name, event.detail["environment"]) == (
            "tenant.added",
            "ada@example.com",
            "production",
        )

    def test_two_of_one_name_are_refused(self, tenants, dev):
        with pytest.raises(ConflictError):
            tenants.add("dev", "Again", "development", ADA)

    @pytest.mark.parametrize("slug", ["", "Acme", "a_b", "a--b", "-a", "a-", "a b", "ä", "a/b", "x" * 65])
    def test_odd_slugs_are_refused(self, tenants, slug):
        with pytest.raises(InputError) as refusal:
            tenants.add(slug, "Acme", "development", ADA)

        assert refusal.value.errors[0].pointer == "/slug"

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 121])
    def test_odd_names_are_refused(self, tenants, name):
        with pytest.raises(InputError) as refusal:
            tenants.add("acme", name, "development", ADA)

        assert refusal.value.errors[0].pointer == "/name"

    def test_another_environment_is_refused(self, tenants):
        with pytest.raises(InputError) as refusal:
            tenants.add("acme", "Acme", "staging", ADA)

        assert refusal.value.errors[0].pointer == "/environment"


class TestAccess:
    def test_members_have_their_role(self, tenants, dev):
        assert tenants.access(ADA, "dev").role is Role.OWNER
        assert tenants.access(BOB, "dev").role is Role.EDITOR

    def test_strangers_cannot_tell_a_tenant_from_none(self, tenants, dev):
        with pytest.raises(NotFoundError) as stranger:
            tenants.access(MALLORY, "dev")
        with pytest.raises(NotFoundError) as nothing:
            tenants.access(MALLORY, "nowhere")

        assert str(stranger.value) == str(nothing.value)

    def test_an_administrator_may_read_every_tenant(self, tenants, dev):
        assert tenants.access(ROOT, "dev").role is Role.VIEWER

    def test_an_administrator_who_is_a_member_keeps_the_role(self, tenants, dev):
        tenants.add_member(dev.id, 9, Role.OWNER)

        assert tenants.access(ROOT, "dev").role is Role.OWNER

    def test_the_operator_owns_every_tenant(self, tenants, dev):
        assert tenants.access(OPERATOR, "dev").role is Role.OWNER

    @pytest.mark.parametrize("kind", ["token", "system"])
    def test_another_kind_of_actor_with_the_id_of_a_member_is_a_stranger(self, tenants, dev, kind):
        with pytest.raises(NotFoundError):
            tenants.access(Actor(kind, 1, "?"), "dev")

    def test_a_removed_member_is_a_stranger(self, tenants, dev):
        tenants.remove_member(dev.id, 2, ADA)

        with pytest.raises(NotFoundError):
            tenants.access(BOB, "dev")
        with pytest.raises(NotFoundError):
            tenants.remove_member(dev.id, 2, ADA)

    def test_a_role_can_be_changed(self, tenants, dev):
        tenants.add_member(dev.id, 2, Role.VIEWER)

        assert tenants.access(BOB, "dev").role is Role.VIEWER
        assert [(member.person_id, member.role) for member in tenants.members(dev.id)] == [
            (1, Role.OWNER),
            (2, Role.VIEWER),
        ]

    def test_people_see_their_tenants(self, tenants, dev, prod, others):
        assert [(tenant.slug, role) for tenant, role in tenants.of_person(2)] == [
            ("dev", Role.EDITOR),
            ("prod", Role.EDITOR),
        ]
        assert [(tenant.slug, role) for tenant, role in tenants.of_person(9, administrator=True)] == [
            ("dev", Role.VIEWER),
            ("prod", Role.VIEWER),
            ("others", Role.VIEWER),
        ]


class TestArchiving:
    def test_it_is_hidden_from_everybody(self, tenants, dev):
        tenants.archive("dev", ADA)

        with pytest.raises(NotFoundError):
            tenants.access(ADA, "dev")
        assert tenants.all() == []
        assert tenants.of_person(1) == []
        assert [tenant.archived for tenant in tenants.all(include_archived=True)] == [True]
        with pytest.raises(NotFoundError):
            tenants.archive("dev", ADA)


class TestSandboxPassword:
    def test_it_is_made_once(self, tenants, dev):
        first = tenants.sandbox_password(dev)

        assert len(first.get_secret_value()) > 20
        assert tenants.sandbox_password(dev).get_secret_value() == first.get_secret_value()

    def test_production_has_none(self, tenants, prod):
        with pytest.raises(ForbiddenError):
            tenants.sandbox_password(prod)


class TestArchive:
    def test_its_tokens_end_for_good(self, tenants, db, dev):
        tokens = Tokens(db, Audit())
        plain = tokens.create(dev, "pipeline", ["config:read"], OPERATOR)

        tenants.archive("dev", ADA)
        tenants.bring_back("dev", ROOT)

        assert tokens.authenticate(plain) is None

    def test_it_comes_back_as_it_was(self, tenants, db, dev):
        tenants.archive("dev", ADA)

        tenants.bring_back("dev", ROOT)

        assert tenants.by_slug("dev") == dev
        assert tenants.access(BOB, "dev").role is Role.EDITOR
        assert Audit().events(db, dev.id)[0].action == "tenant.brought_back"

    def test_only_what_is_archived_comes_back(self, tenants, dev):
        with pytest.raises(NotFoundError):
            tenants.bring_back("dev", ROOT)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Staging", "acme-staging"),
        ("  Ärger & Söhne, GmbH ", "arger-sohne-gmbh"),
        ("日本", ""),
        ("a" * 80, "a" * 64),
    ],
)
def test_a_short_name_is_made_of_a_name(name, slug):
    assert suggested_slug(name) == slug
