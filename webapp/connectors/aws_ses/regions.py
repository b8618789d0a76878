"""Where Amazon SES is offered, and under which addresses.

Regions and addresses are those of https://docs.aws.amazon.com/general/latest/gr/ses.html and of the endpoints that AWS
ships with its SDKs.
"""

from __future__ import annotations

import re
from typing import Final

from webapp.connectors.regional import Regions
from webapp.domain.text import T, Text

REGION: Final = re.compile(r"[a-z]{2,5}(-[a-z]+){1,2}-[0-9]{1,2}")

REGIONS: Final[tuple[tuple[str, Text], ...]] = (
    ("us-east-1", T("US East (N. Virginia)")),
    ("us-east-2", T("US East (Ohio)")),
    ("us-west-1", T("US West (N. California)")),
    ("us-west-2", T("US West (Oregon)")),
    ("ca-central-1", T("Canada (Central)")),
    ("ca-west-1", T("Canada West (Calgary)")),
    ("mx-central-1", T("Mexico (Central)")),
    ("sa-east-1", T("South America (São Paulo)")),
    ("eu-central-1", T("Europe (Frankfurt)")),
    ("eu-central-2", T("Europe (Zurich)")),
    ("eu-west-1", T("Europe (Ireland)")),
    ("eu-west-2", T("Europe (London)")),
    ("eu-west-3", T("Europe (Paris)")),
    ("eu-north-1", T("Europe (Stockholm)")),
    ("eu-south-1", T("Europe (Milan)")),
    ("eu-south-2", T("Europe (Spain)")),
    ("il-central-1", T("Israel (Tel Aviv)")),
    ("me-central-1", T("Middle East (UAE)")),
    ("me-south-1", T("Middle East (Bahrain)")),
    ("af-south-1", T("Africa (Cape Town)")),
    ("ap-south-1", T("Asia Pacific (Mumbai)")),
    ("ap-south-2", T("Asia Pacific (Hyderabad)")),
    ("ap-northeast-1", T("Asia Pacific (Tokyo)")),
    ("ap-northeast-2", T("Asia Pacific (Seoul)")),
    ("ap-northeast-3", T("Asia Pacific (Osaka)")),
    ("ap-east-2", T("Asia Pacific (Taipei)")),
    ("ap-southeast-1", T("Asia Pacific (Singapore)")),
    ("ap-southeast-2", T("Asia Pacific (Sydney)")),
    ("ap-southeast-3", T("Asia Pacific (Jakarta)")),
    ("ap-southeast-4", T("Asia Pacific (Melbourne)")),
    ("ap-southeast-5", T("Asia Pacific (Malaysia)")),
    ("ap-southeast-6", T("Asia Pacific (New Zealand)")),
    ("ap-southeast-7", T("Asia Pacific (Thailand)")),
    ("us-gov-east-1", T("AWS GovCloud (US-East)")),
    ("us-gov-west-1", T("AWS GovCloud (US-West)")),
    ("eusc-de-east-1", T("AWS European Sovereign Cloud (Brandenburg)")),
)

_DOMAINS: Final = r"(amazonaws\.com|amazonaws\.eu|api\.aws|api\.amazonwebservices\.eu)"
_PUBLIC: Final = re.compile(rf"email(-fips)?\.(?P<region>{REGION.pattern})\.{_DOMAINS}")
_PRIVATE: Final = re.compile(rf"[a-z0-9.-]+\.email\.(?P<region>{REGION.pattern})\.vpce\.{_DOMAINS}")


def _address(region: str) -> str:
    domain = "amazonaws.eu" if region.startswith("eusc-") else "amazonaws.com"
    return f"https://email.{region}.{domain}"


SES: Final = Regions(
    setting="region",
    form=REGION,
    known=REGIONS,
    address=_address,
    public=_PUBLIC,
    private=_PRIVATE,
    mismatch="aws-ses.endpoint_of_other_region",
    unknown="aws-ses.region_unknown",
)
