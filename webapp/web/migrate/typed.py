"""Secrets that were typed on the page of a promotion: kept sealed until it is done, for where they were typed for.

Both tenants and the ticks may change while the page is open. What would go to another place then is typed again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from flask import g, request

from webapp.domain.roles import Access
from webapp.services.transfer.planning import TransferPlan
from webapp.services.transfer.promoting import Comparison, Place, Promotion
from webapp.web.context import current_access, services
from webapp.web.migrate.secrets import Chosen


def seen_revisions() -> tuple[str | None, str | None]:
    """What was live in source and target when the page was drawn."""
    return request.form.get("revision"), request.form.get("base")


def typed_before(made: TransferPlan | None, places: Collection[Place]) -> Mapping[str, str]:
    """What was typed before and still goes to the same place, slot → value."""
    kept = kept_id(made)
    return services().promoting.typed(current_access(), kept, places) if kept else {}


def kept_id(made: TransferPlan | None) -> str:
    """The id under which what was typed is kept."""
    return made.id if made and made.id else g.get("kept") or request.form.get("plan", "")


def remembered(source: Access, compared: Comparison, ticks: Sequence[str], bad: Collection[str] = ()) -> str:
    """Keep what was typed, but for what is wrong; returns the id, or nothing where nothing was typed."""
    # Where nothing is ticked, what would be by itself is what it was typed for.
    wanted = Promotion(ticks)
    places = services().promoting.places(source, current_access(), wanted)
    stays = _led_as_seen(source, compared, wanted)
    sent = Chosen.of(request.form).typed.items()
    typed = {**typed_before(None, places), **{slot: value for slot, value in sent if stays is None or slot in stays}}
    good = {slot: value for slot, value in typed.items() if not any(_slot_fits(slot, pointer) for pointer in bad)}
    return services().promoting.remember(current_access(), good, places) if good else ""


def _led_as_seen(source: Access, compared: Comparison, wanted: Promotion) -> Collection[str] | None:
    """The slots whose secrets go where the page said when they were typed; None for all, where nothing moved."""
    seen = seen_revisions()
    if seen == (str(compared.source_revision), str(compared.target_revision)):
        return None
    theirs, ours = (int(each) if each and each.isdecimal() and len(each) < 10 else 0 for each in seen)
    return services().promoting.led_as_seen(source, current_access(), theirs, ours, wanted)


def _slot_fits(slot: str, pointer: str) -> bool:
    """Whether an error at this place is about the secret of this slot."""
    return pointer.startswith("/connector/config/") and slot.endswith("." + ".".join(pointer.split("/")[3:]))
