"""What the operator may write into the environment, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from tests.canary import CANARY
from webapp.cli.doctor import shown_settings
from webapp.settings import Limit, Settings, documented_settings


def refusal(**given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings(**given)  # type: ignore[arg-type]
    return str(caught.value)


class TestLimits:
    @pytest.mark.parametrize("written", ["10/10 minutes", "200/day", "1/second", "5/2 hours"])
    def test_are_shown_as_they_are_written(self, written: str) -> None:
        assert str(Limit.parse(written)) == written

    def test_come_in_two(self) -> None:
        assert Settings(test_send_limits="3/minute,9/2 days").test_send_limits == (Limit(3, 60), Limit(9, 172800))  # type: ignore[arg-type]

    @pytest.mark.parametrize("written", ["10/minute", "1/day,2/day,3/day", "", "many,200/day", "0/day,1/day"])
    def test_are_refused_otherwise(self, written: str) -> None:
        assert "10/10 minutes" in refusal(test_send_limits=written)


class TestAddresses:
    @pytest.mark.parametrize("url", ["https://mail.example.com", "http://[::1]:8420/", "https://mail.example.com:8443"])
    def test_of_the_console_are_bare(self, url: str) -> None:
        assert Settings(public_url=url).base_url == url.rstrip("/")

    @pytest.mark.parametrize(
        "url",
        [
            "mail.example.com",
            "ftp://mail.example.com",
            "https://",
            "https://u:p@x.example",
            "https://x/y",
            "https://x:y",
        ],
    )
    def test_of_the_console_that_are_no_such_thing_are_refused(self, url: str) -> None:
        assert "https://mail.example.com" in refusal(public_url=url)

    @pytest.mark.parametrize(
        "url", ["postgres://u:pw@h/d", "mysql://h/d", "nonsense", "postgresql+psycopg://u:pw@h:x/d"]
    )
    def test_of_a_database_that_we_cannot_use_are_refused_without_showing_them(self, url: str) -> None:
        words = refusal(database_url=url)

        assert "pw" not in words.replace("password", "")

    def test_may_be_set_to_nothing(self) -> None:
        settings = Settings(public_url="", database_url="")

        assert (settings.public_url, settings.database_url) == (None, None)


class TestKeys:
    def test_are_taken_newest_first(self) -> None:
        newest, oldest = Fernet.generate_key().decode(), Fernet.generate_key().decode()

        assert Settings(secret_keys=f"{newest}, {oldest}").secret_keys == (newest, oldest)  # type: ignore[arg-type]

    @pytest.mark.parametrize("key", [f"{CANARY}-key", "é" * 44, "a" * 43])
    def test_that_are_none_are_refused_without_showing_them(self, key: str) -> None:
        words = refusal(secret_keys=key)

        assert "32 random bytes" in words
        assert key not in words


class TestRelay:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("smtps://smtp.example.com", ("smtp.example.com", 465, "tls")),
            ("smtp://smtp.example.com?starttls", ("smtp.example.com", 587, "starttls")),
            ("smtp://relay.lan:2525", ("relay.lan", 2525, "opportunistic")),
            ("smtp://localhost", ("localhost", 25, "none")),
            ("smtp://[::1]:26/", ("::1", 26, "none")),
        ],
    )
    def test_is_read_from_one_address(self, written: str, meant: tuple[str, int, str]) -> None:
        relay = Settings(builtin_smtp_url=written, builtin_from="postroom@example.com").builtin_smtp_url  # type: ignore[arg-type]

        assert relay
        assert (relay.host, relay.port, relay.security) == meant

    def test_keeps_its_password_to_itself(self) -> None:
        url = f"smtps://ada%40example.com:{CANARY}%2F%3F@smtp.example.com:465"
        settings = Settings(builtin_smtp_url=url, builtin_from="postroom@example.com")  # type: ignore[arg-type]

        relay = settings.builtin_smtp_url
        assert relay
        assert relay.password
        assert (relay.user, relay.password.get_secret_value()) == ("ada@example.com", f"{CANARY}/?")
        assert CANARY not in f"{settings!r} {relay!r} {relay} {shown_settings(settings)}"
        assert shown_settings(settings)["POSTROOM_BUILTIN_SMTP_URL"] == "smtps://smtp.example.com:465"

    @pytest.mark.parametrize(
        ("written", "says"),
        [
            ("http://smtp.example.com", "write it like smtps://"),
            (f"smtp://ada:{CANARY}@smtp.example.com", "over TLS only"),
            (f"smtps://:{CANARY}@smtp.example.com", "go together"),
            (f"smtps://ada:{CANARY}@smtp.example.com:x", "no number"),
            (f"smtps://ada:{CANARY}@smtp.example.com?starttls", "goes with smtp://"),
            (f"smtps://ada:{CANARY}@smtp.example.com/#x", "only ?starttls"),
            (f"smtps://ada:{CANARY}@smtp.example.com?ssl=off", "only ?starttls"),
        ],
    )
    def test_that_is_none_is_refused_without_showing_it(self, written: str, says: str) -> None:
        words = refusal(builtin_smtp_url=written, builtin_from="postroom@example.com")

        assert says in words
        assert CANARY not in words

    def test_needs_an_address_to_write_from(self) -> None:
        assert "POSTROOM_BUILTIN_SMTP_URL needs it" in refusal(builtin_smtp_url="smtp://localhost")

    @pytest.mark.parametrize("sender", ["postroom", "a@x.example,b@x.example", "P <a@x.example", "a@x\nBcc: b@y"])
    def test_writes_from_one_address(self, sender: str) -> None:
        assert "write one address" in refusal(builtin_smtp_url="smtp://localhost", builtin_from=sender)


class TestOtherValues:
    @pytest.mark.parametrize("written", ["10.0.0.1/8", "lan", "10.0.0.0/33"])
    def test_networks_that_are_none_are_refused(self, written: str) -> None:
        assert "10.0.0.0/8" in refusal(allowed_networks=written)

    def test_a_data_directory_is_no_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        assert "must be a folder" in refusal(data_dir=tmp_path / "file")


def test_a_default_is_documented_as_it_may_be_written() -> None:
    defaults = {variable: default for variable, default, _ in documented_settings()}

    assert defaults["POSTROOM_TEST_SEND_LIMITS"] == "10/10 minutes,200/day"
