"""The sign-in provider that the operator named, asked through the operator's own way out."""

from __future__ import annotations

from typing import Final

import httpx2

from webapp.connectors.openid import OpenIDProvider, carried
from webapp.services.delivery import operators_network
from webapp.services.loop import BackgroundLoop
from webapp.settings import Settings

CALLBACK: Final = "/sign-in/openid/done"
"""Where the provider sends people back to."""
_SECONDS: Final = 20
"""For one question, whatever it is that takes so long."""


def openid_provider(settings: Settings, loop: BackgroundLoop) -> OpenIDProvider | None:
    """Make the provider; none where the operator named none. Asks nobody yet."""
    if not settings.oidc_issuer or not settings.oidc_client_id:
        return None
    network = operators_network(settings)

    def send(request: httpx2.Request) -> httpx2.Response:
        return loop.run(carried(network, request), _SECONDS)

    return OpenIDProvider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        settings.oidc_scopes,
        redirect_uri=settings.base_url + CALLBACK,
        send=send,
    )
