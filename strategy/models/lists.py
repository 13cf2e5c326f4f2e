"""How a person likes to see a list: chosen columns, and views kept under a name."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from strategy.models.people import Person
from strategy.walls import MunicipalityOwned, composed, works_here


class SavedView(MunicipalityOwned):
    """A list's filters and columns under a name; without a name, the columns that the person always sees.

    No history: it says how somebody likes to look, and nothing that the municipality knows.
    """

    person = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("person"))
    listing = models.CharField(max_length=30)  # which list: "projects"
    name = models.CharField(_("name"), max_length=80, blank=True)
    query = models.TextField(blank=True)  # the filters, as in the address
    columns = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    shared = models.BooleanField(_("offered to everybody"), default=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "person", "listing", "name"], name="a_view_is_saved_once"
            ),
            models.CheckConstraint(
                condition=~Q(name="") | Q(query="", shared=False), name="what_is_always_seen_has_no_filters"
            ),
        ]
        triggers = [*MunicipalityOwned.Meta.triggers, composed("name"), works_here("person")]

    def __str__(self) -> str:
        return self.name
