"""What one person edits in one tenant: the draft laid over the active setup, and what can be said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from werkzeug.datastructures import MultiDict

from webapp.connectors.base import Alternative, Connector, Preset
from webapp.domain.errors import (
    FieldError,
    ProviderNotInstalledError,
)
from webapp.domain.problem import JSON, PatchOperation, Problem
from webapp.domain.roles import Access, Permission
from webapp.domain.usage import UsageType
from webapp.services.carrying import Provider, lasting
from webapp.services.defaults import default_templates
from webapp.services.delivery import House
from webapp.services.drafts import Draft
from webapp.services.setups import StoredSetup
from webapp.services.switching import Switch
from webapp.services.wiring import Services
from webapp.web.connector.cards import preset_of, switch_of
from webapp.web.connector.documents import rebased, unmarked, value_at
from webapp.web.connector.judgement import Judgement, judged, proven
from webapp.web.connector.laying import ShownText, shown_text, taken_over, without_texts
from webapp.web.connector.remarks import Remarks
from webapp.web.connector.telling import CONFIG, Fault, tell_errors, tell_remarks, unasked
from webapp.web.connector.ways import Ways
from webapp.web.fields import SecretField
from webapp.web.forms import SettingsForm, filled, form_for
from webapp.web.mails import MailFields, mails_of, posted_templates, posted_texts, reset


class Editor:
    """The draft of a person, or the active setup where there is none; reads forms and keeps what they say."""

    def __init__(self, services: Services, access: Access) -> None:
        self._services = services
        self.access = access
        self.active: StoredSetup = services.setups.active(access.tenant)
        kept = services.drafts.load(access) if access.may(Permission.EDIT) else None
        self.begun = kept is not None
        self.draft = kept or Draft(base_revision=self.active.number, document=unmarked(self.active.document))
        self.remarks = Remarks.of(self.draft.ui)
        if not self.remarks.to:
            self.remarks.to = access.actor.name if "@" in access.actor.name else ""
        self.form: SettingsForm | None = self._filled() if self.connector and self.installed else None

    @property
    def installed(self) -> bool:
        """Whether there still is a connector for what is set up."""
        return bool(self.connector and self.connector["provider"] in self._services.connectors)

    @property
    def document(self) -> dict[str, Any]:
        """The setup as it would be saved."""
        return self.draft.document

    @property
    def connector(self) -> dict[str, Any] | None:
        return self.draft.document.get("connector")

    @cached_property
    def house(self) -> House | None:
        """What the operator has behind the connector; None where that is the tenant's own matter."""
        return self._services.delivery.house(self.access.tenant, self.kind)

    @cached_property
    def kind(self) -> type[Connector[Any]]:
        """The connector's class. Only where a provider is chosen. Raises ProviderNotInstalledError."""
        if not self.installed:
            raise ProviderNotInstalledError(self.draft.document["connector"]["provider"])
        return self._services.connectors[self.draft.document["connector"]["provider"]]

    @cached_property
    def preset(self) -> Preset | None:
        """The provider behind a connector that serves many."""
        return preset_of(self._services, self.draft.document["connector"], self.draft.preset)

    @property
    def title(self) -> str:
        if not self.installed:
            return str(self.draft.document["connector"]["provider"])
        return self.preset.title if self.preset else self.kind.title

    @property
    def logo(self) -> str:
        return self.preset.id if self.preset else self.kind.kind

    @property
    def ways(self) -> Ways:
        """The provider's other ports, regions and logins."""
        return Ways(self.preset, self._config)

    @property
    def _config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.draft.document["connector"]["config"]
        return config

    @property
    def outdated(self) -> bool:
        """Whether somebody saved since this draft was begun."""
        return self.begun and self.draft.base_revision != self.active.number

    @property
    def changed_at(self) -> datetime | None:
        return self.draft.updated_at if self.begun else None

    def read(self, posted: MultiDict[str, str]) -> None:
        """Take over what a form says."""
        self._see_what_the_page_saw(posted.get("base", ""))
        self.remarks.view = "json" if "json" in posted else "form"
        if self.connector and "json" in posted:
            self._read_text(posted)
        document = dict(self.draft.document)
        secrets = dict(self.draft.secrets)
        if self.connector and "json" not in posted:
            form = self._filled(posted)
            document["connector"] = {**self.connector, "config": form.config()}
            secrets |= {f"{CONFIG}{pointer}": secret for pointer, secret in form.typed_secrets().items()}
            self.remarks.aside = form.aside()
        for usage_type in UsageType:
            if posted.get(f"templates.{usage_type}.providerTemplate"):
                self.remarks.mails[usage_type.value] = posted_texts(usage_type, posted)
        document["templates"] = posted_templates(document.get("templates") or {}, posted)
        if "to" in posted:
            self.remarks.to, self.remarks.capture = posted["to"].strip(), "capture" in posted
        if "ticks" in posted:
            self.remarks.ticks = [anchor for anchor in posted.getlist("ticks") if anchor]
        if posted.get("usageType") in list(UsageType):
            self.remarks.usage_type = posted["usageType"]
        self.put(document, secrets)

    def put(self, document: dict[str, Any], secrets: Mapping[str, str] | None = None) -> None:
        """Replace what is edited; what was said about it is asked again."""
        self.draft = replace(
            self.draft, document=document, secrets=dict(self.draft.secrets if secrets is None else secrets)
        )
        for said in ("kind", "house", "preset", "problems", "judgement", "switch", "shown_mails", "text"):
            self.__dict__.pop(said, None)
        self.form = self._filled() if self.connector else None

    def begin(
        self,
        connector: dict[str, Any],
        secrets: Mapping[str, str],
        preset: str,
        aside: Mapping[str, JSON] | None = None,
    ) -> None:
        """Begin with a provider that was chosen; templates and the rest of the setup stay."""
        self.remarks = self.remarks.anew(aside or {}, self.earlier)
        self.draft = replace(self.draft, provider=connector["provider"], preset=preset)
        self.put({**self.document, "connector": connector}, secrets)
        self.keep()

    @property
    def earlier(self) -> dict[str, JSON]:
        """What was said about the sender so far, by whichever provider asked for it."""
        said = lasting(Provider(self.kind), self._config) if self.form else {}
        return self.remarks.waiting(self.form) | said

    def return_to_live(self, preset: str) -> None:
        """Take back the choice of another provider: the live one stands there again, with its secrets."""
        self.begin(unmarked(self.active.document["connector"]), {}, preset)

    @cached_property
    def text(self) -> ShownText:
        """The config as text."""
        return shown_text(self.remarks, self._config, self.kind, self.form)

    def forget_text(self) -> None:
        """Give up a text that cannot be taken over: the values of the form stand there again."""
        self.remarks.text, self.remarks.drawn = None, None
        self.put(self.document, without_texts(self.draft.secrets))

    def leave(self, name: str) -> None:
        """Note that a setting was typed and left: from now on its errors are told."""
        if self.form and name in self.form and name not in self.remarks.left:
            self.remarks.left.append(name)

    def open_mail(self, usage_type: str) -> None:
        """Show the fields of one mail, or of none."""
        self.remarks.opened = usage_type
        self.__dict__.pop("shown_mails", None)

    def take_alternative(self, alternative: Alternative) -> None:
        """Put another port or region of the provider over the values."""
        config, taken = self._config, self.ways.settings_of(alternative)
        self.remarks.turn += 1
        for key in taken:
            self.remarks.fixed[f"{CONFIG}/{key}"] = config.get(key)
        self.put({**self.document, "connector": {**self.draft.document["connector"], "config": {**config, **taken}}})

    def keep(self) -> None:
        """Write the draft, so that nothing typed can be lost."""
        self.draft = self._services.drafts.save(self.access, replace(self.draft, ui=self.remarks.to_json()))
        self.begun = True

    def keep_unless_newer(self) -> bool:
        """Write the draft, unless something else was kept since it was read; tells whether it was written."""
        draft = replace(self.draft, ui=self.remarks.to_json())
        kept = self._services.drafts.save(self.access, draft, unless_newer=True)
        self.draft, self.begun = kept or self.draft, True
        return kept is not None

    def discard(self) -> None:
        self._services.drafts.discard(self.access)

    def apply(self, patch: Sequence[PatchOperation]) -> None:
        """Apply a correction and remember what stood there before."""
        # "add" also replaces a member, where "replace" would refuse one that is left at its default.
        operations = [{**each.to_json(), "op": "remove" if each.op == "remove" else "add"} for each in patch]
        document = self._services.setups.patched(self.document, operations)
        self.remarks.turn += 1
        for operation in patch:
            self.remarks.fixed[operation.path] = value_at(self.document, operation.path)
        self.put(document)

    def forget_secret(self, name: str) -> None:
        """Take back a typed secret: the stored one stands again where there is one."""
        field = self.form[name] if self.form and name in self.form else None
        if not isinstance(field, SecretField):
            return
        pointer = f"{CONFIG}{field.setting.pointer}"
        stored = value_at(self.active.document, pointer)
        operation = {"op": "add", "path": pointer, "value": stored} if stored else {"op": "remove", "path": pointer}
        secrets = {key: value for key, value in self.draft.secrets.items() if key != pointer}
        if value_at(self.document, pointer) is not None:
            self.remarks.turn += 1
            self.put(self._services.setups.patched(self.document, [operation]), secrets)

    def rebase(self) -> None:
        """Begin anew from what is live, with what this draft changed put on top."""
        seen = self._services.setups.revision(self.access.tenant, self.draft.base_revision)
        live = rebased(unmarked(seen.document), unmarked(self.active.document), self.document)
        self.draft = replace(self.draft, base_revision=self.active.number)
        self.remarks.turn += 1
        self.put(live)

    def reset_mail(self, usage_type: UsageType) -> None:
        """Put the default of one mail back."""
        templates = self.document.get("templates") or {}
        self.remarks.turn += 1
        self.put({**self.document, "templates": reset(templates, default_templates(), usage_type)})

    @cached_property
    def problems(self) -> list[tuple[str, Problem]]:
        """Combinations that cannot work, with the pointer into the config where they are told."""
        return self.kind.contradictions(self._config) if self.connector else []

    @cached_property
    def judgement(self) -> Judgement:
        """What the services say; asked once for each request."""
        setups = self._services.setups
        if not self.begun:
            return proven(setups, self.access, self.active.values_tag)
        return judged(setups, self.access, self.draft)

    @cached_property
    def switch(self) -> Switch | None:
        """What it means that another provider was chosen than the live one; None where it was not."""
        if not (self.begun and self.installed):
            return None
        return switch_of(self._services, self.active.document, self.document, Provider(self.kind, self.preset))

    def show_errors(self, errors: Sequence[FieldError] | None = None) -> list[Fault]:
        """Put errors at their fields; without ``errors`` those of settings that were left, and of secrets to retype."""
        told = unasked(self.judgement.errors, self.form, self.remarks.left) if errors is None else errors
        return tell_errors(self.form, self.shown_mails, told)

    @cached_property
    def shown_mails(self) -> list[MailFields]:
        templates = self.document.get("templates") or {}
        return mails_of(templates, default_templates(), self.remarks.opened, self.remarks.mails)

    def decorate(self) -> None:
        """Tell contradictions and corrections at their fields."""
        if self.form:
            tell_remarks(self.form, self.problems, self.remarks.fixed, self.active.document)

    def _read_text(self, posted: MultiDict[str, str]) -> None:
        """Lay the text over the draft; where it cannot be taken over it is only kept."""
        connector = self.draft.document["connector"]
        config, secrets = taken_over(self.remarks, posted, connector["config"], self.draft.secrets, self.kind)
        if config is not connector["config"]:
            alone = filled(form_for(self.kind.config_model, self.preset), config, {})
            aside = self.remarks.aside.items()
            self.remarks.aside = {name: kept for name, kept in aside if not alone.applies(alone[name])}
        self.put({**self.document, "connector": {**connector, "config": config}}, secrets)

    def _see_what_the_page_saw(self, base: str) -> None:
        """Begin a draft at the revision that the page showed, so that what was saved since is not undone unseen."""
        if self.begun or not base.isdecimal() or not 0 <= int(base[:9]) < self.active.number:
            return
        seen = self._services.setups.revision(self.access.tenant, int(base[:9]))
        if seen.setup.connector is not None:
            self.draft = replace(self.draft, base_revision=seen.number, document=unmarked(seen.document))

    def _filled(self, posted: MultiDict[str, str] | None = None) -> SettingsForm:
        return filled(form_for(self.kind.config_model, self.preset), self._config, self.remarks.aside, posted)
