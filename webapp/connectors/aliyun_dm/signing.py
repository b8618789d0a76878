"""Requests of Alibaba Cloud's RPC interfaces: a form that is signed over all of its fields.

https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import quote


def signature(method: str, fields: Mapping[str, str], secret: str) -> str:
    """Sign the fields of a request. What is sorted are the encoded pairs."""
    text = f"{method}&{encoded('/')}&{encoded(form(fields))}"
    # The interface knows no other method; as a keyed hash SHA-1 is not broken.
    digest = hmac.new(f"{secret}&".encode(), text.encode(), "sha1").digest()
    return base64.b64encode(digest).decode()


def form(fields: Mapping[str, str]) -> str:
    """Write fields in the order in which they are signed."""
    return "&".join(sorted(f"{encoded(name)}={encoded(value)}" for name, value in fields.items()))


def encoded(text: str) -> str:
    """Percent-encode as RFC 3986 has it: a space is %20, and only ``-_.~`` stay beside letters and digits."""
    return quote(text, safe="-_.~")
