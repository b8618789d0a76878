"""The settings of an Amazon SES connector."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from webapp.connectors.aws_ses.regions import REGION, SES
from webapp.connectors.config import Line, MailboxText, Secret, setting
from webapp.connectors.endpoint import Endpoint, EndpointConfig, is_loopback
from webapp.connectors.headers import Headers
from webapp.domain.text import T

HEADERS_LIMIT: Final = 15
"""So many headers of one's own does the interface take (SendEmail, Message.Headers)."""

_KEY_ID = re.compile(r"\w{4,128}", re.ASCII)
_ARN = re.compile(rf"arn:aws[a-z-]*:ses:{REGION.pattern}:[0-9]{{12}}:identity/(?P<identity>[^\s/]+)")
_SET_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY: Final = ("access_key_id", "access_key_secret")
_OWN_KEYS: Final = ("machineIdentity", ("false",))


def _region(value: str) -> str:
    region = value.lower()
    if not REGION.fullmatch(region):
        raise ValueError("Give the region's code, such as eu-central-1; it stands behind the name in the AWS console.")
    return region


def _key_id(value: str) -> str:
    if value.startswith("ASIA"):
        raise ValueError(
            "This key is a temporary one, which works only with a session token and for some hours. "
            "Give the access key of an IAM user; it begins with AKIA."
        )
    if not _KEY_ID.fullmatch(value):
        raise ValueError("An access key ID has only letters and digits, such as AKIAIOSFODNN7EXAMPLE.")
    return value


def _arn(value: str) -> str:
    if not _ARN.fullmatch(value):
        raise ValueError("Give the whole ARN, such as arn:aws:ses:us-east-1:123456789012:identity/example.com.")
    return value


def _set_name(value: str) -> str:
    if not _SET_NAME.fullmatch(value):
        raise ValueError("A configuration set's name has at most 64 letters, digits, hyphens and underscores.")
    return value


Region = Annotated[Line, AfterValidator(_region)]
KeyId = Annotated[Line, AfterValidator(_key_id)]
Arn = Annotated[Line, AfterValidator(_arn)]
SetName = Annotated[Line, AfterValidator(_set_name)]


class AwsSesConfig(EndpointConfig):
    """Which account and region of Amazon SES to send from, and as whom."""

    region: Region = setting(title=T("Region"), example="eu-central-1", suggestions=SES.known)
    """The AWS region in which your sender is verified. Identities, quotas and the sandbox are separate in each."""
    endpoint: Endpoint | None = setting(
        None,
        title=T("Endpoint"),
        example="https://vpce-0123abcd-4567efgh.email.eu-central-1.vpce.amazonaws.com",
        advanced=True,
        destination=True,
    )
    """Leave it empty for the region's public address. Set it for a VPC endpoint, a FIPS endpoint or a test server."""
    machine_identity: bool = setting(
        False, title=T("Use this machine's own role"), section="authentication", advanced=True
    )
    """Sign with the role that AWS gave the machine that Postroom runs on, with no key to keep. The operator has to
    allow it for this tenant."""
    access_key_id: KeyId | None = setting(
        None, title=T("Access key ID"), example="AKIAIOSFODNN7EXAMPLE", section="authentication", show_if=_OWN_KEYS
    )
    """The ID of an access key of an IAM user that may send. SMTP credentials of SES are something else and do not work
    here."""
    access_key_secret: Secret | None = setting(
        None, title=T("Secret access key"), section="authentication", secret=True, show_if=_OWN_KEYS
    )
    """The 40 characters that AWS showed once, when the access key was created."""
    from_email: MailboxText = setting(title=T("From"), example="Acme <no-reply@example.com>", section="sender")
    """The address that recipients see, with a name before it if you like. It or its domain must be verified in SES."""
    reply_to: MailboxText | None = setting(None, title=T("Reply to"), example="support@example.com", section="sender")
    """Where answers go. Leave it empty to receive them at the From address."""
    configuration_set_name: SetName | None = setting(
        None, title=T("Configuration set"), example="sign-in-mails", section="sender"
    )
    """The SES configuration set for these mails: it decides about events, tracking and dedicated addresses. Leave it
    empty to use the identity's default set, if it has one."""
    from_identity_arn: Arn | None = setting(
        None,
        title=T("Identity ARN of the sender"),
        example="arn:aws:ses:us-east-1:123456789012:identity/example.com",
        section="sender",
        advanced=True,
    )
    """Only where the sender belongs to another AWS account, whose owner authorised yours to send as it."""
    feedback_forwarding_email: MailboxText | None = setting(
        None, title=T("Bounces and complaints to"), example="bounces@example.com", section="sender", advanced=True
    )
    """A verified address that SES forwards bounces and complaints to. Leave it empty to receive them at the From
    address."""
    feedback_forwarding_identity_arn: Arn | None = setting(
        None,
        title=T("Identity ARN for bounces and complaints"),
        example="arn:aws:ses:us-east-1:123456789012:identity/bounces@example.com",
        section="sender",
        advanced=True,
    )
    """Only where the address for bounces and complaints belongs to another AWS account."""
    custom_headers: Headers = setting(
        default_factory=dict, title=T("Custom headers"), example="X-Entity-Ref", section="sender", advanced=True
    )
    """Headers added to every mail; SES takes 15 at most. Headers that Postroom or SES write, such as From or
    Message-ID, cannot be given here."""

    @classmethod
    def given(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """The key too where it is missing: pydantic judges what is there, and names it by its JSON key then."""
        given = super().given(data)
        return {to_camel(name): None for name in _KEY if name not in given} | given

    @field_validator("machine_identity")
    @classmethod
    def _role_stays_at_amazon(cls, value: bool, info: ValidationInfo) -> bool:
        """The role's session token goes along with each request, so it goes to nobody else."""
        endpoint = info.data.get("endpoint")
        if value and endpoint and not SES.region_in(endpoint) and not is_loopback(urlsplit(endpoint).hostname or ""):
            raise ValueError(
                "The machine's own role is shown to Amazon's endpoints only. Remove the endpoint, or use a key."
            )
        return value

    @field_validator("access_key_id")
    @classmethod
    def _key_or_role(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("machine_identity") is False:
            raise ValueError("Give the ID of an access key.")
        return value

    @field_validator("access_key_secret")
    @classmethod
    def _secret_of_key(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.data.get("machine_identity") is False:
            raise ValueError("Give the secret that belongs to the access key.")
        return value

    @field_validator("custom_headers")
    @classmethod
    def _few_headers(cls, value: dict[str, Any]) -> dict[str, Any]:
        if sum(1 if isinstance(each, str) else len(each) for each in value.values()) > HEADERS_LIMIT:
            raise ValueError(f"SES takes at most {HEADERS_LIMIT} custom headers.")
        return value

    @property
    def url(self) -> str:
        """Where requests go."""
        return self.endpoint or SES.address(self.region)


def identity_in(arn: str | None) -> str:
    """The identity that an ARN names; empty where there is none."""
    match = _ARN.fullmatch(arn or "")
    return match["identity"] if match else ""
