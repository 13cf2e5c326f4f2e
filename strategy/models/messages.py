"""The outbox: mail is a row in the transaction of what it tells of, and leaves by the worker."""

from __future__ import annotations

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from strategy.models.organisation import Municipality, never_deleted
from strategy.walls import Wall


@pghistory.track(exclude=["body", "subject", "recipient"])
class Message(models.Model):
    """A mail waiting to leave or already gone. Without municipality: about a login alone."""

    wall = Wall.OUTBOX

    municipality = models.ForeignKey(Municipality, models.PROTECT, null=True, blank=True, related_name="+")
    recipient = models.EmailField(_("to"), max_length=254)
    subject = models.CharField(_("subject"), max_length=250)
    body = models.TextField(_("text"))
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["id"], name="message_waiting", condition=models.Q(sent_at__isnull=True))
        ]
        triggers = [never_deleted()]

    def __str__(self) -> str:
        return f"{self.pk}"
