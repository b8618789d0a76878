"""Whatever is done to tenants one after the other, each keeps a setup that validates and a history without gaps."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from itertools import permutations
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from tests.canary import CANARY
from tests.services.conftest import ADA, BOB
from tests.services.transfer.house import LONG, House, examples
from tests.services.transfer.setups import CONFIGS
from tests.services.transfer.setups import setups as any_setup
from webapp.connectors import CONNECTORS
from webapp.db.models import AuditRow
from webapp.db.rotation import rotate
from webapp.db.session import Database
from webapp.db.vault import vault_of
from webapp.domain.errors import PostroomError, SetupChangedMeanwhileError
from webapp.domain.roles import Access, ChangesBy, Environment, Role
from webapp.domain.setup import Setup
from webapp.domain.strict_json import dumps
from webapp.services.audit import Audit
from webapp.services.setups import Saved, Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.importing import GivenDocument
from webapp.services.transfer.planning import Confirmation, TransferPlan
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.promoting import Promotion
from webapp.services.transfer.proposals import Proposals

SLUGS = ("dev", "other", "prod")
MADE = {"setup.saved", "setup.restored", "setup.imported", "setup.promoted", "connector.deleted"}
"""What is noted with each revision, once."""
OPEN = ("save", "import", "delete", "patch")
SAID = Confirmation(reason="a test", allow_breaking=True)

slugs = st.sampled_from(SLUGS)
pairs = st.sampled_from([*permutations(SLUGS, 2)])
wanted = st.sampled_from(sorted(CONFIGS)).flatmap(any_setup)
ways = st.sampled_from(["type", "keep", "copy", "nothing"])
patches = st.sampled_from(
    [
        [{"op": "replace", "path": "/defaultLanguage", "value": "ja"}],
        [{"op": "replace", "path": "/flows/signIn/emailCode", "value": False}],
        [{"op": "replace", "path": "/connector/config/fromEmail", "value": "Else <else@example.com>"}],
        [{"op": "replace", "path": "/connector/config/host", "value": "smtp.elsewhere.example"}],
        [{"op": "copy", "from": "/connector", "path": "/fallback"}],
        [{"op": "move", "from": "/fallback", "path": "/connector"}],
        [{"op": "remove", "path": "/templates/SignIn"}],
        [{"op": "add", "path": "/templates/SignIn", "value": {"*": {"subject": "Hello", "content": "{{code}}"}}}],
        [{"op": "replace", "path": "/verificationCode/length", "value": 3}],
        [{"op": "replace", "path": "/connector", "value": None}],
    ]
)


class Tenancy(RuleBasedStateMachine):
    """Three tenants of Ada's, and everything that may be done to their setups."""

    empty: Path
    folder: Path
    done: Counter[str] = Counter()
    """How often each thing was done, and how often it was refused."""

    def __init__(self) -> None:
        super().__init__()
        path = Path(shutil.copy(self.empty, self.folder / f"{self.done['examples']}.db"))
        self.done["examples"] += 1
        self.keys = [Fernet.generate_key().decode()]
        self.db = Database(f"sqlite:///{path}")
        vault = vault_of(self.db, lambda: tuple(self.keys))
        self.house = House(self.db, vault, Setups(self.db, vault, CONNECTORS), Tenants(self.db, vault))
        self.tenants = self.house.tenants
        plans = Plans(self.db, vault)
        self.proposals = Proposals(self.db, vault, self.house.setups, plans, CONNECTORS, Audit())
        self.seen: dict[str, list[dict[str, Any]]] = {slug: [] for slug in SLUGS}
        """The documents of every revision, as they were when it was made."""
        self.own: dict[str, set[str]] = {slug: set() for slug in SLUGS}
        """The secrets that may be in a tenant: typed there, or copied on purpose."""
        self.archived: set[str] = set()
        self.waiting: list[tuple[str, TransferPlan]] = []
        self.proposed: list[str] = []
        self.numbers = 0
        self.touched: set[str] = set()

    def teardown(self) -> None:
        self.db.dispose()

    @initialize()
    def begin(self) -> None:
        for slug in SLUGS:
            environment = Environment.PRODUCTION if slug == "prod" else Environment.DEVELOPMENT
            tenant = self.tenants.add(slug, slug.title(), environment, ADA)
            self.tenants.add_member(tenant.id, 1, Role.OWNER)
            self.tenants.add_member(tenant.id, 2, Role.OWNER)
        self.access = {slug: self.tenants.access(ADA, slug) for slug in SLUGS}

    @rule(slug=slugs, document=wanted)
    def save(self, slug: str, document: dict[str, Any]) -> None:
        document = json.loads(json.dumps(document).replace(CANARY, f"{CANARY}-{slug}"))
        self.own[slug] |= _texts(document)
        self._change("save", slug, lambda here: self.house.setups.save(here, document, base=None, reason="a test"))

    @rule(slug=slugs, subject=st.text("abcäß{}<& ", max_size=8))
    def edit(self, slug: str, subject: str) -> None:
        """Change one mail and send everything else back as it was read."""

        def change(here: Access) -> Saved:
            document = self.house.setups.active(here.tenant).document
            document["templates"]["Generic"] = {"*": {"subject": subject, "content": "{{code}}"}}
            return self.house.setups.save(here, document, base=None, reason="a test")

        self._change("save", slug, change)

    @rule(slug=slugs, operations=patches)
    def patch(self, slug: str, operations: list[dict[str, Any]]) -> None:
        self._change("patch", slug, lambda here: self.house.setups.patch(here, operations, reason="a test"))

    @rule(slug=slugs, back=st.integers(0, 20))
    def restore(self, slug: str, back: int) -> None:
        number = max(1, len(self.seen[slug]) - back)
        if saved := self._change("restore", slug, lambda here: self.house.setups.restore(here, number)):
            assert saved.stored.document == self.seen[slug][number - 1]

    @rule(slug=slugs, force=st.booleans())
    def delete_connector(self, slug: str, force: bool) -> None:
        self._change("delete", slug, lambda here: self.house.setups.remove_connector(here, force=force))

    @rule(source=slugs, slug=slugs, way=ways, later=st.booleans())
    def import_an_export(self, source: str, slug: str, way: str, later: bool) -> None:
        document = self.house.exporting.shown(self.access[source]).to_json() if self._lives(source) else {}

        def plan(here: Access, secrets: Any) -> TransferPlan:
            return self.house.importing.plan(here, GivenDocument(document, secrets)).transfer

        self._transfer("import", slug, "type" if way == "copy" else way, plan, later)

    @rule(pair=pairs, way=ways, data=st.data(), later=st.booleans())
    def promote(self, pair: tuple[str, str], way: str, data: st.DataObject, later: bool) -> None:
        source, slug = pair
        if not self._lives(source) or not self._lives(slug):
            return
        parts = [each.pointer for each in self.house.promoting.compared(*self._both(source, slug)).differences]
        only = data.draw(st.just([]) | st.lists(st.sampled_from(parts), unique=True)) if parts else []
        if way == "copy":
            self.own[slug] |= self.own[source]

        def plan(here: Access, secrets: Any) -> TransferPlan:
            return self.house.promoting.plan(self.access[source], here, Promotion(only, (), secrets))

        self._transfer("promote", slug, way, plan, later)

    @precondition(lambda self: self.waiting)
    @rule()
    def apply_what_waits(self) -> None:
        slug, plan = self.waiting.pop(0)
        live = len(self.seen[slug])
        saved = self._change("apply", slug, lambda here: self.house.planning.apply(here, plan.id, SAID))
        if saved and saved.created:
            assert plan.plan.base == live
            assert saved.stored.document == plan.plan.document
        if self._lives(slug) and plan.plan.base != live:
            assert saved is None or not saved.created

    @precondition(lambda self: any(slug == "prod" for slug, _ in self.waiting))
    @rule()
    def propose_what_waits(self) -> None:
        found = next(each for each in self.waiting if each[0] == "prod")
        self.waiting.remove(found)
        made = self._attempt("propose", lambda: self.proposals.propose(self.access["prod"], found[1].id, SAID))
        if made and made.id not in self.proposed:
            self.proposed.append(made.id)

    @precondition(lambda self: self.proposed)
    @rule()
    def approve(self) -> None:
        proposal = self.proposed.pop(0)
        bob = self.tenants.access(BOB, "prod")
        assert self._attempt("approve oneself", lambda: self.proposals.approve(self.access["prod"], proposal)) is None
        self._change("approve", "prod", lambda _: self.proposals.approve(bob, proposal))

    @rule(changes_by=st.sampled_from(ChangesBy))
    def close(self, changes_by: ChangesBy) -> None:
        if self._lives("prod"):
            self.tenants.change("prod", ADA, name="Prod", editors_may_save_production=False, changes_by=changes_by)
            self.access["prod"] = self.tenants.access(ADA, "prod")

    @precondition(lambda self: len(self.seen["other"]) > 2 and self._lives("other"))
    @rule()
    def archive(self) -> None:
        self.tenants.archive("other", ADA)
        self.archived.add("other")

    @rule()
    def rotate_keys(self) -> None:
        old = {slug: self._secrets(slug) for slug in SLUGS}
        self.keys.insert(0, Fernet.generate_key().decode())
        assert rotate(self.db, self.house.vault).unreadable == 0
        del self.keys[1:]
        assert {slug: self._secrets(slug) for slug in SLUGS} == old
        self.touched |= set(SLUGS)

    @invariant()
    def what_is_live_validates_and_history_is_whole(self) -> None:
        for slug in self.touched:
            self._examine(slug)
        self.touched.clear()

    def _transfer(
        self, what: str, slug: str, way: str, plan: Callable[[Access, Any], TransferPlan], later: bool
    ) -> None:
        """Plan with secrets given in one way, then apply it, at once or later."""

        def made(here: Access) -> TransferPlan:
            first = plan(here, None)
            slots = first.missing if way != "keep" else tuple(slot.name for slot in first.slots if slot.keepable)
            return plan(here, {slot: self._choice(slug, way) for slot in slots} if way != "nothing" else None)

        if later:
            if found := self._attempt(what, lambda: made(self.access[slug])):
                self.waiting.append((slug, found))
            return

        def change(here: Access) -> Saved:
            preview = made(here)
            saved = self.house.planning.apply(here, preview.id, SAID)
            assert (saved.stored.document, saved.changes) == (preview.plan.document, preview.plan.changes)
            return saved

        self._change(what, slug, change)

    def _choice(self, slug: str, way: str) -> Any:
        if way != "type":
            return way
        self.numbers += 1
        typed = f"{CANARY}-{slug}-typed-{self.numbers}"
        self.own[slug].add(typed)
        return {"value": typed}

    def _change(self, what: str, slug: str, do: Callable[[Access], Saved]) -> Saved | None:
        """Do it, and see that it made one revision or nothing, and nothing anywhere else."""
        before = {each: self.house.rows(self.access[each]) for each in SLUGS}
        saved = self._attempt(what, lambda: do(self.access[slug]))
        added = bool(saved and saved.created)
        for each in SLUGS:
            rows = self.house.rows(self.access[each])
            assert rows[: len(before[each])] == before[each]
            assert len(rows) - len(before[each]) == (added and each == slug)
        if saved and added:
            assert slug not in self.archived
            assert saved.number == len(self.seen[slug]) + 1
            self.seen[slug].append(saved.stored.document)
            self._assert_open(slug, what)
            self.touched.add(slug)
        return saved

    def _assert_open(self, slug: str, what: str) -> None:
        how = self.access[slug].tenant.changes_by
        assert how is ChangesBy.ALL or what not in OPEN
        assert how is not ChangesBy.APPROVAL or what in ("restore", "approve")

    def _attempt(self, what: str, do: Callable[[], Any]) -> Any:
        try:
            answer = do()
        except PostroomError as refusal:
            _assert_clear(refusal)
            self.done[f"{what} refused"] += 1
            return None
        self.done[what] += 1
        return answer

    def _examine(self, slug: str) -> None:
        # Others than those that saved: nothing is in their memory yet.
        fresh = Setups(self.db, self.house.vault, CONNECTORS)
        access, documents = self.access[slug], self.seen[slug]
        tenant = access.tenant
        history = list(reversed(fresh.history(tenant, limit=500)))
        assert [info.number for info in history] == list(range(1, len(documents) + 1))
        for info, document in zip(history, documents, strict=True):
            assert fresh.revision(tenant, info.number).document == document
            changed = tuple((each.pointer, each.kind) for each in fresh.diff(tenant, info.number - 1, info.number))
            assert info.changed == changed != ()
            assert set(fresh.secrets(access, info.number).values()) <= self.own[slug]
            assert CANARY not in str(document)
        with self.db.read() as session:
            events = session.execute(select(AuditRow.action, AuditRow.detail).filter_by(tenant_id=tenant.id)).all()
        told = sorted(detail["revision"] for action, detail in events if action in MADE)
        assert told == list(range(1, len(documents) + 1))
        if self._lives(slug):
            self._validate(fresh, access, len(documents))

    def _validate(self, fresh: Setups, access: Access, number: int) -> None:
        live = fresh.active(access.tenant)
        assert live.number == number
        setup = Setup.model_validate_json(dumps(live.document), strict=True)
        for name in ("connector", "fallback"):
            section = getattr(setup, name)
            if section:
                config = _filled(section.config, fresh.secrets(access, number), f"/{name}/config")
                model = CONNECTORS[section.provider].config_model
                model.model_validate_json(dumps(config), strict=True, by_alias=True, by_name=False)
        fresh.validate(access.tenant, live.document)

    def _secrets(self, slug: str) -> list[dict[str, str]]:
        return [self.house.setups.secrets(self.access[slug], n + 1) for n in range(len(self.seen[slug]))]

    def _both(self, source: str, target: str) -> tuple[Access, Access]:
        return self.access[source], self.access[target]

    def _lives(self, slug: str) -> bool:
        return slug not in self.archived


def _assert_clear(refusal: PostroomError) -> None:
    assert 400 <= refusal.status < 500, refusal
    assert all(error.pointer == "" or error.pointer.startswith("/") for error in refusal.errors)
    assert CANARY not in repr(refusal.errors)
    if isinstance(refusal, SetupChangedMeanwhileError):
        assert refusal.theirs


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {text for part in value.values() for text in _texts(part)}
    # White space around what was pasted is taken off.
    return {value.strip()} if isinstance(value, str) else set()


def _filled(config: dict[str, Any], secrets: dict[str, str], at: str) -> dict[str, Any]:
    filled = deepcopy(config)
    for pointer, secret in secrets.items():
        if pointer.startswith(f"{at}/"):
            *path, last = pointer.removeprefix(f"{at}/").split("/")
            inner = filled
            for step in path:
                inner = inner[step]
            inner[last] = secret
    return filled


def test_no_sequence_ends_in_a_setup_that_does_not_validate(empty_database: Path, tmp_path: Path):
    Tenancy.empty, Tenancy.folder, Tenancy.done = empty_database, tmp_path, Counter()

    run_state_machine_as_test(
        Tenancy, settings=settings(examples(8, 100), stateful_step_count=50 if LONG else 25, print_blob=False)
    )

    # Otherwise nothing was tried.
    rare = {"patch", "delete", "apply"} if LONG else set()
    assert {"save", "restore", "import", "promote"} | rare <= {what for what, times in Tenancy.done.items() if times}
