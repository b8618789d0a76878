"""Looking: DNS first, then at the doors of every server that could be meant, all within one time bound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from webapp.connectors.dns import DNS, DNSUnansweredError
from webapp.connectors.network import Network
from webapp.connectors.smtp.probing import Door, Finding, probe_all
from webapp.domain.message import DeliveryError
from webapp.domain.problem import Problem
from webapp.domain.text import T, Text
from webapp.services.detection import recognition
from webapp.services.detection.recognition import Filter, Provider
from webapp.services.detection.results import Step, StepState
from webapp.services.detection.target import Target

ResultT = TypeVar("ResultT")

SERVERS_LIMIT: Final = 6
"""Servers that one detection looks at; each is asked at four ports."""
OWN_EXCHANGERS: Final = 2
"""Servers that take the domain's mail themselves, and may be handed mail too."""
PRESETS_LIMIT: Final = 2
_SILENCE: Final = T("The name servers of this machine did not answer everything in time. Looking again may find more.")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds."""

    overall: float = 8.0
    dns: float = 2.5
    step: float = 3.0
    """One step of one conversation."""


@dataclass(frozen=True, slots=True)
class Clue:
    """Something that points to a provider, in words."""

    provider: Provider
    name: str
    """The name that gave it away; it may tell the region too."""
    evidence: Text
    weight: int


@dataclass(slots=True)
class Seen:
    """Everything that a survey found."""

    clues: list[Clue] = field(default_factory=list)
    servers: dict[str, list[Finding]] = field(default_factory=dict)
    """Server → what stood behind its doors; empty where it could not even be looked up."""
    reasons: dict[str, Text] = field(default_factory=dict)
    """Server → why it was looked at."""
    doors: dict[str, Door] = field(default_factory=dict)
    """Server → the door that its domain names, where that is no usual one."""
    closed: dict[str, Problem] = field(default_factory=dict)
    """Servers that could not be looked up, or may not be reached."""
    named: set[str] = field(default_factory=set)
    """Servers that the domain names for handing in mail."""
    domain_found: bool = False
    """Whether DNS said anything of the domain's mail."""
    notes: list[Text] = field(default_factory=list)


class Survey:
    """One look around. ``told`` is called with all steps whenever one has changed."""

    def __init__(
        self,
        network: Network,
        dns: DNS,
        doors: Sequence[Door],
        patience: Patience,
        told: Callable[[tuple[Step, ...]], None],
    ) -> None:
        self._network = network
        self._dns = dns
        self._doors = doors
        self._patience = patience
        self._told = told
        self._steps: list[Step] = []

    async def look(self, target: Target) -> Seen:
        """Gather everything that is known of a target."""
        seen, deadline = Seen(), asyncio.get_running_loop().time() + self._patience.overall
        if known := recognition.of_domain(target.host):
            evidence = T("Mailboxes in %(domain)s are at %(provider)s.", domain=target.host, provider=known.title)
            seen.clues.append(Clue(known, target.host, evidence, 100))
            self._done(T("Know %(domain)s", domain=target.host), T("%(provider)s", provider=known.title))
            return seen
        if not target.address and (known := recognition.of_host(target.host)):
            evidence = T("%(host)s is a server of %(provider)s.", host=target.host, provider=known.title)
            seen.clues.append(Clue(known, target.host, evidence, 95))
        named = await self._ask_dns(target, seen) if target.domain else []
        for host in _servers(target, seen, named):
            seen.servers[host] = []
        await self._knock(target, seen, deadline)
        return seen

    async def _ask_dns(self, target: Target, seen: Seen) -> list[str]:
        """Ask for MX, SPF and SRV at once; gives the servers that the domain names for handing in mail."""
        domain, dns, seconds = target.host, self._dns, self._patience.dns
        exchangers, senders, at_once, later = await asyncio.gather(
            self._asked(
                seen, T("MX records of %(domain)s", domain=domain), dns.mail_exchangers(domain, seconds=seconds), []
            ),
            self._asked(seen, T("SPF record of %(domain)s", domain=domain), dns.senders(domain, seconds=seconds), []),
            self._quietly(dns.service("submissions", domain, seconds=seconds)),
            self._quietly(dns.service("submission", domain, seconds=seconds)),
        )
        services = [(host, Door(port, "tls")) for host, port in at_once[:1]]
        services += [(host, Door(port, "starttls")) for host, port in later[:1]]
        seen.domain_found = bool(exchangers or services)
        if exchangers is None:
            seen.notes.append(T("%(domain)s says that it takes no mail (null MX).", domain=domain))
        for host in exchangers or []:
            self._note_exchanger(domain, host, seen)
        for name in senders or []:
            for each in recognition.by_spf(name)[:1]:
                evidence = T(
                    "The SPF record of %(domain)s lets %(provider)s send for it (%(name)s).",
                    domain=domain,
                    provider=each.title,
                    name=name,
                )
                seen.clues.append(Clue(each, name, evidence, 70))
        for host, door in services:
            seen.named.add(host)
            seen.reasons[host] = T(
                "%(domain)s names %(host)s port %(port)s for handing in mail (SRV).",
                domain=domain,
                host=host,
                port=door.port,
            )
            if door not in self._doors:
                seen.doors[host] = door
        return [host for host, _ in services]

    def _note_exchanger(self, domain: str, host: str, seen: Seen) -> None:
        found = recognition.by_mx(host)
        for each in found:
            if any(clue.provider is each for clue in seen.clues):
                continue
            evidence = T(
                "MX of %(domain)s is %(host)s, which is %(provider)s.",
                domain=domain,
                host=host,
                provider=each.title,
            )
            # An entry that stands behind another one of the same MX is its second choice.
            seen.clues.append(Clue(each, host, evidence, 80 - 5 * found.index(each)))
        stands_before = None if found else recognition.filter_of(host)
        if stands_before:
            seen.notes.append(_about(stands_before, domain, host))
        elif not found:
            seen.reasons.setdefault(host, T("MX of %(domain)s is %(host)s.", domain=domain, host=host))

    async def _asked(self, seen: Seen, text: Text, question: Awaitable[ResultT], nothing: ResultT) -> ResultT:
        at = self._begin(text)
        try:
            answer = await question
        except DNSUnansweredError:
            self._end(at, "nothing", T("No name server answered in time."))
            if _SILENCE not in seen.notes:
                seen.notes.append(_SILENCE)
            return nothing
        names = ", ".join(map(str, answer[:3])) if isinstance(answer, list) else ""
        self._end(at, "found" if names else "nothing", T("%(names)s", names=names) if names else T("None."))
        return answer

    async def _quietly(self, question: Awaitable[list[tuple[str, int]]]) -> list[tuple[str, int]]:
        """Ask for what most domains do not have, so that its absence is not worth a word."""
        try:
            return await question
        except DNSUnansweredError:
            return []

    async def _knock(self, target: Target, seen: Seen, deadline: float) -> None:
        """Look behind the doors of all servers at once."""
        tasks = {
            host: asyncio.create_task(self._knock_at(host, self._doors_of(target, host, seen), seen, deadline))
            for host in seen.servers
        }
        try:
            await asyncio.gather(*tasks.values())
        finally:
            for task in tasks.values():
                task.cancel()

    async def _knock_at(self, host: str, doors: Sequence[Door], seen: Seen, deadline: float) -> None:
        ports = list(dict.fromkeys(str(door.port) for door in doors))
        at = self._begin(
            T("%(host)s, ports %(ports)s", host=host, ports=", ".join(ports))
            if len(ports) > 1
            else T("%(host)s, port %(port)s", host=host, port=ports[0])
        )
        try:
            await self._network.resolve(host, doors[0].port, seconds=self._patience.step)
        except DeliveryError as exc:
            seen.closed[host] = exc.problem
            self._end(at, "nothing", exc.problem.title)
            return
        left = max(0.1, deadline - asyncio.get_running_loop().time())
        found = await probe_all(self._network, host, doors, seconds=min(self._patience.step, left), patience=left)
        seen.servers[host] = found
        for finding in found:
            self._note_banner(finding, seen)
        self._end(at, *_outcome(found))

    def _note_banner(self, finding: Finding, seen: Seen) -> None:
        provider = recognition.by_banner(finding.banner) if finding.banner else None
        if provider is None or any(clue.provider is provider and clue.weight >= 90 for clue in seen.clues):
            return
        evidence = T(
            "%(host)s port %(port)s greets as %(provider)s does: “%(banner)s”.",
            host=finding.host,
            port=finding.door.port,
            provider=provider.title,
            banner=finding.banner,
        )
        name = finding.host if finding.host in provider.hosts() else finding.banner.lower().split(" ")[0]
        seen.clues.append(Clue(provider, name, evidence, 90))

    def _doors_of(self, target: Target, host: str, seen: Seen) -> Sequence[Door]:
        if target.port and host == target.host:
            return (Door(target.port, "tls"), Door(target.port, "starttls"))
        return (seen.doors[host], *self._doors) if host in seen.doors else self._doors

    def _begin(self, text: Text) -> int:
        self._steps.append(Step(text))
        self._told(tuple(self._steps))
        return len(self._steps) - 1

    def _end(self, at: int, state: StepState, outcome: Text) -> None:
        self._steps[at] = replace(self._steps[at], state=state, outcome=outcome)
        self._told(tuple(self._steps))

    def _done(self, text: Text, outcome: Text) -> None:
        self._end(self._begin(text), "found", outcome)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps)


def _servers(target: Target, seen: Seen, named: Sequence[str]) -> list[str]:
    """The servers to look at: the one that was typed, those that DNS names, and the names that people give them."""
    domain = target.host
    found = [] if target.address else [target.host]
    found += named
    found += [clue.provider.config_for(clue.name)["host"] for clue in seen.clues[:PRESETS_LIMIT]]
    if target.address or seen.domain_found:
        for name in (f"smtp.{domain}", f"mail.{domain}"):
            seen.reasons.setdefault(name, T("%(host)s is what many domains call this server.", host=name))
            found.append(name)
    own = [host for host in seen.reasons if host not in found][:OWN_EXCHANGERS]
    return list(dict.fromkeys([*found, *own]))[:SERVERS_LIMIT]


def _outcome(found: Sequence[Finding]) -> tuple[StepState, Text]:
    usable = [finding for finding in found if finding.safe]
    if usable:
        return "found", T("Answers safely at %(ports)s.", ports=_ports(usable))
    reached = [finding for finding in found if finding.reached]
    if reached:
        return "nothing", T("Answers at %(ports)s, but not safely.", ports=_ports(reached))
    return "nothing", found[0].problem.title if len(found) == 1 and found[0].problem else T("No port answers.")


def _ports(found: Sequence[Finding]) -> str:
    return ", ".join(str(port) for port in dict.fromkeys(finding.door.port for finding in found))


def _about(stands_before: Filter, domain: str, host: str) -> Text:
    return T(
        "MX of %(domain)s is %(host)s (%(filter)s), which takes mail for others; it does not tell who sends for it.",
        domain=domain,
        host=host,
        filter=stands_before.title,
    )
