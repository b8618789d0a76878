"""Secrets that travel sealed: they open with the passphrase, with their own document, and with bounded work."""

from __future__ import annotations

import base64

import pytest
from pyrage import passphrase

from tests.canary import CANARY
from webapp.domain.errors import DocumentInvalidError, DocumentSealedMismatchError, PassphraseError
from webapp.services.transfer.sealing import seal, unseal

PHRASE = f"{CANARY} paper boats"
HASH = "sha256:" + "0" * 64
SECRETS = {"smtp.auth.pass": f"{CANARY}-smtp", "fallback.smtp.auth.pass": f"{CANARY}-ü"}


@pytest.fixture(scope="module")
def sealed() -> str:
    return seal(SECRETS, HASH, PHRASE)


def test_they_open_with_the_passphrase(sealed):
    assert unseal(sealed, HASH, PHRASE) == SECRETS


def test_what_is_sealed_shows_nothing(sealed):
    assert sealed.startswith("-----BEGIN AGE ENCRYPTED FILE-----")
    assert CANARY not in sealed


def test_another_passphrase_does_not_open_them(sealed):
    with pytest.raises(PassphraseError):
        unseal(sealed, HASH, "another passphrase")


def test_they_do_not_open_with_another_document(sealed):
    with pytest.raises(DocumentSealedMismatchError):
        unseal(sealed, "sha256:" + "1" * 64, PHRASE)


def test_damage_is_noticed(sealed):
    lines = sealed.splitlines()
    lines[-2] = lines[-2][:-4] + "AAAA"

    with pytest.raises((PassphraseError, DocumentInvalidError)):
        unseal("\n".join(lines), HASH, PHRASE)


def test_too_much_work_is_refused_before_it_is_tried(sealed):
    raw = base64.b64decode("".join(sealed.strip().splitlines()[1:-1]))
    heavier = raw.replace(raw.split(b"\n")[1], raw.split(b"\n")[1].rsplit(b" ", 1)[0] + b" 24", 1)
    armoured = (
        "-----BEGIN AGE ENCRYPTED FILE-----\n"
        + base64.b64encode(heavier).decode()
        + ("\n-----END AGE ENCRYPTED FILE-----")
    )

    with pytest.raises(PassphraseError, match="far too much work"):
        unseal(armoured, HASH, PHRASE)


BEGINS, ENDS = "-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        f"{BEGINS}\nAAAA\n{ENDS}",
        f"{BEGINS}\n{' ' * 1_000_000}",
        f"{BEGINS}\n{'A ' * 500_000}\n",
        BEGINS + ENDS,
    ],
    ids=["empty", "something else", "too little", "blanks without end", "letters without end", "nothing inside"],
)
def test_what_is_not_sealed_is_named(text):
    with pytest.raises(DocumentInvalidError):
        unseal(text, HASH, PHRASE)


def test_something_else_that_was_sealed_is_not_taken_for_secrets():
    other = passphrase.encrypt(b"[]", PHRASE, armored=True).decode()

    with pytest.raises((DocumentInvalidError, DocumentSealedMismatchError)):
        unseal(other, HASH, PHRASE)


def test_a_short_passphrase_is_refused():
    with pytest.raises(PassphraseError, match="12"):
        seal(SECRETS, HASH, "short")
