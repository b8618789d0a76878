"""init, user, tenant and token."""

from __future__ import annotations

import pytest

from tests.cli.conftest import PASSWORD, Run


class TestInit:
    def test_it_makes_an_administrator_and_two_tenants(self, bare: Run) -> None:
        done = bare("init", "--email", "ada@example.com", "--password-stdin", typed=PASSWORD)

        assert done.code == 0
        assert [each["slug"] for each in bare("tenant", "list", "--json").json] == ["dev", "prod"]
        assert [each["environment"] for each in bare("tenant", "list", "--json").json] == ["development", "production"]
        (person,) = bare("user", "list", "--json").json
        assert (person["email"], person["administrator"]) == ("ada@example.com", True)

    def test_it_is_safe_to_repeat(self, run: Run) -> None:
        before = run("tenant", "list", "--json").json

        again = run("init", "--email", "Ada@example.com", "--password-stdin", "--non-interactive", typed="another one")

        assert again.code == 0
        assert run("tenant", "list", "--json").json == before
        assert len(run("user", "list", "--json").json) == 1

    def test_a_second_administrator_is_not_made_by_it(self, run: Run) -> None:
        done = run("init", "--email", "mallory@example.com", "--password-stdin", typed=PASSWORD)

        assert done.code == 1
        assert len(run("user", "list", "--json").json) == 1

    def test_it_never_asks_where_nobody_answers(self, bare: Run) -> None:
        done = bare("init", "--email", "ada@example.com", "--non-interactive")

        assert done.code == 2
        assert "--password-stdin" in done.err

    @pytest.mark.parametrize(
        ("email", "password", "pointer"),
        [("ada@example.com", "short", "/password"), ("not an address", PASSWORD, "/email")],
    )
    def test_what_cannot_be_used_is_named(self, bare: Run, email: str, password: str, pointer: str) -> None:
        done = bare("init", "--email", email, "--password-stdin", typed=password)

        assert done.code == 2
        assert pointer in done.err
        assert bare("user", "list", "--json").json == []


class TestUser:
    def test_the_operator_gets_a_link_that_signs_somebody_in(self, run: Run) -> None:
        done = run("user", "sign-in-link", "ada@example.com", POSTROOM_PUBLIC_URL="https://mail.example.com")

        assert done.code == 0
        assert done.out.startswith("https://mail.example.com/sign-in/link/")
        assert "once, within 15 minutes" in done.err

    def test_nobody_else_gets_one(self, run: Run) -> None:
        done = run("user", "sign-in-link", "mallory@example.com")

        assert done.code == 1
        assert done.out == ""

    def test_a_person_joins_a_tenant(self, run: Run) -> None:
        done = run("user", "add", "bob@example.com", "--password-stdin", "--tenant", "dev:editor", typed=PASSWORD)

        assert done.code == 0
        assert "bob@example.com" in run("user", "list").out

    def test_a_role_that_is_none_adds_nobody(self, run: Run) -> None:
        done = run("user", "add", "bob@example.com", "--password-stdin", "--tenant", "dev:king", typed=PASSWORD)

        assert done.code == 2
        assert "viewer" in done.err
        assert "bob@example.com" not in run("user", "list").out

    def test_a_password_is_reset(self, run: Run) -> None:
        assert run("user", "reset-password", "ada@example.com", "--password-stdin", typed=f"{PASSWORD} 2").code == 0

    def test_a_second_factor_that_was_lost_is_taken_away(self, run: Run) -> None:
        done = run("user", "reset-second-factor", "Ada@example.com")

        assert done.code == 0
        assert "by password alone" in done.out

    def test_a_second_factor_of_nobody_is_refused(self, run: Run) -> None:
        done = run("user", "reset-second-factor", "nobody@example.com")

        assert done.code != 0
        assert "no account with the address nobody@example.com" in done.err

    def test_nobody_has_no_password(self, run: Run) -> None:
        done = run("user", "reset-password", "nobody@example.com", "--password-stdin", typed=PASSWORD)

        assert done.code == 1
        assert "nobody@example.com" in done.err


class TestTenant:
    def test_one_is_added_and_archived(self, run: Run) -> None:
        assert run("tenant", "add", "acme", "--environment", "development", "--owner", "ada@example.com").code == 0
        assert run("tenant", "archive", "acme", "--yes").code == 0

        assert "acme" not in run("tenant", "list").out
        assert "archived" in run("tenant", "list", "--archived").out

    def test_archiving_asks_first(self, run: Run) -> None:
        assert run("tenant", "archive", "dev", typed="n\n").code == 1

        assert "dev" in run("tenant", "list").out

    def test_one_that_is_there_is_not_added_again(self, run: Run) -> None:
        done = run("tenant", "add", "dev", "--environment", "development")

        assert done.code == 1
        assert "dev" in done.err


class TestToken:
    def test_it_is_the_last_word_of_the_line(self, run: Run) -> None:
        done = run("token", "create", "dev", "--name", "pipeline of ours", "--scope", "config:read", "--scope", "send")

        assert done.code == 0
        (line,) = done.out.splitlines()
        assert line.split()[-1].startswith("prt_")

    @pytest.mark.parametrize(
        "scopes",
        [
            ["--scope", "config:read", "--scope", "send"],
            ["--scope", "config:read", "send"],
            ["--scope", "config:read,send"],
        ],
    )
    def test_scopes_are_given_as_one_likes(self, run: Run, scopes: list[str]) -> None:
        made = run("token", "create", "dev", "--name", "ci", *scopes, "--json").json

        assert made["scopes"] == ["config:read", "send"]

    def test_an_unknown_scope_makes_none(self, run: Run) -> None:
        done = run("token", "create", "dev", "--name", "ci", "--scope", "everything")

        assert done.code == 2
        assert "config:read" in done.err
        assert done.out == ""

    def test_a_list_shows_no_token(self, run: Run) -> None:
        plain = run("token", "create", "dev", "--name", "ci", "--scope", "send").out.split()[-1]

        listed = run("token", "list", "dev")

        assert "ci" in listed.out
        assert plain not in listed.out + run("token", "list", "dev", "--json").out

    def test_a_revoked_one_says_so(self, run: Run) -> None:
        run("token", "create", "dev", "--name", "ci", "--scope", "send")
        (token,) = run("token", "list", "dev", "--json").json

        assert run("token", "revoke", "dev", str(token["id"])).code == 0

        assert run("token", "list", "dev", "--json").json[0]["revokedAt"]
        assert run("token", "revoke", "prod", str(token["id"])).code == 1

    def test_one_may_read_another_tenant(self, run: Run) -> None:
        done = run("token", "create", "prod", "--name", "ci", "--scope", "config:write", "--read-from", "dev")

        assert done.code == 0
