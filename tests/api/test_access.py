"""Every route of the API, asked by everybody who might ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.api.conftest import API, House, opened_house, smtp
from tests.api.problems import assert_problem
from webapp.api.blueprint import ROUTES
from webapp.api.security import Route
from webapp.domain.roles import OPERATOR, Environment, Permission, Role, Scope

_VALUES: Final = {
    "tenant": "dev",
    "kind": "smtp",
    "number": "1",
    "mail_id": "none",
    "plan_id": "none",
    "proposal_id": "none",
}
TENANT_ROUTES: Final = [route for route in ROUTES if route.tenant]
SCOPED: Final = [route for route in ROUTES if route.scope]


@pytest.fixture(scope="module")
def house(fresh_house: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all questions of this module; none of them leaves a mark on the next."""
    with opened_house(fresh_house, tmp_path_factory.mktemp("access") / "instance") as house:
        yield house


def named(route: Route) -> str:
    return f"{route.method} {route.rule}"


def path(route: Route, tenant: str = "dev") -> str:
    values = {**_VALUES, "tenant": tenant}
    plain = re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda match: values[match[1]], route.rule)
    return f"{plain}?timeout=0" if plain.endswith("/wait") else plain


def ask(api: API, route: Route, tenant: str = "dev") -> int:
    return api.call(route.method, path(route, tenant)).status_code


@pytest.mark.parametrize("route", ROUTES, ids=named)
class TestEveryRoute:
    def test_without_a_token_nothing_is_told(self, anonymous: API, route: Route) -> None:
        response = anonymous.call(route.method, path(route))

        assert_problem(response, 401, "access.unauthenticated")
        assert response.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("header", ["Bearer prt_wrong", "Bearer", "Basic YWRhOmFkYQ==", "prt_wrong", "Bearer \xe9"])
    def test_a_bad_token_is_as_good_as_none(self, anonymous: API, route: Route, header: str) -> None:
        response = anonymous.call(route.method, path(route), headers={"Authorization": header})

        assert_problem(response, 401, "access.unauthenticated")

    def test_a_revoked_token_is_as_good_as_none(self, house: House, ada: API, route: Route) -> None:
        tenant = house.tenant("dev")
        house.services.tokens.revoke(house.services.tokens.list(tenant)[0].id, OPERATOR)

        assert_problem(ada.call(route.method, path(route)), 401, "access.unauthenticated")

    def test_a_cookie_is_no_token(self, anonymous: API, ada: API, route: Route) -> None:
        anonymous.client.set_cookie("Authorization", f"Bearer {ada.token}")

        assert_problem(anonymous.call(route.method, path(route)), 401, "access.unauthenticated")


@pytest.mark.parametrize("route", TENANT_ROUTES, ids=named)
class TestEveryTenantRoute:
    def test_mallory_cannot_tell_dev_from_nothing(self, mallory: API, route: Route) -> None:
        there = mallory.call(route.method, path(route, "dev"))
        nowhere = mallory.call(route.method, path(route, "no-such-tenant"))

        assert assert_problem(there, 404, "resource.not_found") == assert_problem(nowhere, 404, "resource.not_found")

    def test_an_archived_tenant_has_no_tokens(self, house: House, route: Route) -> None:
        slug = f"old-{len(house.services.tenants.all(include_archived=True))}"
        house.services.tenants.add(slug, "Old", Environment.DEVELOPMENT, OPERATOR)
        old = house.api(slug)
        house.services.tenants.archive(slug, OPERATOR)

        assert_problem(old.call(route.method, path(route, slug)), 401, "access.unauthenticated")


@pytest.mark.parametrize("route", SCOPED, ids=named)
class TestEveryScopedRoute:
    @pytest.mark.parametrize("scope", Scope)
    def test_one_scope_opens_its_own_routes_and_no_others(self, house: House, route: Route, scope: Scope) -> None:
        enough = {route.scope} | ({Scope.CONFIG_WRITE} if route.scope is Scope.CONFIG_READ else set())

        status = ask(house.api("dev", scopes=(scope,)), route)

        assert (status != 403) is (scope in enough)

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
    def test_a_role_opens_what_it_may(self, house: House, route: Route, role: Role) -> None:
        needed = {Permission.READ: Role, Permission.RESTORE: {Role.OWNER}}
        enough = needed.get(route.permission, {Role.EDITOR, Role.OWNER})

        status = ask(house.api("dev", role=role), route)

        assert (status != 403) is (role in enough)


def test_every_route_is_declared(house: House) -> None:
    public = {"api.show_openapi", "api.show_documentation"}
    declared = {f"api.{route.view.__name__}" for route in ROUTES}

    registered = {rule.endpoint for rule in house.app.url_map.iter_rules() if rule.rule.startswith("/api")}

    assert registered == declared | public


def test_every_route_records_what_it_needs(house: House) -> None:
    views = house.app.view_functions

    assert all(getattr(views[f"api.{route.view.__name__}"], "permission", None) for route in ROUTES)


class TestRoles:
    def test_an_editor_in_production_may_look_but_not_save(self, house: House) -> None:
        bob = house.api("prod", role=Role.EDITOR)

        assert bob.put("/tenants/prod/setup?dryRun=true", json={"connector": smtp()}).status_code == 200
        assert_problem(bob.put("/tenants/prod/setup?reason=x", json={"connector": smtp()}), 403, "access.forbidden")

    def test_a_lowered_maker_lowers_the_token(self, house: House) -> None:
        api = house.api("dev", role=Role.VIEWER)

        assert api.get("/tenants/dev/setup").status_code == 200
        assert_problem(api.put("/tenants/dev/setup", json={"connector": smtp()}), 403, "access.forbidden")


class TestReadFrom:
    @pytest.fixture
    def reader(self, house: House) -> API:
        """A token of prod that may read dev."""
        return house.api("prod", read_from="dev")

    def test_it_sees_both(self, reader: API) -> None:
        seen = {each["slug"]: each["role"] for each in reader.get("/tenants").json}

        assert seen == {"prod": "owner", "dev": "viewer"}

    def test_it_reads_the_other_setup(self, reader: API) -> None:
        assert reader.get("/tenants/dev/setup").status_code == 200
        assert reader.get("/tenants/dev/revisions").status_code == 200

    @pytest.mark.parametrize(
        "route", [each for each in SCOPED if each.tenant and each.scope is not Scope.CONFIG_READ], ids=named
    )
    def test_it_does_nothing_else_there(self, reader: API, route: Route) -> None:
        assert_problem(reader.call(route.method, path(route)), 403, "access.forbidden")

    def test_a_third_tenant_does_not_exist_for_it(self, reader: API) -> None:
        assert_problem(reader.get("/tenants/elsewhere/setup"), 404, "resource.not_found")


def test_the_list_of_tenants_is_the_tokens_own(ada: API, mallory: API) -> None:
    assert [each["slug"] for each in ada.get("/tenants").json] == ["dev"]
    assert [each["slug"] for each in mallory.get("/tenants").json] == ["elsewhere"]
