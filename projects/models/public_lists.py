"""Grants that the funders' own public lists name, held against the register."""

from __future__ import annotations

import pghistory
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from projects.models.registry import Project, _amount
from strategy.models.files import ImportBatch
from strategy.models.organisation import Unit, never_deleted, versioned
from strategy.models.people import Person
from strategy.walls import MunicipalityOwned, SameMunicipality, composed, works_here
from values.money import Amount


@pghistory.track()
class GrantListProfile(MunicipalityOwned):
    """Which column of a funder's list says what, pointed out once. Those that ship stand in projects.public_lists."""

    name = models.CharField(_("name"), max_length=100)
    # {"title": "Projektnamn", …}: our field, their heading.
    columns = models.JSONField(_("columns"), default=dict, encoder=DjangoJSONEncoder)
    # What the list leaves unsaid: {"funder": "Vinnova", "currency": "SEK"}
    given = models.JSONField(_("given for all rows"), default=dict, blank=True)
    source_url = models.URLField(_("published at"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("column profile")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["municipality", "name"], name="a_profile_stands_once"),
            models.CheckConstraint(condition=~Q(name=""), name="a_profile_has_a_name"),
        ]
        triggers = [*MunicipalityOwned.Meta.triggers, versioned(), composed("name")]

    def __str__(self) -> str:
        return self.name


class Outcome(models.TextChoices):
    """What was done about a listed grant; empty is "waiting"."""

    JOINED = "joined", _("Joined to a project")
    REGISTERED = "registered", _("Registered as a project")
    SET_ASIDE = "set_aside", _("Set aside")


@pghistory.track()
class ListedGrant(MunicipalityOwned):
    """One grant to the municipality or one of its companies, as a public list names it."""

    batch = models.ForeignKey(ImportBatch, models.PROTECT, related_name="listed_grants", editable=False)
    # The profile's name: with the reference and the recipient it recognises the grant in the next list.
    source = models.CharField(_("list"), max_length=100)
    reference = models.CharField(_("the funder's reference"), max_length=100, db_collation="C")
    title = models.CharField(_("title"), max_length=500)
    acronym = models.CharField(_("acronym"), max_length=100, blank=True)
    summary = models.TextField(_("summary"), blank=True)
    funder = models.CharField(_("funder"), max_length=200, blank=True)
    programme = models.CharField(_("programme"), max_length=200, blank=True)
    recipient = models.CharField(_("recipient"), max_length=250)
    organisation_number = models.CharField(
        _("organisation number"), max_length=11, blank=True, db_collation="C"
    )
    # The company or administration that is meant; none is the municipality itself.
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("unit")
    )
    role = models.CharField(_("part in the project"), max_length=100, blank=True)
    amount = models.DecimalField(_("granted"), max_digits=16, decimal_places=2, null=True, blank=True)
    amount_currency = models.CharField(_("granted, currency"), max_length=3, default="SEK", db_collation="C")
    total_budget = models.DecimalField(
        _("total budget"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    starts_on = models.DateField(_("starts"), null=True, blank=True)
    ends_on = models.DateField(_("ends"), null=True, blank=True)
    url = models.URLField(_("published at"), max_length=500, blank=True)
    # How it was recognised as ours, in words.
    matched_by = models.CharField(_("recognised by"), max_length=200, blank=True)
    outcome = models.CharField(_("dealt with"), max_length=10, choices=Outcome.choices, blank=True)
    project = models.ForeignKey(
        Project,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="listed_grants",
        verbose_name=_("project"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    settled_by = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("settled by")
    )
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    # What joining wrote into the project's own fields, so that opening again takes back that alone.
    written = models.JSONField(default=dict, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("listed grant")
        verbose_name_plural = _("listed grants")
        ordering = ["outcome", F("starts_on").desc(nulls_last=True), "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "source", "reference", "recipient"], name="a_grant_is_listed_once"
            ),
            SameMunicipality(field="batch", name="grant_batch_in_same_municipality"),
            SameMunicipality(field="unit", name="grant_unit_in_same_municipality"),
            SameMunicipality(field="project", name="grant_project_in_same_municipality"),
            models.CheckConstraint(
                condition=Q(
                    outcome="", project__isnull=True, settled_by__isnull=True, settled_at__isnull=True
                )
                | Q(
                    outcome__in=["joined", "registered"],
                    project__isnull=False,
                    settled_by__isnull=False,
                    settled_at__isnull=False,
                )
                | (
                    Q(
                        outcome="set_aside",
                        project__isnull=True,
                        settled_by__isnull=False,
                        settled_at__isnull=False,
                    )
                    & ~Q(reason="")
                ),
                name="a_grant_is_settled_whole",
            ),
            models.CheckConstraint(
                condition=Q(amount_currency__regex=r"^[A-Z]{3}$"), name="grant_currency_has_three_letters"
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            never_deleted(),
            composed("source", "reference", "title", "recipient"),
            works_here("settled_by"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def granted(self) -> Amount | None:
        return _amount(self.amount, self.amount_currency, False)
