"""Telling on the form what is wrong with the values, each thing where it can be mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from webapp.domain.diff import SECRET, is_secret
from webapp.domain.errors import FieldError, SecretRetypeRequiredError
from webapp.domain.problem import JSON, Problem
from webapp.domain.text import Text
from webapp.web.connector.documents import value_at
from webapp.web.fields import SecretField, SettingField
from webapp.web.forms import SettingsForm
from webapp.web.mails import MailFields

CONFIG: Final = "/connector/config"
"""Where the settings of the connector begin in a setup document."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as the summary lists it: where it is, and what it says."""

    anchor: str
    title: Text
    message: Text


def unasked(errors: Iterable[FieldError], form: SettingsForm | None, left: Sequence[str]) -> list[FieldError]:
    """Those to tell before anybody asks: of settings that were left, of secrets to retype, of mails."""
    told = []
    for error in errors:
        field, _ = form.at(error.pointer.removeprefix(CONFIG)) if form else (None, "")
        named = field is not None and field.setting.name in left
        if named or error.code == SecretRetypeRequiredError.code or error.pointer.startswith("/templates/"):
            told.append(error)
    return told


def tell_errors(form: SettingsForm | None, mails: Iterable[MailFields], errors: Iterable[FieldError]) -> list[Fault]:
    """Put errors at their fields; answers them for the summary."""
    by_type = {mail.usage_type.value: mail for mail in mails}
    return [_placed(form, by_type, error) for error in errors]


def tell_remarks(
    form: SettingsForm,
    problems: Sequence[tuple[str, Problem]],
    fixed: Mapping[str, JSON],
    active: Mapping[str, Any],
) -> None:
    """Tell contradictions, what corrections replaced, and which secrets are stored, at their fields."""
    for pointer, problem in problems:
        field, _ = form.at(pointer)
        if field:
            field.problems.append(problem)
    for pointer, was in fixed.items():
        field, _ = form.at(pointer.removeprefix(CONFIG))
        if field and not isinstance(field, SecretField) and was != field.json():
            field.was = "" if was is None else str(was)
    for field in form.setting_fields():
        if isinstance(field, SecretField) and field.state == "stored":
            stored = value_at(active, f"{CONFIG}{field.setting.pointer}")
            field.fingerprint = stored[SECRET].get("fingerprint", "") if is_secret(stored) else ""


def _placed(form: SettingsForm | None, mails: Mapping[str, MailFields], error: FieldError) -> Fault:
    area, _, rest = error.pointer.removeprefix("/").partition("/")
    if area == "templates" and rest.split("/")[0] in mails:
        mail = mails[rest.split("/")[0]]
        name = ([*rest.split("/")[2:], rest.split("/")[-1]])[0]
        mail.errors.setdefault(name, []).append(error.message)
        mail.open = True
        return Fault(f"{mail.prefix}.{name}", mail.usage_type.title, error.message)
    field, below = form.at(error.pointer.removeprefix(CONFIG)) if form else (None, "")
    if isinstance(field, SettingField):
        field.refuse(below, error.message)
        return Fault(field.id, field.words.title, error.message)
    return Fault("setup-form", Text(error.pointer), error.message)
