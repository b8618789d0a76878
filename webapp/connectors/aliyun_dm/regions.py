"""Where Direct Mail is offered, and under which addresses.

Regions and addresses are those of https://www.alibabacloud.com/help/en/direct-mail/api-dm-2015-11-23-endpoint.
"""

from __future__ import annotations

import re
from typing import Final

from webapp.connectors.regional import Regions
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

_IN_REGION: Final = rf"(\.(?P<region>{REGION.pattern}))?\.aliyuncs\.com"
_PUBLIC: Final = re.compile(rf"dm{_IN_REGION}")
_PRIVATE: Final = re.compile(rf"dm-vpc{_IN_REGION}")


def _address(region: str) -> str:
    return "https://dm.aliyuncs.com" if region == DEFAULT else f"https://dm.{region}.aliyuncs.com"


DIRECT_MAIL: Final = Regions(
    setting="regionId",
    form=REGION,
    known=REGIONS,
    address=_address,
    public=_PUBLIC,
    private=_PRIVATE,
    mismatch="aliyun-dm.endpoint_of_other_region",
    unknown="aliyun-dm.region_unknown",
    default=DEFAULT,
)
