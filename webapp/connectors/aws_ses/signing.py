"""Requests signed as AWS wants them (Signature Version 4), by Amazon's own signer; they leave by our one way out."""

from __future__ import annotations

from webapp.connectors.base import MachineCredentials

SERVICE = "ses"


class SignerMissingError(Exception):
    """The package that signs requests is not installed."""


def signed(method: str, url: str, body: bytes, *, credentials: MachineCredentials, region: str) -> dict[str, str]:
    """Give the headers of a signed request. Raises SignerMissingError."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError as exc:
        raise SignerMissingError from exc
    token = credentials.session_token.get_secret_value() if credentials.session_token else None
    keys = Credentials(credentials.access_key_id, credentials.secret.get_secret_value(), token)
    request = AWSRequest(method, url, data=body, headers={"Content-Type": "application/json"} if body else {})
    SigV4Auth(keys, SERVICE, region).add_auth(request)
    return dict(request.headers.items())
