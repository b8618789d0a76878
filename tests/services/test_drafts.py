from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from tests.services.conftest import PASSWORD
from webapp.db.types import now
from webapp.domain.errors import ForbiddenError, InputError, PayloadTooLargeError
from webapp.domain.roles import OPERATOR, Access, Role
from webapp.services.drafts import Draft

POINTER = "/connector/config/auth/pass"


class TestDrafts:
    def test_there_is_none_at_first(self, drafts, ada):
        assert drafts.load(ada) is None

    def test_what_was_typed_comes_back(self, drafts, ada, document):
        drafts.save(ada, Draft(3, document(port="not a number yet"), preset="gmail", ui={"step": 2}))

        draft = drafts.load(ada)
        assert (draft.base_revision, draft.provider, draft.preset, draft.ui) == (3, "smtp", "gmail", {"step": 2})
        assert draft.document["connector"]["config"]["port"] == "not a number yet"
        assert draft.updated_at is not None

    def test_a_typed_secret_is_taken_out_of_the_document(self, drafts, ada, document):
        kept = drafts.save(ada, Draft(0, document()))

        for draft in (kept, drafts.load(ada)):
            assert draft.document["connector"]["config"]["auth"]["pass"] == {"$secret": {"draft": True}}
            assert draft.secrets[POINTER] == PASSWORD

    def test_a_kept_secret_stays_a_mark_without_fingerprint(self, setups, drafts, ada, document):
        saved = setups.save(ada, document(), base=0)

        draft = drafts.save(ada, Draft(1, saved.stored.document))

        assert draft.document["connector"]["config"]["auth"]["pass"] == {"$secret": {"set": True}}
        assert draft.secrets == {}

    def test_a_draft_can_be_saved_as_it_is(self, setups, drafts, ada, document):
        drafts.save(ada, Draft(0, document()))
        draft = drafts.load(ada)

        setups.save(ada, draft.document, base=draft.base_revision, draft_secrets=draft.secrets)

        assert setups.resolve(ada.tenant).config.auth.password.get_secret_value() == PASSWORD

    def test_the_last_one_stands(self, drafts, ada, document):
        drafts.save(ada, Draft(0, document(port=1)))
        drafts.save(ada, Draft(0, document(port=2)))

        assert drafts.load(ada).document["connector"]["config"]["port"] == 2

    def test_one_that_another_request_overtook_is_not_kept_over_it(self, drafts, ada, document):
        drafts.save(ada, Draft(0, document()))
        seen = drafts.load(ada)
        drafts.save(ada, replace(seen, preset="corrected"))

        late = drafts.save(ada, replace(seen, preset="late"), unless_newer=True)

        assert late is None
        assert drafts.load(ada).preset == "corrected"

    def test_one_that_nothing_overtook_is_kept(self, drafts, ada, document):
        drafts.save(ada, Draft(0, document()))

        kept = drafts.save(ada, replace(drafts.load(ada), preset="gmail"), unless_newer=True)

        assert kept is not None
        assert drafts.load(ada).preset == "gmail"

    def test_it_is_gone_when_discarded(self, drafts, ada, document):
        drafts.save(ada, Draft(0, document()))

        drafts.discard(ada)

        assert drafts.load(ada) is None

    def test_it_is_ones_own(self, drafts, ada, bob, mallory, document):
        drafts.save(ada, Draft(0, document()))

        assert drafts.load(bob) is None
        assert drafts.load(mallory) is None

    def test_it_belongs_to_one_tenant(self, drafts, ada, ada_in_prod, document):
        drafts.save(ada, Draft(0, document()))

        assert drafts.load(ada_in_prod) is None

    def test_it_lasts_24_hours(self, drafts, ada, document):
        drafts.save(ada, Draft(0, document()))

        with time_machine.travel(now() + timedelta(hours=23, minutes=59), tick=False):
            assert drafts.load(ada) is not None
        with time_machine.travel(now() + timedelta(hours=24, minutes=1), tick=False):
            assert drafts.load(ada) is None

    def test_purging_deletes_the_old_ones_only(self, drafts, ada, bob, document):
        drafts.save(ada, Draft(0, document()))
        with time_machine.travel(now() + timedelta(hours=20), tick=False):
            drafts.save(bob, Draft(0, document()))
        with time_machine.travel(now() + timedelta(hours=30), tick=False):
            assert drafts.purge() == 1
            assert drafts.load(bob) is not None

    def test_viewers_keep_none(self, drafts, dev, ada, document):
        viewer = Access(ada.actor, dev, Role.VIEWER)

        with pytest.raises(ForbiddenError):
            drafts.save(viewer, Draft(0, document()))

    def test_the_operator_has_none(self, drafts, tenants, dev, document):
        operator = tenants.access(OPERATOR, "dev")

        assert drafts.load(operator) is None
        with pytest.raises(ForbiddenError):
            drafts.save(operator, Draft(0, document()))

    def test_an_unfinished_document_can_be_kept(self, drafts, ada):
        for document in ({}, {"connector": None}, {"connector": {"provider": "smtp", "config": {}}}):
            assert drafts.save(ada, Draft(0, document)).document == document

    def test_a_document_of_any_shape_can_be_kept(self, drafts, ada):
        odd = {"connector": {"provider": 3, "config": []}, "fallback": {"provider": "smtp", "config": {"auth": "x"}}}

        assert drafts.save(ada, Draft(0, odd)).document == odd

    def test_too_much_is_refused(self, drafts, ada):
        with pytest.raises(PayloadTooLargeError):
            drafts.save(ada, Draft(0, {"templates": "x" * 6_000_000}))

    def test_what_no_store_takes_is_refused(self, drafts, ada):
        with pytest.raises(InputError):
            drafts.save(ada, Draft(0, {"templates": "half \ud800"}))
