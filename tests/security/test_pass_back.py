"""Mallory has a tenant's keyboard, but not its password: she wants it sent to a server of hers."""

from __future__ import annotations

import pytest

from tests.api.conftest import API, smtp
from tests.canary import CANARY
from tests.security.conftest import kept

ELSEWHERE = [
    pytest.param({"host": "smtp.example.net"}, id="another host"),
    pytest.param({"host": "smtp.example.com.example.net"}, id="a host that begins like it"),
    pytest.param({"host": "evil-smtp.example.com"}, id="a host that ends like it"),
    pytest.param({"host": "smtp.exаmple.com"}, id="a Cyrillic letter"),  # noqa: RUF001
    pytest.param({"host": "smtp.example.com。example.net"}, id="an ideographic full stop"),
    pytest.param({"host": "127.0.0.1"}, id="this machine"),
    pytest.param({"host": "2130706433"}, id="this machine as a number"),
    pytest.param({"servername": "smtp.example.net"}, id="another certificate's name"),
    pytest.param({"security": "opportunistic"}, id="encryption left to chance"),
    pytest.param(
        {"security": "none", "allowInsecureAuth": True, "insecureAuthReason": "why not"}, id="no encryption at all"
    ),
    pytest.param(
        {"security": "opportunistic", "allowInsecureAuth": True, "insecureAuthReason": "why not", "port": 25},
        id="in clear at another port",
    ),
]
SAME_PLACE = [
    pytest.param({"host": "SMTP.Example.COM"}, id="capitals"),
    pytest.param({"host": "smtp.example.com."}, id="a final dot"),
    pytest.param({"host": " smtp.example.com "}, id="spaces around"),
    pytest.param({"host": "ｓｍｔｐ.example.com"}, id="full-width letters"),  # noqa: RUF001
    pytest.param({"port": 465, "security": "tls"}, id="TLS at another port"),
]


class TestMallory:
    @pytest.mark.parametrize("changed", ELSEWHERE)
    def test_cannot_save_or_plan_or_test_the_password_elsewhere(self, saved: API, changed) -> None:
        document = {**saved.get("/tenants/dev/setup").json, "connector": kept(**changed)}
        sends = {"connector": kept(**changed), "to": "mallory@example.net"}

        answers = [
            saved.put("/tenants/dev/setup", json=document),
            saved.put("/tenants/dev/setup?dryRun", json=document),
            saved.put("/tenants/dev/setup", json=document, headers={"If-Match": '"1"'}),
            saved.post("/tenants/dev/check", json={"connector": kept(**changed)}),
            saved.post("/tenants/dev/test-send", json=sends),
        ]

        assert {(each.status_code, each.json["code"]) for each in answers} == {(422, "secret.retype_required")}

    @pytest.mark.parametrize("changed", ELSEWHERE)
    def test_cannot_patch_it_away_in_small_steps(self, saved: API, changed) -> None:
        operations = [
            {"op": "add", "path": f"/connector/config/{name}", "value": value} for name, value in changed.items()
        ]

        for steps in (operations, *([each] for each in operations), operations):
            saved.patch("/tenants/dev/setup", json=steps)

        config = saved.get("/tenants/dev/setup").json["connector"]["config"]
        place = {name: config.get(name) for name in ("host", "security", "servername")}
        assert place == {"host": "smtp.example.com", "security": "starttls", "servername": None}

    @pytest.mark.parametrize("changed", SAME_PLACE)
    def test_is_not_needed_where_the_place_stays_the_same(self, saved: API, changed) -> None:
        document = {**saved.get("/tenants/dev/setup").json, "connector": kept(**changed)}

        assert saved.put("/tenants/dev/setup?dryRun", json=document).status_code == 200

    @pytest.mark.parametrize("target", ["fromEmail", "auth/user", "replyTo", "name", "customHeaders/X-Password"])
    @pytest.mark.parametrize("op", ["copy", "move"])
    def test_cannot_have_it_copied_into_a_setting_that_is_shown(self, saved: API, target, op) -> None:
        operation = {"op": op, "from": "/connector/config/auth/pass", "path": f"/connector/config/{target}"}

        assert saved.patch("/tenants/dev/setup", json=[operation]).status_code == 422

    @pytest.mark.parametrize("mark", [{"set": True}, {"draft": True}, {"env": "SMTP"}, {"set": True, "env": "SMTP"}])
    @pytest.mark.parametrize("slug", ["elsewhere", "prod"])
    def test_cannot_take_it_along_into_another_tenant(self, saved: API, calls, mark, slug) -> None:
        own = calls(slug)
        auth = {"type": "login", "user": "ada", "pass": {"$secret": mark}}

        answers = [
            own.post(f"/tenants/{slug}/check", json={"connector": smtp(auth=auth)}),
            own.put(f"/tenants/{slug}/setup", json={"connector": smtp(auth=auth)}),
        ]

        assert {each.status_code for each in answers} == {422}

    def test_gets_one_and_the_same_answer_for_what_the_operator_lends_others(self, house, calls, monkeypatch) -> None:
        monkeypatch.setenv("POSTROOM_SECRET__DEV__RELAY", f"{CANARY}-lent")
        monkeypatch.setenv("POSTROOM_SECRET__DEV__RELAY__FOR", "smtp.example.com")
        tried = [("dev", "RELAY", "smtp.example.net"), ("dev", "NOTHING", "smtp.example.com")]
        tried += [("dev", "RELAY__FOR", "smtp.example.com"), ("elsewhere", "RELAY", "smtp.example.com")]

        answers = set()
        for slug, name, host in tried:
            auth = {"type": "login", "user": "ada", "pass": {"$secret": {"env": name}}}
            found = calls(slug).post(f"/tenants/{slug}/check", json={"connector": smtp(host=host, auth=auth)})
            answers.add((found.status_code, found.text))

        assert len(answers) == 1
        assert "secret.unavailable" in answers.pop()[1]
