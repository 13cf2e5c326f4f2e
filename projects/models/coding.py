"""The accounts' codes for projects, as the economy system lists them."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from projects.models.registry import Project
from strategy.models.files import ImportBatch
from strategy.models.organisation import never_deleted, versioned
from strategy.models.people import Person
from strategy.walls import MunicipalityOwned, SameMunicipality, composed, works_here


class External(models.TextChoices):
    """Whether the code is of an externally funded project; empty is "not gone through"."""

    YES = "yes", _("Yes")
    NO = "no", _("No")
    UNKNOWN = "unknown", _("Do not know")


@pghistory.track()
class ProjectNumber(MunicipalityOwned):
    """A project code of the accounts (000-71): text, leading zeros kept. It may exist before its project is known."""

    # Whose accounts: a company has its own, and may use the same code for something else.
    source = models.CharField(_("accounts"), max_length=60, blank=True, db_collation="C")
    code = models.CharField(_("code"), max_length=50, db_collation="C")
    name = models.CharField(_("name"), max_length=200, blank=True)
    ansvar_code = models.CharField(_("ansvar"), max_length=50, blank=True, db_collation="C")
    opened_on = models.DateField(_("opened"), null=True, blank=True)
    closed_on = models.DateField(_("closed"), null=True, blank=True)
    batch = models.ForeignKey(
        ImportBatch, models.PROTECT, null=True, blank=True, related_name="project_numbers", editable=False
    )
    external = models.CharField(_("external project"), max_length=10, choices=External.choices, blank=True)
    answered_by = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("answered by")
    )
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    project = models.ForeignKey(
        Project,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="project_numbers",
        verbose_name=_("project"),
    )
    # What joining wrote into the project's own fields, so that parting takes back that alone.
    written = models.JSONField(default=dict, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("project number")
        verbose_name_plural = _("project numbers")
        ordering = ["source", "code", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "source", "code"], name="a_code_stands_once_in_its_accounts"
            ),
            SameMunicipality(field="project", name="number_project_in_same_municipality"),
            SameMunicipality(field="batch", name="number_batch_in_same_municipality"),
            models.CheckConstraint(condition=~Q(code=""), name="a_project_number_has_a_code"),
            models.CheckConstraint(
                condition=Q(external__in=["", *External.values]), name="external_is_known"
            ),
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True)
                | Q(opened_on__isnull=True)
                | Q(closed_on__gte=F("opened_on")),
                name="a_code_closes_after_it_opens",
            ),
            models.CheckConstraint(
                condition=Q(external="", answered_by__isnull=True, answered_at__isnull=True)
                | (~Q(external="") & Q(answered_by__isnull=False, answered_at__isnull=False)),
                name="an_answer_has_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(project__isnull=True) | Q(external="yes"),
                name="a_code_with_a_project_is_external",
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            never_deleted(),
            composed("source", "code", "name"),
            works_here("answered_by"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()
