"""One declaration of a setting: from it follow form, JSON Schema, guide table, masking, export, diff and pass-back.

A setting is a pydantic field made by ``setting(...)``; its help is the docstring under it::

    class SmtpConfig(ConnectorConfig):
        host: Host = setting(title=T("Server"), example="smtp.example.com", destination=True)
        '''The name of the provider's mail server.'''
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from webapp.domain.address import parse_host, parse_mailbox
from webapp.domain.text import NOTHING, T, Text


class ConnectorConfig(BaseModel):
    """Base of every connector's settings."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )


@dataclass(frozen=True, slots=True)
class About:
    """What a setting is, beyond its type."""

    title: Text
    example: str = ""
    section: str = "connection"
    """``connection``, ``authentication`` or ``sender``: where the form shows it."""
    secret: bool = False
    destination: bool = False
    """Whether it decides who receives the secrets; a change of it asks for them again."""
    advanced: bool = False
    show_if: tuple[str, tuple[str, ...]] | None = None
    """Another setting's path and the values with which this one is shown."""
    choices: tuple[tuple[str, Text], ...] = ()
    """For literals: value and label, in the order of the form."""
    multiline: bool = False
    unit: Text = NOTHING
    suggestions: tuple[tuple[str, Text], ...] = ()
    """For text: values that are known, such as a provider's regions, and their labels; others can be typed."""


def setting(
    default: Any = PydanticUndefined,
    *,
    title: Text,
    example: str = "",
    section: str = "connection",
    secret: bool = False,
    destination: bool = False,
    advanced: bool = False,
    show_if: tuple[str, tuple[str, ...]] | None = None,
    choices: tuple[tuple[str, Text], ...] = (),
    multiline: bool = False,
    unit: Text = NOTHING,
    suggestions: tuple[tuple[str, Text], ...] = (),
    **constraints: Any,
) -> Any:
    """Declare a setting. Without ``default`` it is required; ``constraints`` are those of ``pydantic.Field``."""
    about = About(
        title, example, section, secret, destination, advanced, show_if, choices, multiline, unit, suggestions
    )
    public: dict[str, Any] = {"secret": True, "writeOnly": True} if secret else {}
    info: FieldInfo = Field(
        default,
        title=str(title),
        examples=[example] if example else None,
        json_schema_extra=public or None,
        **constraints,
    )
    info.metadata.append(about)
    return info


@dataclass(frozen=True, slots=True)
class Setting:
    """A declared setting as the form, the guide and the masking see it."""

    path: tuple[str, ...]
    """JSON keys from the config down, such as ``("auth", "pass")``."""
    about: About
    help: str
    kind: Literal["text", "number", "choice", "switch", "secret", "headers", "lines"]
    required: bool
    default: Any

    @property
    def pointer(self) -> str:
        return "/" + "/".join(self.path)

    @property
    def name(self) -> str:
        """The dotted path, as forms and slots name it."""
        return ".".join(self.path)


def settings_of(model: type[BaseModel]) -> list[Setting]:
    """List a model's settings in order, nested ones flattened.

    Members of a union are shown when its discriminator has their value; a nested model that is optional is shown
    with its fields optional. What several members have in common is listed once.
    """
    found: dict[tuple[str, ...], Setting] = {}
    for each in _settings(model, (), None):
        found[each.path] = _shared(found[each.path], each) if each.path in found else each
    return list(found.values())


def secrets_of(model: type[BaseModel]) -> list[Setting]:
    """List the settings that are secret."""
    return [each for each in settings_of(model) if each.about.secret]


def _shared(first: Setting, other: Setting) -> Setting:
    """One setting of two members of a union, in the words of the first."""
    mine, its = first.about.show_if, other.about.show_if
    if not mine or not its or mine[0] != its[0]:
        return first
    return replace(first, about=replace(first.about, show_if=(mine[0], mine[1] + its[1])))


def _settings(
    model: type[BaseModel], prefix: tuple[str, ...], show_if: tuple[str, tuple[str, ...]] | None
) -> Iterator[Setting]:
    for name, info in model.model_fields.items():
        path = (*prefix, info.alias or name)
        about = next((each for each in info.metadata if isinstance(each, About)), None)
        members = _models(info.annotation)
        if members:
            yield from _nested(members, path, info, about, show_if)
        elif about:
            yield _setting(path, info, about, show_if)


def _nested(
    members: list[type[BaseModel]],
    path: tuple[str, ...],
    info: FieldInfo,
    about: About | None,
    show_if: tuple[str, tuple[str, ...]] | None,
) -> Iterator[Setting]:
    discriminator = info.discriminator if isinstance(info.discriminator, str) else _discriminator(members)
    if len(members) == 1 or not discriminator:
        yield from _settings(members[0], path, show_if)
        return
    alias = members[0].model_fields[discriminator].alias or discriminator
    if about:
        default = getattr(info.get_default(call_default_factory=True), discriminator, None)
        yield Setting((*path, alias), about, info.description or "", "choice", False, default)
    for member in members:
        value = str(get_args(member.model_fields[discriminator].annotation)[0])
        condition = (".".join((*path, alias)), (value,))
        yield from _settings(member, path, condition)


def _discriminator(members: list[type[BaseModel]]) -> str | None:
    shared = set.intersection(*(set(member.model_fields) for member in members))
    return next((name for name in sorted(shared) if _is_literal(members[0].model_fields[name])), None)


def _is_literal(info: FieldInfo) -> bool:
    return get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1


def _setting(
    path: tuple[str, ...], info: FieldInfo, about: About, show_if: tuple[str, tuple[str, ...]] | None
) -> Setting:
    if show_if and not about.show_if:
        about = About(**{name: getattr(about, name) for name in About.__slots__} | {"show_if": show_if})
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    return Setting(path, about, info.description or "", _kind(info, about), info.is_required(), default)


def _kind(info: FieldInfo, about: About) -> Literal["text", "number", "choice", "switch", "secret", "headers", "lines"]:
    plain = [part for part in _parts(info.annotation) if part is not type(None)]
    first = plain[0] if plain else str
    if about.secret or first is SecretStr:
        return "secret"
    if get_origin(first) is Literal or about.choices:
        return "choice"
    if first is bool:
        return "switch"
    if first in (int, float):
        return "number"
    if get_origin(first) in (dict, Mapping):
        return "headers"
    return "lines" if about.multiline else "text"


def _parts(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _parts(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [part for member in get_args(annotation) for part in _parts(member)]
    return [annotation]


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]


def _one_line(value: object) -> object:
    if isinstance(value, str) and any(ord(char) < 32 or ord(char) == 127 for char in value.strip()):
        raise ValueError("Line breaks and control characters are not possible here.")
    return value


def _several_lines(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n")
    if any((ord(char) < 32 and char not in "\n\t") or ord(char) == 127 for char in text):
        raise ValueError("Control characters are not possible here.")
    return text


def _no_placeholder(value: str) -> str:
    stripped = value.strip()
    if stripped and not stripped.strip("*•●"):
        raise ValueError("This is a mask, not a value. Leave it empty to keep the stored one, or type the real one.")
    if stripped.startswith("<") and stripped.endswith(">") and "@" not in stripped:
        raise ValueError("This is still the placeholder. Put your own value here.")
    return value


def _no_secret_placeholder(value: SecretStr) -> SecretStr:
    _no_placeholder(value.get_secret_value())
    return value


def _printable(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[ -~]*", value.get_secret_value()):
        raise ValueError("Only letters, digits and signs of ASCII are possible here. Copy it again, without blanks.")
    return value


def _host(value: str) -> str:
    """An IPv6 address is the one host that is no name; it may stand in brackets, as in a URL."""
    literal = value.removeprefix("[").removesuffix("]")
    if ":" in literal:
        try:
            return str(IPv6Address(literal))
        except ValueError:
            raise ValueError("Give a host name or an IP address only; the port has its own field.") from None
    return parse_host(value)


def _mailbox(value: str) -> str:
    return str(parse_mailbox(value))


Line = Annotated[str, BeforeValidator(_one_line), AfterValidator(_no_placeholder), Field(max_length=2000)]
"""One line of text."""
Host = Annotated[Line, AfterValidator(_host)]
"""A host name or an IP address."""
MailboxText = Annotated[Line, AfterValidator(_mailbox)]
"""One address, with or without a display name."""
Secret = Annotated[
    SecretStr,
    BeforeValidator(_one_line),
    AfterValidator(_no_secret_placeholder),
    Field(min_length=1, max_length=10_000),
]
"""A credential; in no log, page or answer."""
HeaderSecret = Annotated[Secret, AfterValidator(_printable)]
"""A credential that is sent in a header of HTTP, which carries ASCII only."""
Lines = Annotated[str, BeforeValidator(_several_lines), AfterValidator(_no_placeholder), Field(max_length=100_000)]
"""Text of several lines, such as certificates in PEM."""
SecretLines = Annotated[
    SecretStr,
    BeforeValidator(_several_lines),
    AfterValidator(_no_secret_placeholder),
    Field(min_length=1, max_length=100_000),
]
"""A credential of several lines, such as a private key in PEM."""

SECTIONS: tuple[tuple[str, Text], ...] = (
    ("connection", T("Connection")),
    ("authentication", T("Authentication")),
    ("sender", T("Sender")),
)
