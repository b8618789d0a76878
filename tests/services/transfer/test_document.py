"""The tenant document: the same bytes for the same setup, and nothing in it that is not meant to travel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.domain.errors import DocumentHashMismatchError, DocumentInvalidError
from webapp.domain.tenant_document import TenantDocument, canonical, slots, slotted
from webapp.services.transfer.reading import parsed
from webapp.services.transfer.writing import as_json, as_yaml

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=60)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
SETUPS = st.dictionaries(TEXT, VALUES, max_size=5)


def stored() -> dict[str, Any]:
    mark = {"$secret": {"set": True, "fingerprint": "9c1f00aa11bb"}}
    return {
        "connector": {
            "provider": "smtp",
            "config": {"host": "smtp.example.com", "auth": {"type": "login", "user": "u", "pass": mark}},
        },
        "fallback": {
            "provider": "smtp",
            "config": {"host": "b.example.com", "auth": {"pass": mark, "key": {"$secret": {"env": "RELAY"}}}},
        },
        "templates": {"Generic": {"*": {"subject": "Código {{code}}", "content": "no\nyes\n"}}},
    }


class TestSlots:
    def test_a_secret_becomes_a_slot_named_by_provider_and_path(self):
        document = slotted(stored())

        assert document["connector"]["config"]["auth"]["pass"] == {"$secret": {"slot": "smtp.auth.pass"}}
        assert document["fallback"]["config"]["auth"]["pass"] == {"$secret": {"slot": "fallback.smtp.auth.pass"}}

    def test_what_the_operator_lends_keeps_its_name(self):
        assert slotted(stored())["fallback"]["config"]["auth"]["key"] == {"$secret": {"env": "RELAY"}}

    def test_every_slot_is_found_by_its_place(self):
        assert slots(slotted(stored())) == {
            "/connector/config/auth/pass": "smtp.auth.pass",
            "/fallback/config/auth/pass": "fallback.smtp.auth.pass",
        }

    def test_no_fingerprint_is_left(self):
        assert "fingerprint" not in canonical(slotted(stored()))

    def test_the_setup_that_was_given_stays_as_it_was(self):
        setup = stored()

        slotted(setup)

        assert setup == stored()


class TestBytes:
    def test_keys_are_sorted_and_letters_stand_for_themselves(self):
        text = as_json(TenantDocument({"b": "ç", "a": 1}))

        assert text.index('"a"') < text.index('"b"')
        assert "ç" in text
        assert text.endswith("}\n")
        assert "\r" not in text

    @given(SETUPS)
    def test_what_was_written_as_json_is_read_as_the_same(self, setup):
        assert TenantDocument.of(parsed(as_json(TenantDocument(setup)))).setup == setup

    @settings(max_examples=60, deadline=None)
    @given(SETUPS)
    def test_what_was_written_as_yaml_is_read_as_the_same(self, setup):
        assert TenantDocument.of(parsed(as_yaml(TenantDocument(setup)))).setup == setup

    @given(SETUPS)
    def test_the_order_of_keys_makes_no_difference(self, setup):
        turned = dict(reversed(setup.items()))

        assert as_json(TenantDocument(turned)) == as_json(TenantDocument(setup))

    def test_processes_and_hash_seeds_make_no_difference(self):
        script = (
            "import json,sys; from webapp.domain.tenant_document import TenantDocument;"
            "from webapp.services.transfer.writing import as_json, as_yaml;"
            "document = TenantDocument(json.loads(sys.argv[1]));"
            "sys.stdout.write(as_json(document) + as_yaml(document))"
        )

        written = {
            subprocess.run(
                [sys.executable, "-c", script, json.dumps(slotted(stored()))],
                env={**os.environ, "PYTHONHASHSEED": seed},
                check=True,
                capture_output=True,
            ).stdout
            for seed in ("0", "1", "4711")
        }

        assert len(written) == 1

    def test_words_that_older_readers_of_yaml_take_for_switches_are_quoted(self):
        assert 'defaultLanguage: "no"' in as_yaml(TenantDocument({"defaultLanguage": "no"}))


class TestReading:
    def test_a_changed_setup_does_not_fit_its_hash(self):
        document = TenantDocument(slotted(stored())).to_json()
        document["setup"]["connector"]["config"]["host"] = "evil.example.com"

        with pytest.raises(DocumentHashMismatchError, match="postroom fmt"):
            TenantDocument.of(document)

    def test_without_a_hash_it_is_read_as_well(self):
        assert TenantDocument.of({"format": "postroom/setup", "version": 1, "setup": {"a": 1}}).setup == {"a": 1}

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"format": "other"}, "/format"),
            ({"version": 2}, "/version"),
            ({"version": True}, "/version"),
            ({"version": "1"}, "/version"),
            ({"setup": []}, "/setup"),
            ({"contentHash": "sha256:zz"}, "/contentHash"),
            ({"secrets": {"smtp.auth.pass": "x"}}, "/secrets"),
            ({"tenant": "prod"}, "/tenant"),
        ],
        ids=lambda value: json.dumps(value) if isinstance(value, dict) else value,
    )
    def test_what_is_not_understood_is_named_by_its_place(self, change, pointer):
        with pytest.raises(DocumentInvalidError) as caught:
            TenantDocument.of({"format": "postroom/setup", "version": 1, "setup": {}} | change)

        assert [error.pointer for error in caught.value.errors] == [pointer]

    def test_a_later_version_says_so(self):
        with pytest.raises(DocumentInvalidError) as caught:
            TenantDocument.of({"format": "postroom/setup", "version": 7, "setup": {}})

        assert "later Postroom" in str(caught.value.errors[0].message)
