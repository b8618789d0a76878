"""The ready-made mails of the built-in service: nine uses in five languages, in the look of the house.

They are made anew for what is known of a mail: an organization that was named, minutes that were given, a logo. What a
caller can make people write (names) is left out where it holds a link: these mails go out in the operator's name.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from string import Template as Layout
from typing import Final

from webapp.connectors.base import Brand
from webapp.domain.plain_words import has_invisible, has_link
from webapp.domain.problem import JSON
from webapp.domain.setup import normal_tag
from webapp.domain.template import Template, as_text, fallbacks, look_up
from webapp.domain.usage import UsageType
from webapp.resources import resource

LAST_RESORT: Final = "en"
NAME_LIMIT: Final = 100
"""Characters of a name that a mail repeats."""

_NEAR: Final = {"zh-TW": "zh-Hant", "zh-HK": "zh-Hant", "zh-MO": "zh-Hant", "pt": "pt-BR"}
"""Languages that are read where another is spoken of."""
_SANS: Final = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial"
_FONTS: Final = {
    "zh-Hant": f"{_SANS},'PingFang TC','Microsoft JhengHei','Noto Sans TC',sans-serif",
    "ja": f"{_SANS},'Hiragino Sans','Yu Gothic',Meiryo,'Noto Sans JP',sans-serif",
    "th": f"{_SANS},Thonburi,'Leelawadee UI','Noto Sans Thai',sans-serif",
}
_EMPTY_LINES: Final = re.compile(r"\n{3,}")


def languages() -> tuple[str, ...]:
    """The languages there are."""
    return tuple(sorted(path.stem for path in (resource("templates") / "mails" / "built-in").glob("*.toml")))


def language_for(wanted: Iterable[str]) -> str:
    """The first of the wanted languages that there is, each shortened a subtag at a time; English in the end."""
    known = languages()
    for tag in wanted:
        for shorter in fallbacks(tag):
            found = shorter if shorter in known else _NEAR.get(shorter)
            if found in known:
                return str(found)
    return LAST_RESORT


def ready_made(
    usage_type: UsageType, language: str, brand: Brand, payload: Mapping[str, JSON]
) -> tuple[Template, dict[str, JSON]]:
    """The mail for a use, and the values to fill it with: those of the caller, and those of the house."""
    values = {**payload, "house": _house(brand, payload)}
    words = _chosen(_words(language)[usage_type], values)
    action = usage_type.required_variable
    template = Template(
        subject=words["subject"],
        preheader=words["preheader"],
        content=_html(language, action, words, brand),
        text=_text(action, words, brand),
    )
    return template, values


def _house(brand: Brand, payload: Mapping[str, JSON]) -> dict[str, JSON]:
    return {"name": brand.name, "company": brand.company, "logo": brand.logo, "minutes": _minutes(payload)}


def _minutes(payload: Mapping[str, JSON]) -> int | None:
    """How long the code is valid, where the caller says so in seconds; told only where it is whole minutes."""
    seconds = payload.get("expiresIn")
    whole = isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 60 and seconds % 60 == 0
    return seconds // 60 if whole and isinstance(seconds, int) else None


@cache
def _words(language: str) -> dict[UsageType, dict[str, str]]:
    read = tomllib.loads(_read(f"{language}.toml"))
    words = {usage_type: read["common"] | read[usage_type.value] for usage_type in UsageType}
    # Minutes are told of codes; what is said of an invitation is said whatever the caller gave.
    del words[UsageType.ORGANIZATION_INVITATION]["validity_known"]
    return words


def _chosen(words: Mapping[str, str], values: Mapping[str, JSON]) -> dict[str, str]:
    """The words that say what is known, and nothing that would stay empty."""
    chosen = dict(words)
    if look_up(values, "house.minutes"):
        chosen["validity"] = words.get("validity_known", words["validity"])
    if _may_be_told(values, "organization.name"):
        chosen["subject"] = words.get("subject_organization", words["subject"])
        told = "intro_inviter" if _may_be_told(values, "inviter.name") else "intro_organization"
        chosen["intro"] = words.get(told, words["intro"])
    return chosen


def _may_be_told(values: Mapping[str, JSON], path: str) -> bool:
    name = as_text(look_up(values, path)).strip()
    return bool(name) and len(name) <= NAME_LIMIT and not has_link(name) and not has_invisible(name)


def _html(language: str, action: str, words: Mapping[str, str], brand: Brand) -> str:
    escaped = {name: html.escape(word, quote=False) for name, word in words.items()}
    head = _read("logo.html") if brand.logo else _read("name.html") if brand.name else ""
    # Beside a logo the name says in words whose mail it is.
    lines = [
        line
        for line, known in (("{{house.name}}", brand.logo and brand.name), ("{{house.company}}", brand.company))
        if known
    ]
    return Layout(_read("layout.html")).substitute(
        escaped,
        lang=language,
        font=_FONTS.get(language, f"{_SANS},sans-serif"),
        head=head,
        action=Layout(_read(f"{action}.html")).substitute(escaped),
        foot=Layout(_read("foot.html")).substitute(lines="<br>".join(lines)) if lines else "",
    )


def _text(action: str, words: Mapping[str, str], brand: Brand) -> str:
    text = Layout(_read("layout.txt")).substitute(
        words,
        name="{{house.name}}\n" if brand.name else "",
        action="{{" + action + "}}",
        foot="{{house.company}}" if brand.company else "",
    )
    return _EMPTY_LINES.sub("\n\n", text).strip() + "\n"


@cache
def _read(name: str) -> str:
    return (resource("templates") / "mails" / "built-in" / name).read_text(encoding="utf-8")


def normal_tags(tags: Iterable[object]) -> list[str]:
    """Language tags as somebody wrote them, normalised; what is none is passed over."""
    normal = []
    for tag in tags:
        try:
            normal.append(normal_tag(str(tag)))
        except ValueError:
            continue
    return list(dict.fromkeys(normal))
