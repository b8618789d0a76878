"""Its email connectors and ours: what each setting is called here, and what more there is to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from webapp.domain.diff import escape
from webapp.domain.text import T
from webapp.services.transfer.logto.reading import Moved, Reading
from webapp.services.transfer.logto.templates import array_of_templates, deliveries


def read_connector(reading: Reading, item: Mapping[str, Any], at: str) -> None:
    """One connector with its config; its templates stand inside."""
    kind, config = str(item["connectorId"]), item.get("config")
    config = config if isinstance(config, Mapping) else {}
    pointer = f"{at}/config"
    if kind in WITHOUT_CONNECTOR:
        reading.leave(
            f"{at}/connectorId",
            T("There is no connector for %(name)s here. Its templates were taken.", name=WITHOUT_CONNECTOR[kind]),
        )
        array_of_templates(reading, config.get("templates"), f"{pointer}/templates")
        return
    if kind not in CONNECTORS:
        reading.leave(f"{at}/connectorId", T("“%(kind)s” is no email connector that is known here.", kind=kind[:60]))
        return
    provider, names, more = CONNECTORS[kind]
    mapped: dict[str, Any] = {}
    taken = {"templates", "deliveries"}
    for name, ours in names.items():
        taken.add(name)
        if config.get(name) not in (None, "", {}, []):
            mapped[ours] = config[name]
            reading.moved.append(Moved(f"{pointer}/{name}", f"/connector/config/{ours}"))
    taken |= more(reading, config, mapped, pointer)
    for name in config.keys() - taken:
        reading.leave(f"{pointer}/{escape(name)}", T("This has no place here."))
    reading.connector = {"provider": provider, "config": mapped}
    array_of_templates(reading, config.get("templates"), f"{pointer}/templates")
    deliveries(reading, config.get("deliveries"), f"{pointer}/deliveries")


# Settings that need more than another name. Each answers which of the other system's keys it has dealt with.


def _smtp(reading: Reading, config: Mapping[str, Any], mapped: dict[str, Any], at: str) -> set[str]:
    secure, require, ignore = (config.get(name) is True for name in ("secure", "requireTLS", "ignoreTLS"))
    mapped["security"] = "tls" if secure else "starttls" if require else "none" if ignore else "opportunistic"
    reading.moved.append(Moved(f"{at}/secure", "/connector/config/security"))
    if require and ignore and not secure:
        reading.leave(f"{at}/ignoreTLS", T("It contradicts requireTLS; encryption is required here."))
    auth = config.get("auth")
    if isinstance(auth, Mapping):
        mapped["auth"] = _smtp_login(auth)
        reading.moved.append(Moved(f"{at}/auth", "/connector/config/auth"))
    else:
        mapped["auth"] = {"type": "none"}
    _smtp_tls(reading, config.get("tls"), mapped, f"{at}/tls")
    for name in ("logger", "debug", "disableFileAccess", "disableUrlAccess"):
        if name in config:
            reading.leave(f"{at}/{name}", T("It is not needed here: nothing is printed, and no file or URL is read."))
    return {
        "secure",
        "requireTLS",
        "ignoreTLS",
        "auth",
        "tls",
        "logger",
        "debug",
        "disableFileAccess",
        "disableUrlAccess",
    }


def _smtp_login(auth: Mapping[str, Any]) -> dict[str, Any]:
    values = {key: value for key, value in auth.items() if value not in (None, "")}
    kind = str(values.pop("type", "")).lower()
    if kind == "oauth2" or (not kind and not values.keys() & {"pass"} and len(values) > 1):
        return {"type": "oauth2", **values}
    if not values:
        return {"type": "none"}
    return {"type": "login", **values}


def _smtp_tls(reading: Reading, tls: Any, mapped: dict[str, Any], at: str) -> None:
    if not isinstance(tls, Mapping):
        return
    ours = {}
    for name, value in tls.items():
        if name == "rejectUnauthorized":
            if value is False:
                why = T(
                    "Certificates are verified here. If the server's own authority is not known, give its certificate "
                    "under Advanced instead."
                )
                reading.leave(f"{at}/{name}", why)
        elif name == "servername" and isinstance(value, str):
            mapped.setdefault("servername", value)
            reading.moved.append(Moved(f"{at}/{name}", "/connector/config/servername"))
        elif name in ("ca", "cert", "key", "minVersion") and isinstance(value, str):
            ours[name] = value
            reading.moved.append(Moved(f"{at}/{name}", f"/connector/config/tls/{name}"))
        else:
            reading.leave(f"{at}/{escape(name)}", T("This has no place here."))
    if ours:
        mapped["tls"] = ours


def _named_sender(name: str) -> Callable[[Reading, Mapping[str, Any], dict[str, Any], str], set[str]]:
    """The sender's name has a setting of its own there; here it stands before the address."""

    def more(reading: Reading, config: Mapping[str, Any], mapped: dict[str, Any], at: str) -> set[str]:
        said = config.get(name)
        if isinstance(said, str) and said.strip() and isinstance(mapped.get("fromEmail"), str):
            quoted = said.replace("\\", "").replace('"', "").strip()
            mapped["fromEmail"] = f'"{quoted}" <{mapped["fromEmail"]}>'
            reading.moved.append(Moved(f"{at}/{name}", "/connector/config/fromEmail"))
        return {name}

    return more


def _nothing_more(_reading: Reading, _config: Mapping[str, Any], _mapped: dict[str, Any], _at: str) -> set[str]:
    return set()


def _built_in(reading: Reading, config: Mapping[str, Any], _mapped: dict[str, Any], at: str) -> set[str]:
    internal = {"endpoint", "tokenEndpoint", "resource", "appId", "appSecret"}
    for name in internal & config.keys():
        reading.leave(f"{at}/{name}", T("It belongs to the other system's own service."))
    return internal


_More = Callable[[Reading, Mapping[str, Any], dict[str, Any], str], set[str]]
CONNECTORS: Final[Mapping[str, tuple[str, Mapping[str, str], _More]]] = {
    "simple-mail-transfer-protocol": (
        "smtp",
        {
            name: name
            for name in (
                "host", "port", "fromEmail", "replyTo", "name", "localAddress", "connectionTimeout",
                "greetingTimeout", "socketTimeout", "dnsTimeout", "servername", "customHeaders",
            )
        },
        _smtp,
    ),
    "aws-ses-mail": (
        "aws-ses",
        {
            "accessKeyId": "accessKeyId",
            "accessKeySecret": "accessKeySecret",
            "region": "region",
            "emailAddress": "fromEmail",
            "emailAddressIdentityArn": "fromIdentityArn",
            "feedbackForwardingEmailAddress": "feedbackForwardingEmail",
            "feedbackForwardingEmailAddressIdentityArn": "feedbackForwardingIdentityArn",
            "configurationSetName": "configurationSetName",
        },
        _nothing_more,
    ),
    "mailgun-email": (
        "mailgun",
        {"endpoint": "endpoint", "domain": "domain", "apiKey": "apiKey", "from": "fromEmail"},
        _nothing_more,
    ),
    "sendgrid-email-service": ("sendgrid", {"apiKey": "apiKey", "fromEmail": "fromEmail"}, _named_sender("fromName")),
    "aliyun-direct-mail": (
        "aliyun-dm",
        {
            "accessKeyId": "accessKeyId",
            "accessKeySecret": "accessKeySecret",
            "regionId": "regionId",
            "accountName": "fromEmail",
        },
        _named_sender("fromAlias"),
    ),
    "postmark-mail": ("postmark", {"serverToken": "serverToken", "fromEmail": "fromEmail"}, _nothing_more),
    "http-email": ("http-email", {"endpoint": "endpoint", "authorization": "authorization"}, _nothing_more),
    "logto-email": (
        "built-in",
        {"senderName": "senderName", "companyInformation": "companyInformation", "appLogo": "appLogo"},
        _built_in,
    ),
}  # fmt: skip
"""Their connector → our kind, their name of a setting → ours, and what more there is to do."""

WITHOUT_CONNECTOR: Final = {"mailjunky-email-service": "MailJunky", "smtp2go-email": "SMTP2GO"}
