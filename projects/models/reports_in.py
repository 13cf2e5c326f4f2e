"""What anybody reports: a project that the register may not know (000-72)."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from projects.models.registry import PRECISIONS, Project, _amount, _partial
from strategy.models.files import StoredFile
from strategy.models.organisation import Unit, never_deleted, versioned
from strategy.models.people import Person
from strategy.walls import MunicipalityOwned, SameMunicipality, composed, works_here
from values.money import Amount
from values.precision import PartialDate, Precision


class ReportState(models.TextChoices):
    RECEIVED = "received", _("Waiting")
    REGISTERED = "registered", _("Registered as a project")
    JOINED = "joined", _("Joined to a project that was known")
    DECLINED = "declined", _("Declined")


@pghistory.track()
class ReportedProject(MunicipalityOwned):
    """A report of a project in the reporter's own words, until it is registered, joined or declined."""

    title = models.CharField(_("title"), max_length=250)
    # As the reporter says it: which funder it is in the register is for who registers it to know.
    funder = models.CharField(_("funder"), max_length=200, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    amount_currency = models.CharField(_("amount, currency"), max_length=3, default="SEK", db_collation="C")
    amount_approximate = models.BooleanField(_("amount, approximate"), default=False)
    starts_on = models.DateField(_("starts"), null=True, blank=True)
    starts_precision = models.CharField(
        _("start, precision"), max_length=5, choices=PRECISIONS, default=Precision.DAY.value
    )
    ends_on = models.DateField(_("ends"), null=True, blank=True)
    ends_precision = models.CharField(
        _("end, precision"), max_length=5, choices=PRECISIONS, default=Precision.DAY.value
    )
    file = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("file")
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("unit")
    )
    reported_by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("reported by"))
    # Through a confirmed address and not through a login.
    by_mail = models.BooleanField(_("reported without an account"), default=False)
    reported_at = models.DateTimeField(_("reported"), auto_now_add=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ReportState.choices, default=ReportState.RECEIVED
    )
    project = models.ForeignKey(
        Project, models.PROTECT, null=True, blank=True, related_name="reports_in", verbose_name=_("project")
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    settled_by = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("settled by")
    )
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("reported project")
        verbose_name_plural = _("reported projects")
        ordering = ["-reported_at", "-id"]
        indexes = [models.Index(fields=["municipality", "state", "reported_at"], name="reported_state")]
        constraints = [
            SameMunicipality(field="file", name="reported_file_in_same_municipality"),
            SameMunicipality(field="unit", name="reported_unit_in_same_municipality"),
            SameMunicipality(field="project", name="reported_project_in_same_municipality"),
            models.CheckConstraint(condition=~Q(title=""), name="reported_project_has_a_title"),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="reported_project_ends_after_it_starts"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="reported_amount_is_not_negative"),
            models.CheckConstraint(
                condition=Q(amount_currency__regex=r"^[A-Z]{3}$"), name="reported_currency_has_three_letters"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="received", settled_at__isnull=True, settled_by__isnull=True, project__isnull=True
                )
                | Q(
                    state__in=["registered", "joined"],
                    settled_at__isnull=False,
                    settled_by__isnull=False,
                    project__isnull=False,
                )
                | (
                    Q(
                        state="declined",
                        settled_at__isnull=False,
                        settled_by__isnull=False,
                        project__isnull=True,
                    )
                    & ~Q(reason="")
                ),
                name="a_report_is_settled_whole",
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            never_deleted(),
            composed("title", "funder"),
            works_here("reported_by"),
            works_here("settled_by"),
            # What was reported stays as it was said.
            pgtrigger.ReadOnly(
                name="stays_as_it_was_said",
                fields=[
                    *("title", "funder", "amount", "amount_currency", "amount_approximate"),
                    *("starts_on", "starts_precision", "ends_on", "ends_precision"),
                    *("file", "reported_by", "by_mail"),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def start(self) -> PartialDate | None:
        return _partial(self.starts_on, self.starts_precision)

    @property
    def end(self) -> PartialDate | None:
        return _partial(self.ends_on, self.ends_precision)

    @property
    def sum(self) -> Amount | None:
        return _amount(self.amount, self.amount_currency, self.amount_approximate)

    # What strategy.permissions asks of an object.
    @property
    def responsible_unit_ids(self) -> frozenset[int]:
        return frozenset({self.unit_id} if self.unit_id else ())
