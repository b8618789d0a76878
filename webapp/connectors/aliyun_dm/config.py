"""The settings of an Aliyun Direct Mail connector."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator

from webapp.connectors.aliyun_dm.regions import DEFAULT, DIRECT_MAIL, REGION
from webapp.connectors.config import Line, MailboxText, Secret, setting
from webapp.connectors.endpoint import Endpoint, EndpointConfig
from webapp.domain.address import parse_mailbox
from webapp.domain.text import T

ALIAS_LIMIT: Final = 15
"""Characters of a sender's name (SingleSendMail, FromAlias)."""

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{4,128}")


def _region(value: str) -> str:
    region = value.lower()
    if not REGION.fullmatch(region):
        raise ValueError("Give the region's ID, such as ap-southeast-1.")
    return region


def _key_id(value: str) -> str:
    if value.startswith("STS."):
        raise ValueError(
            "This key is a temporary one, which works only with a security token and for some hours. "
            "Give the AccessKey of a RAM user; its ID begins with LTAI."
        )
    if not _KEY_ID.fullmatch(value):
        raise ValueError("An AccessKey ID has only letters and digits, such as LTAI5tExampleExampleExam.")
    return value


def _short_name(value: str) -> str:
    if len(parse_mailbox(value).name) > ALIAS_LIMIT:
        raise ValueError(f"Direct Mail takes names of at most {ALIAS_LIMIT} characters before the address.")
    return value


def _address_type(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class AliyunDmConfig(EndpointConfig):
    """Which account and region of Direct Mail to send from, and as whom."""

    region_id: Annotated[Line, AfterValidator(_region)] = setting(
        DEFAULT, title=T("Region"), example=DEFAULT, suggestions=DIRECT_MAIL.known
    )
    """The region that is chosen at the top of the Direct Mail console. Domains, sender addresses and quotas belong to
    one region."""
    endpoint: Endpoint | None = setting(
        None,
        title=T("Endpoint"),
        example="https://dm-vpc.ap-southeast-1.aliyuncs.com",
        advanced=True,
        destination=True,
    )
    """Leave it empty for the region's public address. Set it for the internal address of a VPC, or a proxy of yours."""
    access_key_id: Annotated[Line, AfterValidator(_key_id)] = setting(
        title=T("AccessKey ID"), example="LTAI5tExampleExampleExam", section="authentication"
    )
    """The ID of an AccessKey of a RAM user that may send."""
    access_key_secret: Secret = setting(title=T("AccessKey secret"), section="authentication", secret=True)
    """The 30 characters that were shown once, when the AccessKey was created. It is not the SMTP password."""
    from_email: Annotated[MailboxText, AfterValidator(_short_name)] = setting(
        title=T("From"), example="Acme <no-reply@mail.example.com>", section="sender"
    )
    """A sender address of the Direct Mail console. A name of at most 15 characters may stand before it."""
    reply_to: MailboxText | None = setting(None, title=T("Reply to"), example="support@example.com", section="sender")
    """Where answers go. Leave it empty to receive them at the From address."""
    address_type: Annotated[Literal["1", "0"], BeforeValidator(_address_type)] = setting(
        "1",
        title=T("Address type"),
        example="1",
        section="sender",
        advanced=True,
        choices=(("1", T("Sender address")), ("0", T("Random account"))),
    )
    """What the envelope shows: your sender address, so that bounces name it, or an account that Direct Mail picks."""

    @property
    def url(self) -> str:
        """Where requests go."""
        return self.endpoint or DIRECT_MAIL.address(self.region_id)
