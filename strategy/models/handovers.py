"""Handing on what a person answers for, on a day."""

from __future__ import annotations

import pghistory
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from strategy.models.organisation import never_deleted, versioned
from strategy.models.people import Person
from strategy.walls import MunicipalityOwned, works_here


@pghistory.track()
class Handover(MunicipalityOwned):
    """From one person to one other, or to nobody, in force from a day. What has dates of its own is dated at once;
    what has not (a project's manager) changes on the day, by the worker."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("from"))
    # Nobody: what is chosen ends the day before.
    receiver = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("to")
    )
    # The receiver's first day.
    on = models.DateField(_("from the day"))
    reason = models.CharField(_("reason"), max_length=500)
    # [{"kind": "assignment", "id": 12}, …]: what was chosen, by the names of strategy.handover's registry.
    items = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    ordered_by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("ordered by"))
    ordered_at = models.DateTimeField(_("ordered"), auto_now_add=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("handover")
        ordering = ["-ordered_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(person=F("receiver")), name="handed_over_to_somebody_else"),
            models.CheckConstraint(condition=~Q(reason=""), name="handover_has_a_reason"),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(cancelled_at__isnull=True),
                name="a_cancelled_handover_is_not_done",
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            never_deleted(),
            works_here("person"),
            works_here("receiver"),
            works_here("ordered_by"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} → {self.receiver_id}"
