"""What people and operators do where another system signs people in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.canary import CANARY
from tests.peers.authorization import AuthorizationServer, answer
from tests.web.conftest import Browser, House
from webapp.accounts import Accounts
from webapp.domain.roles import Role

CLIENT, SECRET = "console", f"{CANARY}-of-the-console"
CAROL = "carol@example.com"
ROLES = "mail-admins=administrator,mail-team=dev:editor,ops=prod:owner,mail-team=prod:viewer"

OpenHouse = Callable[..., House]


def with_provider(open_house: OpenHouse, provider: AuthorizationServer, **given: Any) -> House:
    named = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_name": "Acme ID",
        "oidc_scopes": "openid email groups",
        "oidc_roles": ROLES,
    }
    return open_house(**named | given)


def know(
    provider: AuthorizationServer, email: str = CAROL, *groups: str, verified: bool | None = True, **claims: Any
) -> None:
    """Let the provider know somebody, who is at the browser."""
    provider.add_person(email, groups=groups, **{"email_verified": verified} | claims)
    provider.signed_in = email


def sent_back(browser: Browser, after: str = "") -> str:
    """Go to the provider, and give the path on which it sends one back."""
    begun = browser.get("/sign-in/openid", query_string={"next": after} if after else {})
    assert begun.status_code == 302, begun.text
    back = requests.get(begun.headers["Location"], allow_redirects=False, timeout=5).headers["Location"]
    return urlsplit(back)._replace(scheme="", netloc="").geturl()


def come_in(browser: Browser, after: str = "") -> Any:
    return browser.get(sent_back(browser, after))


def roles(house: House, email: str = CAROL) -> dict[str, Role]:
    person = Accounts(house.services.db).by_email(email)
    return {tenant.slug: role for tenant, role in house.services.tenants.of_person(person.id)}


def forged(
    provider: AuthorizationServer, nonce: str, key: RSAKey | None = None, access: str = "unknown", **changes: Any
) -> Any:
    """A token answer whose ID token differs from a good one in just this."""
    claims = {
        "iss": provider.issuer,
        "aud": CLIENT,
        "sub": "carol-7",
        "email": CAROL,
        "email_verified": True,
        "groups": ["mail-team"],
        "iat": int(time.time()),
        "exp": int(time.time()) + 300,
        "nonce": nonce,
    } | changes
    key = key or provider.signing_key
    header = {"alg": "RS256", "kid": key.kid}
    token = jwt.encode(header, {name: value for name, value in claims.items() if value is not None}, key)
    return answer(200, {"access_token": access, "token_type": "Bearer", "id_token": token})
