"""OAuth 2.0 through the services: secrets follow no changed token URL, access is kept, and its end is told ahead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests.canary import CANARY
from tests.peers.authorization import CLIENT_ID, CLIENT_SECRET, ROBOT, AuthorizationServer
from tests.peers.scripted import Script, ScriptedServer
from tests.services.conftest import smtp
from webapp.connectors import CONNECTORS
from webapp.connectors.network import Network
from webapp.db.types import now
from webapp.domain.errors import SecretRetypeRequiredError, SecretUnavailableError
from webapp.domain.message import Trace
from webapp.services.access import AccessTokens
from webapp.services.delivery import Delivery
from webapp.services.drafts import Draft
from webapp.services.expiry import Expiries
from webapp.services.loop import BackgroundLoop

KEPT = {"$secret": {"set": True}}
DRAFTED = {"$secret": {"draft": True}}
LENT = {"$secret": {"env": "MAIL"}}
ELSEWHERE = "https://collector.example.net/token"


def oauth(**changes: Any) -> dict[str, Any]:
    return {
        "type": "oauth2",
        "user": ROBOT,
        "grant": "refresh_token",
        "provider": "google",
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "refreshToken": f"{CANARY}-refresh",
        **changes,
    }


MOVES = [
    {"provider": "microsoft"},
    {"provider": "microsoft", "tenantId": "contoso.com"},
    {"provider": "other", "accessUrl": ELSEWHERE},
]
STAYS = [{"user": "other@example.test"}, {"clientId": "client-2"}, {"clientSecretExpires": "2030-01-01"}]


def document(setups, access, **config):
    return setups.active(access.tenant).document | {"connector": smtp(**config)}


class TestPassBack:
    @pytest.fixture
    def saved(self, ada, setups):
        setups.save(ada, document(setups, ada, auth=oauth()), base=0)
        return ada

    @pytest.mark.parametrize("change", MOVES)
    def test_no_secret_follows_a_changed_token_url(self, setups, saved, change):
        kept = oauth(clientSecret=KEPT, refreshToken=KEPT, **change)

        with pytest.raises(SecretRetypeRequiredError) as refusal:
            setups.save(saved, document(setups, saved, auth=kept), base=1)

        assert {each.pointer for each in refusal.value.errors} == {
            "/connector/config/auth/clientSecret",
            "/connector/config/auth/refreshToken",
        }
        with pytest.raises(SecretRetypeRequiredError):
            setups.resolve(saved.tenant, smtp(auth=kept))

    @pytest.mark.parametrize("change", STAYS)
    def test_secrets_stay_with_the_same_token_url(self, setups, saved, change):
        kept = oauth(clientSecret=KEPT, refreshToken=KEPT, **change)

        setups.save(saved, document(setups, saved, auth=kept), base=1)

        assert setups.resolve(saved.tenant).config.auth.refresh_token.get_secret_value() == f"{CANARY}-refresh"

    def test_a_token_url_is_not_changed_by_way_of_a_ready_token(self, setups, saved):
        ready = oauth(grant="access_token", accessToken="t", clientSecret=KEPT, refreshToken=KEPT)

        with pytest.raises(SecretRetypeRequiredError):
            setups.save(saved, document(setups, saved, auth=ready), base=1)

    @pytest.mark.parametrize("change", MOVES)
    def test_no_draft_follows_either(self, setups, drafts, saved, change):
        drafts.save(saved, Draft(1, document(setups, saved, auth=oauth())))
        drafted = drafts.load(saved)
        moved = document(setups, saved, auth=oauth(clientSecret=DRAFTED, refreshToken=DRAFTED, **change))

        with pytest.raises(SecretRetypeRequiredError):
            setups.resolve(saved.tenant, moved["connector"], draft_secrets=drafted.secrets)

    def test_a_lent_secret_goes_only_to_a_token_url_that_we_know(self, setups, saved, environ):
        environ |= {
            "POSTROOM_SECRET__DEV__MAIL": f"{CANARY}-lent",
            "POSTROOM_SECRET__DEV__MAIL__FOR": "smtp.example.com",
        }
        lent = {"clientSecret": LENT, "refreshToken": f"{CANARY}-typed"}

        for known in ({"provider": "google"}, {"provider": "microsoft", "tenantId": "contoso.com"}):
            assert setups.resolve(saved.tenant, smtp(auth=oauth(**lent, **known))).config.auth.client_secret
        with pytest.raises(SecretUnavailableError):
            setups.resolve(saved.tenant, smtp(auth=oauth(**lent, provider="other", accessUrl=ELSEWHERE)))


class TestDelivery:
    @pytest.fixture
    def authority(self):
        with AuthorizationServer(rotating=True) as authority:
            yield authority

    @pytest.fixture
    def mail(self):
        with ScriptedServer(Script(offers_starttls=False, mechanisms=("XOAUTH2",))) as mail:
            yield mail

    @pytest.fixture
    def tokens(self, db, vault):
        return AccessTokens(db, vault)

    @pytest.fixture
    def live(self, setups, ada, authority, mail):
        auth = oauth(provider="other", accessUrl=authority.token_url, refreshToken=authority.refresh_token())
        config = {"host": "localhost", "port": mail.port, "security": "none", "auth": auth}
        setups.save(ada, document(setups, ada, **config), base=0)
        return ada.tenant

    def check(self, setups, tokens, tenant):
        loop, trace = BackgroundLoop(), Trace()
        delivery = Delivery(CONNECTORS, lambda _: Network(("127.0.0.0/8", "::1/128")), tokens)
        try:
            loop.run(delivery.check(tenant, setups.resolve(tenant), trace), 20)
        finally:
            loop.stop()
        return trace

    def test_a_connector_asks_for_access_once_and_the_revision_stays(self, setups, tokens, live, authority):
        before = setups.active(live)

        first, second = (self.check(setups, tokens, live) for _ in range(2))

        assert [phase.phase for phase in second.phases] == [phase.phase for phase in first.phases]
        assert "token" in [phase.phase for phase in first.phases]
        assert len(authority.requests) == 1
        assert setups.active(live) == before

    @pytest.mark.parametrize(
        ("days", "later", "code"),
        [
            (60, 0, None),
            (7, 0, "access.consent_ends_soon"),
            (7, 8, "access.consent_ended"),
            (None, 0, None),
            (None, 80, "access.consent_unused"),
        ],
    )
    def test_the_end_of_a_consent_is_told_ahead(self, setups, tokens, live, authority, days, later, code):
        authority.refresh_expires_in = days and days * 86400
        self.check(setups, tokens, live)
        expiries = Expiries(CONNECTORS, tokens, setups)

        with time_machine.travel(now() + timedelta(days=later)):
            told = expiries.cautions(live, setups.active(live))

        assert [each.code for each in told] == ([code] if code else [])
        assert all(each.steps and "%(" not in f"{each.title} {each.cause}" for each in told)
