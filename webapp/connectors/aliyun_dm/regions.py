"""Where Direct Mail is offered, and under which addresses.

Regions and addresses are those of https://www.alibabacloud.com/help/en/direct-mail/api-dm-2015-11-23-endpoint.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final
from urllib.parse import urlsplit

from webapp.domain.text import T, Text

DEFAULT: Final = "cn-hangzhou"

REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+){1,2}(-[0-9]{1,2})?")

REGIONS: Final[tuple[tuple[str, Text], ...]] = (
    ("cn-hangzhou", T("China (Hangzhou)")),
    ("ap-southeast-1", T("Singapore")),
    ("us-east-1", T("US (Virginia)")),
    ("eu-central-1", T("Germany (Frankfurt)")),
    ("ap-southeast-2", T("United States (formerly Sydney), closed to new users")),
)

_HOST: Final = re.compile(rf"dm(?P<private>-vpc)?(\.(?P<region>{REGION.pattern}))?\.aliyuncs\.com")


def endpoint_of(region: str) -> str:
    """The public address of Direct Mail in a region."""
    return "https://dm.aliyuncs.com" if region == DEFAULT else f"https://dm.{region}.aliyuncs.com"


def is_public(endpoint: str) -> bool:
    """Whether an endpoint is one of Alibaba's own public ones, of whichever region."""
    parts = urlsplit(endpoint)
    match = _HOST.fullmatch(parts.hostname or "")
    return parts.scheme == "https" and parts.port is None and match is not None and not match["private"]


def region_in(endpoint: str) -> str:
    """The region that an endpoint of Alibaba, public or of a VPC, belongs to; empty for all others."""
    match = _HOST.fullmatch(urlsplit(endpoint).hostname or "")
    return (match["region"] or DEFAULT) if match else ""


def nearest(region: str) -> str | None:
    """The known region that is written most alike; None where this one is known."""
    known = [each for each, _ in REGIONS]
    return None if region in known else get_close_matches(region, known, 1, 0)[0]
