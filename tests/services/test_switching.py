"""What comes along from one provider to another, for every pair of them, and what is said of the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.canary import CANARY
from webapp.connectors import CONNECTORS
from webapp.connectors.base import Connector
from webapp.connectors.config import secrets_of, settings_of
from webapp.services.carrying import Provider, carried
from webapp.services.defaults import default_templates
from webapp.services.switching import Switch, losses, switched

FROM = "Acme <no-reply@mail.example.com>"
HEADERS = {"X-Entity-Ref-ID": "signin"}


def sides() -> list[Provider]:
    """Every connector, plain and by each of its presets."""
    return [Provider(kind, preset) for kind in CONNECTORS.values() for preset in (None, *kind.presets())]


def side(name: str) -> Provider:
    """A side by its name, such as ``smtp:gmail``."""
    return next(each for each in sides() if _name(each) == name)


def _name(each: Provider) -> str:
    return f"{each.kind.kind}:{each.preset.id}" if each.preset else each.kind.kind


def filled(each: Provider, **given: Any) -> dict[str, Any]:
    """A config in which every setting says something, secrets as marks."""
    config: dict[str, Any] = {}
    for setting in settings_of(each.kind.config_model):
        value: Any = setting.default if setting.default is not None else setting.about.example or "example"
        if setting.about.secret:
            value = {"$secret": {"set": True}}
        elif setting.kind == "headers":
            value = HEADERS
        _put(config, setting.path, value)
    known = {setting.path[0] for setting in settings_of(each.kind.config_model)}
    usual = {"fromEmail": FROM, "senderName": "Acme"}
    return config | {key: value for key, value in usual.items() if key in known} | deepcopy(dict(each.begins)) | given


def _put(config: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        config = config.setdefault(key, {})
    config[path[-1]] = value


def document(config: Mapping[str, Any], kind: type[Connector[Any]], **templates: Any) -> dict[str, Any]:
    cells = {
        usage_type.value: {tag: cell.model_dump(mode="json", by_alias=True) for tag, cell in languages.items()}
        for usage_type, languages in default_templates().items()
    }
    for usage_type, changed in templates.items():
        cells[usage_type]["*"] |= changed
    return {"connector": {"provider": kind.kind, "config": dict(config)}, "templates": cells}


def said(old: Provider, new: Provider, config: Mapping[str, Any] | None = None, **templates: Any) -> Switch:
    before = filled(old) if config is None else config
    was = document(before, old.kind, **templates)
    becomes = document(carried(old, before, new).config, new.kind, **templates)
    switch = switched(old, was, new, becomes)
    assert switch
    return switch


class TestEveryPair:
    @settings(max_examples=300, deadline=None)
    @given(old=st.sampled_from(sides()), new=st.sampled_from(sides()))
    def test_only_settings_of_the_new_provider_are_there_and_no_secret(self, old: Provider, new: Provider) -> None:
        config = carried(old, filled(old), new).config

        places = {setting.path for setting in settings_of(new.kind.config_model)}
        secret = {setting.path for setting in secrets_of(new.kind.config_model)}
        found = set(_leaves(config, places))
        assert found <= places
        assert not found & secret
        assert "$secret" not in json.dumps(config)

    @settings(max_examples=300, deadline=None)
    @given(old=st.sampled_from(sides()), new=st.sampled_from(sides()), text=st.text(max_size=40))
    def test_nothing_that_is_typed_makes_it_fail_or_carries_a_secret(
        self, old: Provider, new: Provider, text: str
    ) -> None:
        before = filled(old)
        for setting in settings_of(old.kind.config_model):
            if setting.kind == "text":
                _put(before, setting.path, text)
            elif setting.about.secret:
                _put(before, setting.path, f"{CANARY}-{text}")

        config = carried(old, before, new).config

        assert CANARY not in json.dumps(config)
        switched(old, document(before, old.kind), new, document(config, new.kind))

    @settings(max_examples=100, deadline=None)
    @given(old=st.sampled_from(sides()), new=st.sampled_from(sides()))
    def test_neither_side_is_changed(self, old: Provider, new: Provider) -> None:
        before = filled(old)
        was, begins = json.dumps(before), json.dumps(dict(new.begins))

        carried(old, before, new).config["added"] = True

        assert (json.dumps(before), json.dumps(dict(new.begins))) == (was, begins)

    @pytest.mark.parametrize("new", sides(), ids=_name)
    def test_the_sender_comes_along_wherever_there_is_a_place_for_it(self, new: Provider) -> None:
        found = carried(side("smtp"), filled(side("smtp")), new)

        if ("fromEmail",) in {setting.path for setting in settings_of(new.kind.config_model)}:
            # Where another choice has to be made first, it waits.
            assert (found.config | found.aside)["fromEmail"] == FROM


def _leaves(config: Any, places: set[tuple[str, ...]], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in config.items():
        here = (*path, key)
        if here in places or not isinstance(value, Mapping):
            yield here
        else:
            yield from _leaves(value, places, here)


class TestOneCompany:
    """By SMTP and by its API, a provider is one company: its region is known."""

    @pytest.mark.parametrize(
        ("old", "config", "new", "wanted"),
        [
            ("smtp:amazon-ses", {"host": "email-smtp.eu-west-1.amazonaws.com"}, "aws-ses", {"region": "eu-west-1"}),
            ("aws-ses", {"region": "eu-west-1"}, "smtp:amazon-ses", {"host": "email-smtp.eu-west-1.amazonaws.com"}),
            ("smtp", {"host": "email-smtp.us-east-2.amazonaws.com"}, "aws-ses", {"region": "us-east-2"}),
            (
                "smtp:sendgrid",
                {"host": "smtp.eu.sendgrid.net"},
                "sendgrid",
                {"endpoint": "https://api.eu.sendgrid.com"},
            ),
            (
                "sendgrid",
                {"endpoint": "https://api.eu.sendgrid.com"},
                "smtp:sendgrid",
                {"host": "smtp.eu.sendgrid.net"},
            ),
            (
                "smtp:mailgun-eu",
                {"auth": {"type": "login", "user": "postmaster@mg.example.com"}},
                "mailgun",
                {"endpoint": "https://api.eu.mailgun.net", "domain": "mg.example.com"},
            ),
            (
                "smtp:aliyun-direct-mail",
                {"host": "smtpdm-ap-southeast-1.aliyuncs.com"},
                "aliyun-dm",
                {"regionId": "ap-southeast-1"},
            ),
            (
                "aliyun-dm",
                {"regionId": "ap-southeast-1"},
                "smtp:aliyun-direct-mail",
                {"host": "smtpdm-ap-southeast-1.aliyuncs.com"},
            ),
            ("smtp:postmark", {}, "postmark", {}),
        ],
        ids=[
            "ses to its api",
            "ses to smtp",
            "a server typed by hand",
            "sendgrid eu to its api",
            "sendgrid eu to smtp",
            "mailgun to its api",
            "aliyun to its api",
            "aliyun to smtp",
            "postmark to its api",
        ],
    )
    def test_the_region_comes_along(self, old: str, config: dict[str, Any], new: str, wanted: dict[str, Any]) -> None:
        before = filled(side(old), **config)

        after = carried(side(old), before, side(new)).config

        assert {key: after[key] for key in wanted} == wanted

    def test_a_region_of_another_company_does_not(self) -> None:
        after = carried(side("smtp:gmail"), filled(side("smtp:gmail")), side("aws-ses")).config

        assert "region" not in after


class TestShapes:
    """One address with a name, a name alone, a domain alone: each asks for what it needs."""

    def test_a_display_name_becomes_the_sender_name_of_the_built_in_service(self) -> None:
        after = carried(side("smtp"), filled(side("smtp")), side("built-in")).config

        assert after == {"senderName": "Acme"}

    def test_a_display_name_that_is_a_web_address_does_not(self) -> None:
        before = filled(side("smtp"), fromEmail="www.example.com <no-reply@example.com>")

        assert carried(side("smtp"), before, side("built-in")).config == {}

    def test_the_senders_domain_becomes_that_of_mailgun(self) -> None:
        after = carried(side("postmark"), filled(side("postmark")), side("mailgun")).config

        assert after["domain"] == "mail.example.com"

    def test_a_sender_waits_where_the_mail_is_not_made_here_yet(self) -> None:
        found = carried(side("smtp"), filled(side("smtp")), side("http-email"))

        assert "fromEmail" not in found.config
        assert found.aside["fromEmail"] == FROM


class TestWhatIsSaid:
    def test_the_same_provider_is_no_switch(self) -> None:
        one = document(filled(side("smtp")), side("smtp").kind)

        assert switched(side("smtp"), one, side("smtp"), one) is None

    def test_what_comes_along_is_named(self) -> None:
        switch = said(side("smtp"), side("sendgrid"))

        assert {str(label) for label in switch.carried} == {"From", "Reply to", "Custom headers"}

    def test_what_has_no_place_is_named_with_its_value_and_the_old_login_is_not(self) -> None:
        before = filled(side("smtp"), name="mail.example.com")

        switch = said(side("smtp"), side("sendgrid"), before)

        dropped = {str(each.label): each.value for each in switch.dropped}
        assert dropped["EHLO name"] == "mail.example.com"
        assert not {"Server", "Port", "User name", "Password"} & set(dropped)

    def test_secrets_that_have_to_be_typed_are_named(self) -> None:
        switch = said(side("smtp"), side("postmark"))

        assert [str(label) for label in switch.retyped] == ["Server API token"]

    def test_no_secret_is_asked_for_that_no_choice_needs(self) -> None:
        switch = said(side("sendgrid"), side("smtp"))

        assert [str(label) for label in switch.retyped] == ["Password"]

    def test_a_mail_that_a_stored_template_made_cannot_go_without_one(self) -> None:
        stored = {"providerTemplate": {"id": "sign-in"}, "content": ""}

        found = said(side("postmark"), side("sendgrid"), SignIn=stored).losses

        assert [(loss.breaks, [str(mail) for mail in loss.mails]) for loss in found] == [(True, ["Sign in"])]

    def test_between_two_that_store_templates_the_name_has_to_be_there(self) -> None:
        stored = document({}, side("postmark").kind, SignIn={"providerTemplate": {"id": "sign-in"}, "content": ""})

        found = list(losses(side("postmark").kind, {}, stored["templates"]))

        assert [loss.breaks for loss in found] == [False]
