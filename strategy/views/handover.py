"""The page of a handover: everything that a person answers for, given on in one go."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from pages.forms import saving
from strategy.forms.handover import HandoverForm
from strategy.handover import (
    LOGIN,
    Outcome,
    assignment_label,
    cancel_handover,
    given_in_the_same_go,
    hand_over,
    handovers_of,
    held_by,
    may_cancel,
    still_held,
    visible_handovers,
    waiting_for,
)
from strategy.models import Handover, Person
from strategy.permissions import Reader
from strategy.requests import found_or_404, reader_of
from strategy.responsibilities import visible_people
from strategy.views.pages import Crumb


@dataclass(frozen=True)
class Told:
    """One handover of the past or to come, as the page shows it."""

    title: str
    who: str
    reason: str
    state: str
    shape: str
    labels: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    cancel_url: str


@require_http_methods(["GET", "HEAD", "POST"])
def make(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("handover.make")
    person = found_or_404(reader, visible_people(reader), pk)
    held = held_by(reader, person)
    form = HandoverForm(request.POST or None, reader=reader, person=person, held=held)
    if request.method == "POST" and form.is_valid():
        outcome = None
        with saving(form):
            outcome = hand_over(
                reader,
                person,
                form.choices,
                on=form.cleaned_data["on"],
                reason=form.cleaned_data["reason"],
                close_login=bool(form.cleaned_data.get("close_login")),
                now=timezone.now(),
            )
        if outcome is not None and form.is_valid():
            _say(request, outcome)
            return redirect("handover", pk)
    return render(
        request,
        "strategy/handover.html",
        {
            "person": person,
            "form": form,
            "held": held,
            "remaining": _remaining(reader, person),
            "handovers": [_told(reader, one) for one in handovers_of(reader, person)],
            "crumbs": (Crumb(_("Responsibilities"), reverse("responsibilities")),),
            "give_url": reverse("assignment_give") if reader.can("assignment.give") else "",
            "today": reader.today,
        },
    )


def _remaining(reader: Reader, person: Person) -> list[str]:
    """What is handed over already, and is the person's until the day."""
    offered = {one.id for group in held_by(reader, person) for one in group.held if one.kind == "assignment"}
    until_then = [
        _("%(what)s, to and including %(day)s")
        % {"what": assignment_label(one), "day": one.ends_on.isoformat()}
        for one in still_held(reader.municipality, person, reader.today)
        if one.pk not in offered and one.ends_on is not None
    ]
    waiting = [
        _("%(what)s, until %(day)s") % {"what": item["label"], "day": handover.on.isoformat()}
        for handover in waiting_for(reader, person)
        for item in handover.items
        if item["kind"] != LOGIN
    ]
    return until_then + waiting


def _say(request: HttpRequest, outcome: Outcome) -> None:
    if outcome.given:
        messages.success(request, _("Handed over: %(what)s.") % {"what": "; ".join(outcome.given)})
    if outcome.waiting:
        messages.success(
            request, _("Will be handed over on the day: %(what)s.") % {"what": "; ".join(outcome.waiting)}
        )
    for refused in outcome.refused:
        messages.warning(
            request, _("Not handed over: %(what)s. %(why)s") % {"what": refused.label, "why": refused.why}
        )


def _told(reader: Reader, handover: Handover) -> Told:
    if handover.cancelled_at is not None:
        state, shape = _("cancelled"), "full"
    elif handover.done_at is not None and handover.on > reader.today:
        state, shape = _("the dates are set"), "half"
    elif handover.done_at is not None:
        state, shape = _("carried out"), "full"
    else:
        state, shape = _("waits for the day"), "ring"
    day = handover.on.isoformat()
    if all(item["kind"] == LOGIN for item in handover.items):
        title = _("The login is closed from %(day)s") % {"day": day}
    elif handover.receiver is None:
        title = _("To nobody from %(day)s: it ends") % {"day": day}
    else:
        title = _("To %(receiver)s from %(day)s") % {"receiver": handover.receiver, "day": day}
    return Told(
        title=title,
        who=str(handover.ordered_by),
        reason=handover.reason,
        state=state,
        shape=shape,
        labels=tuple(item["label"] for item in handover.items if not item.get("skipped")),
        skipped=tuple((item["label"], item["skipped"]) for item in handover.items if item.get("skipped")),
        cancel_url=reverse("handover_cancel", args=[handover.pk]) if may_cancel(reader, handover) else "",
    )


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("handover.make")
    handover = found_or_404(reader, visible_handovers(reader), pk)
    cancel_handover(reader, handover, now=timezone.now())
    messages.success(request, _("The handover is cancelled. Everything in it stays as it is."))
    if given := given_in_the_same_go(handover):
        messages.warning(
            request,
            format_html(
                '{} <a href="{}">{}</a>',
                _("Handed over already, in the same go: %(what)s. It stays so.") % {"what": "; ".join(given)},
                reverse("responsibilities"),
                _("Change it under Who answers for what"),
            ),
        )
    return redirect("handover", handover.person_id)
