"""The outside world: providers and the way to them. A new connector is one line in ``CONNECTORS``."""

from __future__ import annotations

from typing import Final

from webapp.connectors.aliyun_dm import AliyunDmConnector
from webapp.connectors.aws_ses import AwsSesConnector
from webapp.connectors.built_in import BuiltInConnector
from webapp.connectors.catalogue import Catalogue
from webapp.connectors.http_email import HTTPEmailConnector
from webapp.connectors.mailgun import MailgunConnector
from webapp.connectors.postmark import PostmarkConnector
from webapp.connectors.sendgrid import SendGridConnector
from webapp.connectors.smtp import SmtpConnector

CONNECTORS: Final = Catalogue(
    {
        "built-in": BuiltInConnector,
        "smtp": SmtpConnector,
        "aws-ses": AwsSesConnector,
        "mailgun": MailgunConnector,
        "sendgrid": SendGridConnector,
        "aliyun-dm": AliyunDmConnector,
        "postmark": PostmarkConnector,
        "http-email": HTTPEmailConnector,
    }
)
"""Every connector by its kind, in the order of the catalogue. Those of other packages follow, by entry points."""
