"""Funders and their programmes: reference data of the installation, to which a municipality adds its own."""

from __future__ import annotations

from typing import Any

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from strategy.models.organisation import Municipality, never_deleted, versioned
from strategy.walls import Wall, composed, own_or_shared_reference
from values.text import squeeze


class FunderKind(models.TextChoices):
    """domain.md b.3: kinds of funders."""

    EU = "eu", _("EU institution")
    STATE = "state", _("State authority")
    REGION = "region", _("Region")
    COUNTY_BOARD = "county_board", _("County administrative board")
    FOUNDATION = "foundation", _("Foundation")
    NORDIC = "nordic", _("Nordic")
    INTERNATIONAL = "international", _("International organisation")
    MUNICIPALITY = "municipality", _("Another municipality")
    OTHER = "other", _("Other")


class Reference(models.Model):
    """Without municipality the row is everybody's; with one it is that municipality's own addition."""

    wall = Wall.REFERENCE

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    name = models.CharField(_("name"), max_length=200)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True
        ordering = ["name", "id"]
        triggers: list[pgtrigger.Trigger] = [
            pgtrigger.ReadOnly(name="stays_in_its_municipality", fields=["municipality"]),
            versioned(),
            never_deleted(),
            composed("name"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name = squeeze(self.name)
        super().save(*args, **kwargs)


@pghistory.track()
class Funder(Reference):
    kind = models.CharField(_("kind"), max_length=20, choices=FunderKind.choices, blank=True)

    class Meta(Reference.Meta):
        abstract = False
        verbose_name = _("funder")
        verbose_name_plural = _("funders")
        constraints = [
            models.UniqueConstraint(
                F("municipality"), Lower("name"), name="funder_stands_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=~Q(name=""), name="funder_has_a_name"),
            models.CheckConstraint(
                condition=Q(kind__in=["", *FunderKind.values]), name="funder_kind_is_known"
            ),
        ]


@pghistory.track()
class Programme(Reference):
    funder = models.ForeignKey(
        Funder, models.PROTECT, null=True, blank=True, related_name="programmes", verbose_name=_("funder")
    )

    class Meta(Reference.Meta):
        abstract = False
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        constraints = [
            models.UniqueConstraint(
                F("municipality"), Lower("name"), name="programme_stands_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=~Q(name=""), name="programme_has_a_name"),
        ]
        triggers = [*Reference.Meta.triggers, own_or_shared_reference("funder", "projects_funder")]
