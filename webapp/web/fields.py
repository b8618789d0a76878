"""The form fields of declared settings: each reads its value from a config in JSON and writes it back.

What cannot be accepted stays as it was typed, so that the same judge (the config model, behind the services) refuses
it with a pointer and the page shows it again beside the error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from wtforms import Field
from wtforms.fields.core import UnboundField
from wtforms.utils import unset_value

from webapp.connectors.config import Setting
from webapp.domain.diff import SECRET, is_secret
from webapp.domain.problem import JSON, Problem
from webapp.domain.text import NOTHING, T, Text

_NUMBER = re.compile(r"-?\d{1,15}")
SPARE_ROWS: Final = 2
"""Empty rows shown below a list that can grow, so that it grows without scripts."""


OTHER: Final = "*"
"""What a list of known values sends when another one is typed beside it."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a field says, the preset's words before the model's."""

    title: Text
    help: Text = NOTHING


@dataclass(slots=True)
class Row:
    """One line of a map: a header's name, its value and what is wrong with them."""

    name: str = ""
    value: str = ""
    errors: list[Text] = field(default_factory=list)


class SettingField(Field):  # type: ignore[misc]  # WTForms has no types
    """One line of text."""

    setting: Setting
    words: Words
    errors: Sequence[Text]
    problems: list[Problem]
    """Contradictions told at this field."""
    was: str | None
    """What stood here before a one-click correction."""

    def __init__(self, *, setting: Setting, words: Words, **kwargs: Any) -> None:
        super().__init__(label=str(words.title), id=f"set-{setting.name.replace('.', '-')}", **kwargs)
        self.setting = setting
        self.words = words
        self.problems = []
        self.was = None

    @property
    def kind(self) -> str:
        return self.setting.kind

    @property
    def required(self) -> bool:
        return self.setting.required and self.setting.default is None

    @property
    def optional(self) -> bool:
        """Whether the label should say that it may stay empty.

        Under Advanced nobody expects to fill in everything; what belongs to a choice may well be needed with it.
        """
        about = self.setting.about
        always = not about.advanced and about.show_if is None
        return not self.required and self.kind in ("text", "number", "lines", "secret") and always

    @property
    def placeholder(self) -> str:
        """An example in grey; never a value that could be taken for one that is set."""
        return self.setting.about.example

    @property
    def is_set(self) -> bool:
        """Whether it says something else than its default."""
        return bool(self.shown) and self.json() != self.setting.default

    @property
    def shown(self) -> str:
        """The value as the control shows it."""
        return "" if self.data is None else str(self.data)

    @property
    def faulty(self) -> bool:
        """Whether something at this field was refused."""
        return bool(self.errors)

    def process_data(self, value: Any) -> None:
        self.data = self.setting.default if value is None else value

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if valuelist:
            self.data = valuelist[0].replace("\r\n", "\n").strip()

    def json(self) -> JSON:
        """The value for the config; None leaves the setting out."""
        return self.shown or None

    def refuse(self, rest: str, message: Text) -> None:
        """Put an error at this field; ``rest`` is what the pointer says below it."""
        if message not in self.errors:
            self.errors = [*self.errors, message]


class SuggestedField(SettingField):
    """One line of text with known values: a list to choose from, and a line of its own for any other.

    A list is at hand on every device and without scripts, where a ``datalist`` hides what does not begin with
    what stands there already.
    """

    kind = "suggested"
    asked_for_other = False
    """Whether "another value" was chosen just now."""

    @property
    def choices(self) -> list[tuple[str, Text]]:
        """The known values and their labels; where nothing has to stand there, nothing is one of them."""
        known = list(self.setting.about.suggestions)
        return known if self.setting.required or self.setting.default else [("", T("Not set")), *known]

    @property
    def own(self) -> bool:
        """Whether the value is none of the known."""
        return self.asked_for_other or (bool(self.shown) and self.shown not in dict(self.choices))

    @property
    def nothing_chosen(self) -> bool:
        """Whether a choice has to be made yet."""
        return not self.own and self.shown not in dict(self.choices)

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        super().process(formdata, data, extra_filters)
        if formdata is not None and formdata.get(self.name) == OTHER:
            self.asked_for_other = True
            self.data = formdata.get(f"{self.name}.other", "").strip()


class LinesField(SettingField):
    """Several lines of text."""


class NumberField(SettingField):
    """A number, kept as typed when it is none."""

    def json(self) -> JSON:
        text = self.shown
        return int(text) if _NUMBER.fullmatch(text) else text or None


class ChoiceField(SettingField):
    """One of a few values; the first where nothing is said, as the browser shows it."""

    def process_data(self, value: Any) -> None:
        super().process_data(value)
        if self.data is None and self.setting.about.choices:
            self.data = self.setting.about.choices[0][0]

    @property
    def choices(self) -> list[tuple[str, Text]]:
        """The declared choices, and a value that is none of them so that it is seen rather than replaced."""
        declared = list(self.setting.about.choices)
        if self.shown and self.shown not in dict(declared):
            declared.append((self.shown, T("%(value)s (not possible here)", value=self.shown)))
        return declared


class SwitchField(SettingField):
    """On or off."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        # A form that was sent without this name says "off"; the hidden companion input tells it from a partial form.
        if valuelist:
            self.data = "true" in valuelist

    @property
    def on(self) -> bool:
        return self.data in (True, "true")

    @property
    def shown(self) -> str:
        return "true" if self.on else "false"

    def json(self) -> JSON:
        return self.on

    @property
    def is_set(self) -> bool:
        return self.on != bool(self.setting.default)


class SecretField(SettingField):
    """A credential: taken in, never given out."""

    typed: str | None = None
    """What was typed just now."""
    fingerprint: str = ""
    """The short tag of the stored secret."""
    mark: Mapping[str, Any]

    def process_data(self, value: Any) -> None:
        self.mark = value[SECRET] if is_secret(value) else {}
        self.data = None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        if valuelist and valuelist[0].strip():
            self.typed = valuelist[0].replace("\r\n", "\n").strip()

    @property
    def state(self) -> Literal["empty", "drafted", "stored", "lent"]:
        if self.typed or self.mark.get("draft"):
            return "drafted"
        if self.mark.get("env"):
            return "lent"
        return "stored" if self.mark.get("set") else "empty"

    @property
    def is_set(self) -> bool:
        return self.state != "empty"

    @property
    def shown(self) -> str:
        return ""

    def json(self) -> JSON:
        if self.typed:
            return {SECRET: {"draft": True}}
        return {SECRET: dict(self.mark)} if self.mark else None


class HeadersField(SettingField):
    """A map of names to values, as rows; several rows of one name are one name with several values."""

    rows: list[Row]

    def process_data(self, value: Any) -> None:
        self.data = None
        pairs = value.items() if isinstance(value, Mapping) else ()
        self.rows = [
            Row(name, str(line))
            for name, lines in pairs
            for line in (lines if isinstance(lines, list | tuple) else [lines])
        ]

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        super().process(None, data, extra_filters)
        if formdata is not None and f"{self.name}.name" in formdata:
            names, values = formdata.getlist(f"{self.name}.name"), formdata.getlist(f"{self.name}.value")
            rows = (Row(name.strip(), value.strip()) for name, value in zip(names, values, strict=False))
            self.rows = [row for row in rows if row.name or row.value]

    @property
    def faulty(self) -> bool:
        return bool(self.errors) or any(row.errors for row in self.rows)

    @property
    def spare_rows(self) -> list[Row]:
        """Empty rows below, so that the list grows without scripts."""
        return [Row() for _ in range(SPARE_ROWS)]

    @property
    def is_set(self) -> bool:
        return bool(self.rows)

    def json(self) -> JSON:
        lines: dict[str, list[JSON]] = {}
        for row in self.rows:
            lines.setdefault(row.name, []).append(row.value)
        return {name: values if len(values) > 1 else values[0] for name, values in lines.items()}

    def refuse(self, rest: str, message: Text) -> None:
        key = rest.partition("/")[2].partition("/")[0].replace("~1", "/").replace("~0", "~")
        row = next((row for row in self.rows if rest and row.name == key), None)
        if row:
            row.errors.append(message)
        else:
            super().refuse(rest, message)


_FIELDS: Final[Mapping[str, type[SettingField]]] = {
    "text": SettingField,
    "suggested": SuggestedField,
    "lines": LinesField,
    "number": NumberField,
    "choice": ChoiceField,
    "switch": SwitchField,
    "secret": SecretField,
    "headers": HeadersField,
}


def field_of(setting: Setting, words: Words) -> UnboundField:
    """Make the form field of a setting."""
    kind = "suggested" if setting.about.suggestions and setting.kind == "text" else setting.kind
    return _FIELDS[kind](setting=setting, words=words)
