"""From what was seen to what is offered: whole forms, the best first, none less safe than it has to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from webapp.connectors.base import Connector, Preset
from webapp.connectors.config import settings_of
from webapp.connectors.smtp.login import METHODS
from webapp.connectors.smtp.probing import Door, Finding
from webapp.domain.problem import Problem
from webapp.domain.text import T, Text
from webapp.services.detection import recognition
from webapp.services.detection.problems import no_login, not_encrypted, unknown_login
from webapp.services.detection.recognition import SMTP, Provider
from webapp.services.detection.results import Candidate, Needed
from webapp.services.detection.survey import Clue, Seen
from webapp.services.detection.target import Target
from webapp.services.wording import field_errors

Connectors = Mapping[str, type[Connector[Any]]]

_SERVER_TO_SERVER: Final = 25
_TYPED, _NAMED, _GUESSED = 92, 85, 75
"""How much it says that a server answers safely: one that was typed, that its domain names, or that was guessed."""
_ONLY_25: Final = T(
    "Only port 25 answers safely. It is for servers among themselves: most clouds block it, so mail may stop "
    "when Postroom moves. Ask for port 465 or 587."
)
_NO_LOGIN: Final = T("The server offers no login, so it takes mail only from machines that it knows by their address.")
_WHICH_REGION: Final = T("Nothing tells your account's region; choose it on the form if it is another one.")
_ONLY_OAUTH: Final = T("The server offers no login by password, only OAuth 2.0.")


@dataclass(frozen=True, slots=True)
class _Ranked:
    weight: int
    candidate: Candidate


def candidates_of(target: Target, seen: Seen, connectors: Connectors) -> tuple[Candidate, ...]:
    """Everything that could be set up, the best first; what cannot be used comes last."""
    ranked: list[_Ranked] = []
    for clues in _by_provider(seen.clues):
        ranked += _of_provider(target, clues, seen, connectors)
    taken = {host for clue in seen.clues for host in clue.provider.hosts()}
    taken |= {host for host, found in seen.servers.items() if _greets_as_known(found)}
    for host, found in seen.servers.items():
        if host not in taken and any(each.reached for each in found):
            ranked += _of_server(target, host, found, seen, connectors)
    ranked.sort(key=lambda each: (not each.candidate.usable, -each.weight))
    return tuple(each.candidate for each in ranked)


def _by_provider(clues: Sequence[Clue]) -> list[list[Clue]]:
    found: dict[str, list[Clue]] = {}
    for clue in sorted(clues, key=lambda each: -each.weight):
        found.setdefault(clue.provider.preset, []).append(clue)
    return list(found.values())


def _of_provider(target: Target, clues: Sequence[Clue], seen: Seen, connectors: Connectors) -> list[_Ranked]:
    """The provider by SMTP, and by its own interface where there is a connector for that."""
    best, provider = clues[0], clues[0].provider
    preset, config = provider.entry, provider.config_for(clues[0].name)
    evidence = tuple(clue.evidence for clue in clues)
    # A provider of one name may stand under several entries, such as its regions; each tells of itself only.
    config, told, warnings = _by_door(provider, config, seen.servers.get(str(config["host"])))
    which = () if any(provider.tells_region(clue.name) for clue in clues) else (_WHICH_REGION,)
    if preset.kind == "mailbox" and target.address:
        config = _with_user(config, target.address)
    unreachable = not told and seen.servers.get(str(config["host"])) is not None
    smtp = _offered(
        connectors,
        SMTP,
        preset.title,
        config,
        target,
        preset=preset,
        evidence=(*evidence, *told),
        warnings=(*warnings, *which),
    )
    ranked = [_Ranked(best.weight, smtp)]
    kind = connectors.get(provider.connector or "")
    if kind is not None:
        by_api = T("It takes mail by its own interface too, over HTTPS, where no port of SMTP needs to be open.")
        ranked.append(
            _Ranked(
                # Where the ports of SMTP are closed, HTTPS is the better way.
                best.weight + (1 if unreachable else -1),
                _offered(
                    connectors,
                    kind.kind,
                    kind.title,
                    _known(kind, provider.api_config(str(config["host"]))),
                    target,
                    evidence=(*evidence, by_api),
                    warnings=which if provider.from_host else (),
                ),
            )
        )
    return ranked


def _by_door(
    provider: Provider, config: dict[str, Any], found: Sequence[Finding] | None
) -> tuple[dict[str, Any], tuple[Text, ...], tuple[Text, ...]]:
    """Look whether the provider can be reached from here, by the usual port or by another of its own."""
    if found is None:
        return config, (), ()
    usual = next((each for each in found if each.safe and each.door.port == config["port"]), None)
    if usual:
        return config, (_told(usual),), ()
    ways = [{**config, **other.config} for other in provider.entry.alternatives if "port" in other.config]
    for finding in found:
        way = next((each for each in ways if _leads_through(each, finding.door)), None)
        if finding.safe and way:
            warning = T(
                "Port %(port)s does not answer from here, so port %(other)s is filled in.",
                port=config["port"],
                other=finding.door.port,
            )
            fitting = {key: way[key] for key in ("port", "security")}
            return {**config, **fitting}, (_told(finding),), (warning,)
    warning = T(
        "%(host)s could not be reached from here just now. A firewall may block the ports of SMTP; a check will tell.",
        host=config["host"],
    )
    return config, (), (warning,)


def _of_server(
    target: Target, host: str, found: Sequence[Finding], seen: Seen, connectors: Connectors
) -> list[_Ranked]:
    """A server that is nobody's whom we know."""
    reason = (seen.reasons[host],) if host in seen.reasons else ()
    usable = [finding for finding in found if finding.safe]
    if not usable:
        problem = _worst(found)
        # A port that is tried both ways answers to one of them only.
        spoke = [each for each in found if each.banner] or [each for each in found if each.reached]
        evidence = (*reason, *map(_told, spoke))
        return [_Ranked(0, Candidate(SMTP, host, problem=problem, evidence=evidence))] if problem else []
    best, evidence = usable[0], (*reason, *(_told(finding) for finding in usable))
    auth, warnings, problem = _login(target, host, best)
    if problem:
        return [_Ranked(0, Candidate(SMTP, host, problem=problem, evidence=evidence))]
    if all(finding.door.port == _SERVER_TO_SERVER for finding in usable):
        warnings = (*warnings, _ONLY_25)
    config = {"host": host, "port": best.door.port, "security": best.door.security, "auth": auth}
    if target.address:
        config = _with_user(config, target.address)
    weight = _TYPED if host == target.host and not target.address else _NAMED if host in seen.named else _GUESSED
    return [_Ranked(weight, _offered(connectors, SMTP, host, config, target, evidence=evidence, warnings=warnings))]


def _login(target: Target, host: str, finding: Finding) -> tuple[dict[str, Any], tuple[Text, ...], Problem | None]:
    """How one would log in there, by what the server offered once the connection was safe."""
    offered = {each.lower() for each in finding.mechanisms}
    if offered & set(METHODS):
        return {"type": "login"}, (), None
    if "xoauth2" in offered:
        return {"type": "oauth2"}, (_ONLY_OAUTH,), None
    if not offered and host == target.host and not target.address:
        return {"type": "none"}, (_NO_LOGIN,), None
    return {"type": "login"}, (), no_login(finding) if not offered else unknown_login(finding)


def _with_user(config: Mapping[str, Any], address: str) -> dict[str, Any]:
    """Mailboxes are mostly logged in to by their address; it stands there to be changed."""
    auth = dict(config.get("auth") or {})
    if auth.get("type") in ("login", "oauth2"):
        auth.setdefault("user", address)
    return {**config, "auth": auth}


def _offered(
    connectors: Connectors,
    kind: str,
    title: str,
    config: Mapping[str, Any],
    target: Target,
    *,
    preset: Preset | None = None,
    evidence: tuple[Text, ...] = (),
    warnings: tuple[Text, ...] = (),
) -> Candidate:
    connector = connectors[kind]
    has_sender = any(setting.path == ("fromEmail",) for setting in settings_of(connector.config_model))
    filled = {**config, "fromEmail": target.address} if target.address and has_sender else dict(config)
    needed = _needed(connector, filled, preset)
    return Candidate(kind, title, preset.id if preset else None, filled, needed, evidence, warnings)


def _needed(connector: type[Connector[Any]], config: Mapping[str, Any], preset: Preset | None) -> tuple[Needed, ...]:
    """What the rules of saving would still ask for."""
    model, labels = connector.config_model, preset.labels if preset else {}
    settings = {setting.pointer: setting for setting in settings_of(model)}
    try:
        model.model_validate(config)
    except ValidationError as exc:
        missing = [settings.get(error.pointer) for error in field_errors(exc, dict(config), model=model)]
        return tuple(Needed(each.name, labels.get(each.name, each.about.title)) for each in missing if each)
    return ()


def _known(kind: type[Connector[Any]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those settings that this connector has, whatever version of it is installed."""
    names = {setting.path[0] for setting in settings_of(kind.config_model)}
    return {**dict(kind.starts), **{key: value for key, value in settings.items() if key in names}}


def _greets_as_known(found: Sequence[Finding]) -> bool:
    """Whether a server turned out to be a known provider's under another name; the provider's own name is offered."""
    return any(recognition.by_banner(each.banner) for each in found if each.banner)


def _leads_through(config: Mapping[str, Any], door: Door) -> bool:
    return (config.get("port"), config.get("security")) == (door.port, door.security)


def _worst(found: Sequence[Finding]) -> Problem | None:
    """The reason that tells most: of a server that spoke, rather than of a port where nobody is."""
    telling = sorted(
        (each for each in found if each.problem),
        key=lambda each: (not _untrusted(each), not each.banner, not each.reached),
    )
    worst = telling[0] if telling else None
    if worst and worst.problem and worst.problem.code == "smtp.starttls_not_offered":
        return not_encrypted(worst)
    return worst.problem if worst else None


def _untrusted(finding: Finding) -> bool:
    return finding.problem is not None and finding.problem.code.startswith("network.certificate")


def _told(finding: Finding) -> Text:
    """What was behind a door, in one sentence."""
    port, banner = finding.door.port, finding.banner
    if not finding.safe:
        why = finding.problem.title if finding.problem else ""
        if not banner:
            return T("Port %(port)s: %(why)s.", port=port, why=why)
        return T("Port %(port)s answers “%(banner)s”: %(why)s.", port=port, banner=banner, why=why)
    facts = {
        "port": str(port),
        "banner": banner,
        "tls": finding.tls,
        "until": finding.expires,
        "offered": ", ".join(each.upper() for each in finding.mechanisms[:6]) or "none",
    }
    if finding.door.security == "tls":
        return T(
            "Port %(port)s answers “%(banner)s”, encrypted from the start (%(tls)s). Certificate valid until "
            "%(until)s. Login: %(offered)s.",
            **facts,
        )
    return T(
        "Port %(port)s answers “%(banner)s” and offers STARTTLS (%(tls)s). Certificate valid until %(until)s. "
        "Login: %(offered)s.",
        **facts,
    )
