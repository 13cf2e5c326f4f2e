"""Addresses mailed to people without an account, from which each may report one project."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from strategy.walls import MunicipalityOwned


class ReportLink(MunicipalityOwned):
    """A link that was mailed to a work address: it works once, and tells how many were asked for of late.

    Without history, as other tokens: the row goes when it is two days old.
    """

    address = models.EmailField(_("work e-mail"), max_length=254)
    # Whence it was asked for, as a keyed hash: enough to count by, and nobody's address to read.
    network = models.CharField(max_length=64, blank=True, db_collation="C")
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("link to report a project")
        ordering = ["-made_at", "-id"]
        indexes = [models.Index(fields=["municipality", "made_at"], name="report_link_time")]

    def __str__(self) -> str:
        return f"{self.pk}"
