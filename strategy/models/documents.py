"""Documents with what an archive asks of them, and the log of who read them."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from strategy.models.files import StoredFile
from strategy.models.organisation import never_deleted, versioned
from strategy.models.people import Person
from strategy.walls import MunicipalityOwned, SameMunicipality, composed, works_here


class DocumentKind(models.TextChoices):
    """domain.md b.3, h: what a project's file is expected to hold."""

    APPLICATION = "application", _("Application")
    DECISION = "decision", _("Funding decision")
    AGREEMENT = "agreement", _("Agreement")
    AMENDMENT = "amendment", _("Amendment")
    INTERNAL_DECISION = "internal_decision", _("Internal decision")
    PLAN = "plan", _("Project plan")
    BUDGET = "budget", _("Budget")
    CERTIFICATE = "certificate", _("Co-financing certificate")
    CLAIM = "claim", _("Payment claim")
    PROGRESS_REPORT = "progress_report", _("Progress report")
    FINAL_REPORT = "final_report", _("Final report")
    MINUTES = "minutes", _("Minutes")
    LETTER = "letter", _("Letter")
    OTHER = "other", _("Other")


class Retention(models.TextChoices):
    """What the archive does with it; empty is "not stated". Years are given per decision, never by rule."""

    PRESERVED = "preserved", _("Preserved for good")
    UNTIL = "until", _("Kept until a day, then disposed of")


@pghistory.track()
class Document(MunicipalityOwned):
    """A stored file with kind, date, registry number, secrecy and retention. What it belongs to is a table above."""

    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="documents")
    kind = models.CharField(_("kind"), max_length=20, choices=DocumentKind.choices)
    title = models.CharField(_("title"), max_length=200)
    dnr = models.CharField(_("registry number"), max_length=50, blank=True, db_collation="C")
    dated_on = models.DateField(_("date"), null=True, blank=True)
    is_secret = models.BooleanField(_("marked secret"), default=False)
    legal_ground = models.CharField(_("legal ground"), max_length=200, blank=True)
    retention = models.CharField(_("retention"), max_length=10, choices=Retention.choices, blank=True)
    kept_until = models.DateField(_("kept until"), null=True, blank=True)
    added_by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("added by"))
    added_at = models.DateTimeField(_("added"), auto_now_add=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    withdrawn_reason = models.CharField(
        _("reason for withdrawing"), max_length=500, blank=True, editable=False
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = [F("dated_on").desc(nulls_last=True), "-id"]
        constraints = [
            models.UniqueConstraint(fields=["municipality", "id"], name="document_key_with_municipality"),
            SameMunicipality(field="file", name="document_file_in_same_municipality"),
            models.CheckConstraint(condition=~Q(title=""), name="document_has_a_title"),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="document_kind_is_known"),
            models.CheckConstraint(
                condition=(Q(is_secret=True) & ~Q(legal_ground="")) | Q(is_secret=False, legal_ground=""),
                name="secrecy_has_a_legal_ground",
            ),
            models.CheckConstraint(
                condition=Q(retention="until", kept_until__isnull=False)
                | Q(retention__in=["", "preserved"], kept_until__isnull=True),
                name="kept_until_a_day_has_its_day",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason="")),
                name="document_is_withdrawn_with_a_reason",
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            never_deleted(),
            composed("title"),
            works_here("added_by"),
            # Another file is another document: what was read yesterday must be what stands today.
            pgtrigger.ReadOnly(name="keeps_its_file", fields=["file", "added_by", "added_at"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None


class ReadingKind(models.TextChoices):
    DOCUMENT = "document", _("Document handed out")
    SECRET_DOCUMENT = "secret_document", _("Document marked secret handed out")
    FILE = "file", _("Taken-in file handed out")
    EXPORT = "export", _("List or report exported")


class Reading(MunicipalityOwned):
    """That somebody was handed something out. Rows are only ever added."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("person"))
    at = models.DateTimeField(_("time"), auto_now_add=True)
    kind = models.CharField(_("what"), max_length=20, choices=ReadingKind.choices)
    document = models.ForeignKey(
        Document, models.PROTECT, null=True, blank=True, related_name="readings", verbose_name=_("document")
    )
    # In words, as it was called then: "Projects 2026 as XLSX".
    what = models.CharField(_("name"), max_length=300, blank=True)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["municipality", "-at"], name="reading_time")]
        constraints = [
            SameMunicipality(field="document", name="reading_document_in_same_municipality"),
            models.CheckConstraint(condition=Q(kind__in=ReadingKind.values), name="reading_kind_is_known"),
            models.CheckConstraint(
                condition=~Q(kind__in=["document", "secret_document"]) | Q(document__isnull=False),
                name="a_document_read_is_named",
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            works_here("person"),
            pgtrigger.Protect(name="is_only_added_to", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
