"""Files taken in (content-addressed, write-once), import batches, and words mapped once and remembered."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from strategy.models.organisation import never_deleted, versioned
from strategy.models.people import Person
from strategy.walls import MunicipalityOwned, SameMunicipality, composed, works_here


@pghistory.track()
class StoredFile(MunicipalityOwned):
    """A file as it came. Its contents lie under its SHA-256 and are never changed."""

    sha256 = models.CharField(max_length=64, db_collation="C")
    name = models.CharField(_("file name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    content_type = models.CharField(max_length=100, blank=True)
    stored_at = models.DateTimeField(_("stored"), auto_now_add=True)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["municipality", "id"], name="stored_file_key_with_municipality"),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="stored_file_has_a_sha256"
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            pgtrigger.Protect(name="is_write_once", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.name


class BatchState(models.TextChoices):
    JUDGED = "judged", _("Waiting to be confirmed")
    CONFIRMED = "confirmed", _("Taken in")
    UNDONE = "undone", _("Undone")
    CANCELLED = "cancelled", _("Cancelled")


@pghistory.track()
class ImportBatch(MunicipalityOwned):
    """One file on its way into the register: uploaded and judged, confirmed, perhaps undone."""

    kind = models.CharField(max_length=30)
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="batches")
    state = models.CharField(_("state"), max_length=10, choices=BatchState.choices, default=BatchState.JUDGED)
    # What the person answered: {"year": 2017, "approximate": true, "words": {"role": {"…": "partner"}}}
    answers = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    # How many rows were new, changed, unchanged, refused; after an undo also withdrawn, restored, kept.
    counts = models.JSONField(default=dict, blank=True)
    uploaded_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["municipality", "id"], name="import_batch_key_with_municipality"),
            SameMunicipality(field="file", name="import_batch_file_in_same_municipality"),
            models.CheckConstraint(
                condition=Q(state__in=["judged", "cancelled"], confirmed_at__isnull=True)
                | Q(state="confirmed", confirmed_at__isnull=False)
                | Q(state="undone", confirmed_at__isnull=False, undone_at__gte=F("confirmed_at")),
                name="import_batch_state_has_its_time",
            ),
        ]
        triggers = [*MunicipalityOwned.Meta.triggers, versioned(), never_deleted(), works_here("uploaded_by")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


@pghistory.track()
class RememberedWord(MunicipalityOwned):
    """What a foreign word in a column of an import means here; asked once."""

    kind = models.CharField(max_length=30)
    column = models.CharField(max_length=50)
    word = models.CharField(max_length=200)  # folded: NFC, case and spaces aside
    meaning = models.CharField(max_length=200)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "kind", "column", "word"], name="a_word_is_remembered_once"
            )
        ]
        triggers = [*MunicipalityOwned.Meta.triggers, composed("column", "word", "meaning")]

    def __str__(self) -> str:
        return f"{self.column}: {self.word} = {self.meaning}"
