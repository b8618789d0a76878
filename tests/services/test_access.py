"""Access by OAuth 2.0 is fetched once, goes nowhere else, and survives providers that replace refresh tokens."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select, update

from tests.peers.authorization import CLIENT_ID, CLIENT_SECRET, ROBOT, AuthorizationServer, refusal, slow
from tests.services.conftest import ADA
from webapp.connectors.authorization import Client, Endpoint, Identity, TokenRefusedError, by_refresh_token
from webapp.connectors.network import Network
from webapp.db.models import AccessRow
from webapp.db.rotation import rotate
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import vault_of
from webapp.domain.roles import Environment
from webapp.services.access import REFRESH_KEPT, AccessTokens

NETWORK = Network(("127.0.0.0/8",))


@pytest.fixture(params=[True, False], ids=["rotating", "not rotating"])
def server(request):
    with AuthorizationServer(rotating=request.param) as server:
        yield server


@pytest.fixture
def rotating():
    with AuthorizationServer(rotating=True, expires_in=3600) as server:
        yield server


@pytest.fixture
def tenant(tenants):
    return tenants.add("dev", "Development", Environment.DEVELOPMENT, ADA)


@pytest.fixture
def access(db, vault):
    return AccessTokens(db, vault)


class Login:
    """Somebody's consent at a server, and how to use it."""

    def __init__(self, server: AuthorizationServer) -> None:
        self.server = server
        self.typed = SecretStr(server.refresh_token())
        self.identity = Identity(
            (server.token_url, "smtp.example.com", self.typed.get_secret_value()), ("scope", CLIENT_SECRET), True
        )

    async def fetch(self, refresh_token):
        client = Client(CLIENT_ID, SecretStr(CLIENT_SECRET))
        return await by_refresh_token(Endpoint(self.server.token_url, NETWORK), client, refresh_token or self.typed, "")

    def obtain(self, keeper, **changes):
        rejected = changes.pop("rejected", None)
        identity = replace(self.identity, **changes)
        return asyncio.run(keeper.obtain(identity, self.fetch, rejected=rejected))


class TestKeeping:
    def test_access_is_fetched_once(self, access, tenant, server):
        login, keeper = Login(server), access.keeper(tenant)

        first, second = login.obtain(keeper), login.obtain(keeper)

        assert (first.before, second.before) == (False, True)
        assert first.tokens.access_token == second.tokens.access_token
        assert len(server.requests) == 1
        assert server.person_of(first.tokens.access_token.get_secret_value()) == ROBOT

    def test_it_is_fetched_anew_before_it_ends(self, access, tenant, server):
        login, keeper = Login(server), access.keeper(tenant)
        first = login.obtain(keeper)

        with time_machine.travel(now() + timedelta(minutes=54), tick=True):
            kept = login.obtain(keeper)
        with time_machine.travel(now() + timedelta(minutes=56), tick=True):
            renewed = login.obtain(keeper)

        assert kept.tokens.access_token == first.tokens.access_token
        assert renewed.tokens.access_token != first.tokens.access_token

    def test_what_a_server_rejected_is_fetched_anew_once(self, access, tenant, server):
        login, keeper = Login(server), access.keeper(tenant)
        first = login.obtain(keeper).tokens.access_token

        second = login.obtain(keeper, rejected=first)
        third = login.obtain(keeper, rejected=first)

        assert second.tokens.access_token != first
        assert third.tokens.access_token == second.tokens.access_token
        assert len(server.requests) == 2

    @pytest.mark.parametrize("change", [{"grant": ("elsewhere",)}, {"proof": ("another secret",)}])
    def test_nothing_follows_a_changed_secret_or_destination(self, access, tenant, server, change):
        login, keeper = Login(server), access.keeper(tenant)
        first = login.obtain(keeper)

        if "grant" in change:
            server.rotating = False
            login.typed = SecretStr(server.refresh_token())
        other = login.obtain(keeper, **change)

        assert other.before is False
        assert other.tokens.access_token != first.tokens.access_token

    def test_nothing_is_shared_between_tenants(self, access, tenants, tenant, server):
        server.rotating = False
        login = Login(server)
        other = tenants.add("other", "Other", Environment.DEVELOPMENT, ADA)

        first = login.obtain(access.keeper(tenant))
        second = login.obtain(access.keeper(other))

        assert first.tokens.access_token != second.tokens.access_token

    def test_a_failure_is_told_and_the_next_may_try(self, access, tenant, server):
        login, keeper = Login(server), access.keeper(tenant)
        server.play(refusal("temporarily_unavailable", status=503))

        with pytest.raises(TokenRefusedError):
            login.obtain(keeper)

        assert login.obtain(keeper).before is False


class TestRotation:
    def test_the_replaced_refresh_token_is_used_and_the_typed_one_stays_the_name_of_it(self, access, tenant, rotating):
        login, keeper = Login(rotating), access.keeper(tenant)

        tokens = [login.obtain(keeper).tokens]
        for _ in range(3):
            tokens.append(login.obtain(keeper, rejected=tokens[-1].access_token).tokens)

        used = [each["refresh_token"] for each in rotating.requests]
        given = [each.refresh_token.get_secret_value() for each in tokens]
        assert used == [login.typed.get_secret_value(), *given[:-1]]

    def test_it_goes_on_with_a_new_client_secret(self, access, tenant, rotating):
        login, keeper = Login(rotating), access.keeper(tenant)
        first = login.obtain(keeper)

        second = login.obtain(keeper, proof=("scope", "a new client secret"))

        assert second.before is False
        assert rotating.requests[-1]["refresh_token"] == first.tokens.refresh_token.get_secret_value()

    def test_it_survives_a_rotation_of_the_keys(self, database_file, tenants, rotating):
        old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
        database = Database(f"sqlite:///{database_file}")
        tenant = tenants.add("dev", "Development", Environment.DEVELOPMENT, ADA)
        login = Login(rotating)
        first = login.obtain(AccessTokens(database, with_hash(database, old)).keeper(tenant))

        rotate(database, with_hash(database, new, old))

        again = login.obtain(AccessTokens(database, with_hash(database, new)).keeper(tenant))
        assert again.before
        assert again.tokens.access_token == first.tokens.access_token
        database.dispose()

    def test_the_typed_one_is_tried_where_its_successor_is_refused(self, access, tenant, rotating):
        login, keeper = Login(rotating), access.keeper(tenant)
        first = login.obtain(keeper)
        for token in rotating.tokens:
            token.spent = token.refresh_token != login.typed.get_secret_value()

        assert login.obtain(keeper, rejected=first.tokens.access_token).before is False

    def test_many_at_once_fetch_one(self, database_file, vault, tenant, rotating):
        login, many = Login(rotating), 8
        rotating.answer_always(slow(0.3))
        databases = [Database(f"sqlite:///{database_file}") for _ in range(many)]
        together = threading.Barrier(many)

        def obtain(database):
            together.wait()
            return login.obtain(AccessTokens(database, vault).keeper(tenant))

        with ThreadPoolExecutor(many) as threads:
            got = list(threads.map(obtain, databases))

        assert len({each.tokens.access_token.get_secret_value() for each in got}) == 1
        assert [each.before for each in got].count(False) == 1
        for database in databases:
            database.dispose()

    def test_what_was_given_is_written_down_when_nobody_waits_any_more(self, access, tenant, rotating):
        login, keeper = Login(rotating), access.keeper(tenant)
        rotating.play(slow(0.4))

        async def impatient():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(keeper.obtain(login.identity, login.fetch), 0.2)
            await asyncio.sleep(1)

        asyncio.run(impatient())

        assert login.obtain(keeper).before

    def test_a_lease_of_somebody_who_died_lapses(self, access, tenant, db, rotating):
        login, keeper = Login(rotating), access.keeper(tenant)
        first = login.obtain(keeper)
        with db.write() as session:
            session.execute(update(AccessRow).values(lease="dead", lease_until=now() + timedelta(seconds=0.5)))

        assert login.obtain(keeper, rejected=first.tokens.access_token).before is False


class TestStorage:
    def test_nothing_is_readable_in_it(self, access, tenant, db, rotating):
        login = Login(rotating)
        tokens = login.obtain(access.keeper(tenant)).tokens

        with db.read() as session:
            row = session.scalars(select(AccessRow)).one()
        kept = repr([getattr(row, each.name) for each in AccessRow.__table__.columns])
        secrets = (login.typed, tokens.access_token, tokens.refresh_token)
        assert not [each for each in secrets if each.get_secret_value() in kept]
        assert row.lease is None

    def test_what_nobody_used_for_long_is_deleted(self, access, tenant, rotating):
        Login(rotating).obtain(access.keeper(tenant))

        assert access.purge() == 0
        with time_machine.travel(now() + REFRESH_KEPT + timedelta(days=1)):
            assert access.purge() == 1

    def test_how_long_a_consent_lasts_is_known(self, access, tenant, rotating):
        rotating.refresh_expires_in = 7 * 86400
        login = Login(rotating)
        login.obtain(access.keeper(tenant))

        outlook = access.outlook(tenant, login.identity)

        assert timedelta(days=6) < outlook.refresh_expires_at - now() < timedelta(days=8)
        assert access.outlook(tenant, replace(login.identity, grant=("another",))) is None


def with_hash(database, *keys):
    return vault_of(database, keys)
