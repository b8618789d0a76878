"""A test send of a plan, inside its target, before anything of it is live: what is accepted is proven there."""

from __future__ import annotations

from flask import request

from webapp.domain.errors import FieldError, InputError
from webapp.domain.text import T
from webapp.services.testing import RunView
from webapp.services.transfer.planning import TransferPlan
from webapp.web.context import current_access, request_id, services, waiting_place


def tried(plan: TransferPlan) -> RunView:
    """Send a test mail with the values of a kept plan, and wait for what becomes of it.

    Raises InputError where the plan has no connector, or the address is none; LimitedError.
    """
    access, testing = current_access(), services().testing
    document = services().planning.kept(access, plan.id).document
    if document.get("connector") is None:
        nothing = T("There is no connector in this plan, so nothing can be sent.")
        raise InputError(nothing, errors=[FieldError("/connector", "connector.not_set_up", nothing)])
    view = testing.start_test_send(
        access,
        request.form.get("to", ""),
        connector_json=document["connector"],
        templates=document.get("templates"),
        request_id=request_id(),
    )
    # Without a place to wait the page says that it is still on its way; the rest of the threads keep answering.
    with waiting_place() as free:
        return testing.wait(access, view) if free else view
