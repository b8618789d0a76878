"""Whatever is submitted, the answer is a refusal with pointers or a saved setup, never a crash."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.conftest import PASSWORD, smtp
from webapp.domain.errors import InputError, PostroomError
from webapp.services.drafts import Draft

marks = st.one_of(
    st.just({"$secret": {"set": True}}),
    st.just({"$secret": {"draft": True}}),
    st.builds(lambda name: {"$secret": {"env": name}}, st.text(max_size=5)),
    st.builds(lambda print_: {"$secret": {"set": True, "fingerprint": print_}}, st.text(max_size=5)),
    st.builds(lambda value: {"$secret": value}, st.one_of(st.none(), st.integers(), st.text(max_size=3), st.just({}))),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(
        ["", "*", "{{code}}", "\x00", "\ud800", "a\r\nb", "x" * 3000, "login", "none", "$secret", "~/", "%s"]
    ),
)
keys = st.one_of(st.text(max_size=5), st.sampled_from(["$secret", "type", "login", "pass", "*", "config", "a/b~c"]))
anything = st.recursive(
    st.one_of(scalars, marks),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
hostile = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, its containers too."""
    found = [path]
    if isinstance(value, dict):
        for key, part in value.items():
            found += places(part, (*path, key))
    return found


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    document = deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return document


@pytest.fixture
def good(setups, ada):
    """A saved setup with little text, so that the interesting places are often hit."""
    document = setups.active(ada.tenant).document
    document["templates"] = {"SignIn": {"*": {"subject": "Hello", "content": "{{code}}"}}}
    document["connector"] = smtp(customHeaders={"X-A": "b"})
    document["fallback"] = smtp(host="second.example.com", auth={"type": "none"})
    setups.save(ada, document, base=0)
    return document


class TestHostileDocuments:
    @hostile
    @given(data=st.data())
    def test_one_strange_value_anywhere(self, setups, ada, good, data):
        path = data.draw(st.sampled_from(places(good)))
        wanted = with_value(good, path, data.draw(anything))

        self._is_refused_well(lambda: setups.plan(ada, wanted))

    @hostile
    @given(data=st.data())
    def test_one_strange_key_anywhere(self, setups, ada, good, data):
        containers = [path for path in places(good) if isinstance(self._at(good, path), dict)]
        path = (*data.draw(st.sampled_from(containers)), data.draw(keys))

        self._is_refused_well(lambda: setups.plan(ada, with_value(good, path, data.draw(anything))))

    @hostile
    @given(document=anything)
    def test_a_strange_document(self, setups, ada, good, document):
        self._is_refused_well(lambda: setups.plan(ada, document))

    @hostile
    @given(data=st.data())
    def test_a_strange_connector_to_test(self, setups, ada, good, data):
        path = data.draw(st.sampled_from(places(good["connector"])))
        connector = with_value(good["connector"], path, data.draw(anything))

        if connector is not None:
            self._is_refused_well(lambda: setups.resolve(ada.tenant, connector))

    @hostile
    @given(
        operations=st.lists(
            st.fixed_dictionaries(
                {
                    "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
                    "path": st.sampled_from(
                        ["", "/", "/connector", "/connector/config/auth/pass", "/templates/SignIn/*"]
                    )
                    | st.text(max_size=8),
                },
                optional={
                    "value": anything,
                    "from": st.sampled_from(["", "/connector", "/connector/config/auth/pass"]),
                },
            )
            | anything,
            max_size=3,
        )
    )
    def test_a_strange_patch(self, setups, ada, good, operations):
        self._is_refused_well(lambda: setups.patch(ada, operations, dry_run=True))

    @hostile
    @given(data=st.data())
    def test_a_strange_draft_is_kept_or_refused(self, setups, drafts, ada, good, data):
        path = data.draw(st.sampled_from(places(good)[1:]))
        wanted = with_value(good, path, data.draw(anything))

        try:
            draft = drafts.save(ada, Draft(1, wanted))
        except InputError:
            return
        self._is_refused_well(lambda: setups.plan(ada, draft.document, draft_secrets=draft.secrets))

    @staticmethod
    def _at(value, path):
        for step in path:
            value = value[step]
        return value

    @staticmethod
    def _is_refused_well(do):
        refusal = None
        try:
            do()
        except PostroomError as exc:
            refusal = exc
        if refusal is None:
            return
        assert 400 <= refusal.status < 500
        assert PASSWORD not in repr(refusal.errors)
        for error in refusal.errors:
            assert error.pointer == "" or error.pointer.startswith("/")
            assert str(error.message).endswith((".", "?"))
