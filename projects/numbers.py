"""The numbers by which others know a project: in the accounts, and in the municipality's registry.

Each is given by whoever keeps it, the economist and the registrar, who change nothing else of the project.
Also who is to start a granted project: whoever runs it, once the number is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.db import transaction
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy, ngettext

from pages.columns import Text
from pages.forms import GroupedForm, VersionedForm
from projects.forms import PlainText, ProjectForm, check_together
from projects.life import needs
from projects.models import Accounting, Project, State
from projects.models.registry import ProjectQuerySet
from projects.registry import book_under, marked_reason, require_standing
from strategy import history
from strategy.models import Role
from strategy.permissions import Reader
from strategy.todo import Task

# In these the accounts are to know the project: from the decision on until it is over.
WANTED_IN = (State.GRANTED, State.ONGOING, State.PAUSED)
# Up to so many are told one by one.
FOLDED = 5

IN_THE_ACCOUNTS = ("accounting", "project_number", "accounted_by")
IN_THE_REGISTRY = ("dnr",)


# --- the forms -------------------------------------------------------------------------------------------


class _NumberForm(GroupedForm, VersionedForm, forms.Form):
    """Some fields of a project, changed by themselves. Why is asked only where something stood already."""

    names: ClassVar[Sequence[str]] = ()
    reason = PlainText(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Needed when what stands here already is changed."),
    )

    def __init__(self, *args: Any, reader: Reader, instance: Project, **kwargs: Any) -> None:
        self.reader, self.instance = reader, instance
        self._stood = {name: getattr(instance, name) for name in self.names}
        super().__init__(*args, initial=dict(self._stood), **kwargs)

    def changes_since(self, instance: Any, version: int) -> list[tuple[Text, object, str, datetime]]:
        return [*history.changes_since(instance, version, reader=self.reader)]

    def _is_overwritten(self, cleaned: dict[str, Any]) -> bool:
        return any(
            self._stood[name] and name in cleaned and cleaned[name] != self._stood[name]
            for name in self.names
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        check_together(self, cleaned)
        if not cleaned.get("reason") and "reason" not in self.errors and self._is_overwritten(cleaned):
            self.add_error("reason", gettext("Say why what stood here is changed."))
        return cleaned

    def apply(self) -> Project:
        """Writes the checked answers into the project, unsaved."""
        project: Project = self.instance
        for name in self.names:
            setattr(project, name, self.cleaned_data[name])
        return project


class ProjectNumberForm(_NumberForm):
    names = IN_THE_ACCOUNTS
    groups: ClassVar[Sequence[Any]] = [("", ["project_number", "accounting", "accounted_by", "reason"])]
    project_number = ProjectForm.base_fields["project_number"]
    accounting = ProjectForm.base_fields["accounting"]
    accounted_by = ProjectForm.base_fields["accounted_by"]

    def _is_overwritten(self, cleaned: dict[str, Any]) -> bool:
        # That there is no number yet is said until there is one.
        stood = dict(self._stood)
        if stood["accounting"] == Accounting.NOT_YET:
            stood["accounting"] = ""
        return any(value and name in cleaned and cleaned[name] != value for name, value in stood.items())

    def apply(self) -> Project:
        project = super().apply()
        if project.project_number:
            book_under(project, project.project_number)
        return project


class RegistryNumberForm(_NumberForm):
    names = IN_THE_REGISTRY
    groups: ClassVar[Sequence[Any]] = [("", ["dnr", "reason"])]
    dnr = ProjectForm.base_fields["dnr"]


# --- the deeds -------------------------------------------------------------------------------------------


def give_project_number(reader: Reader, project: Project, *, reason: str = "") -> None:
    """Saves where and under which number the project is accounted for, and nothing else of it."""
    _give(reader, project, "project.number", IN_THE_ACCOUNTS, reason)


def give_registry_number(reader: Reader, project: Project, *, reason: str = "") -> None:
    """Saves the number of the case in the municipality's registry, and nothing else of the project."""
    _give(reader, project, "project.dnr", IN_THE_REGISTRY, reason)


@transaction.atomic
def _give(reader: Reader, project: Project, action: str, names: Sequence[str], reason: str) -> None:
    standing = Project.objects.select_related("owner_unit").get(pk=project.pk)
    reader.require(action, standing)
    require_standing(standing)
    history.give_reason(marked_reason(reader, standing.owner_unit, reason))
    project.save(update_fields=list(names))
    project.refresh_from_db(fields=["version"])


# --- what waits ------------------------------------------------------------------------------------------


def without_number(reader: Reader) -> ProjectQuerySet:
    """The projects to which the reader may give a number, and which are to have one by now."""
    own = Project.objects.visible_to(reader).standing().filter(municipality=reader.municipality)
    units = reader.units("project.number")
    if units is not None:
        own = own.filter(owner_unit__in=units)
    return own.filter(needs["accounting"].lacking(), state__in=WANTED_IN)


def numbers_to_give(reader: Reader) -> Iterable[Task]:
    """For economists: to others it is one of the things that the project lacks. One query."""
    if Role.ECONOMIST not in reader.roles:
        return
    rows = list(
        without_number(reader)
        .select_related("owner_unit")
        .order_by("registered_at", "pk")
        .only("register_year", "register_number", "title", "owner_unit__name", "registered_at")
    )
    sentence = gettext(
        "Give the project number in the accounts, or say that it is accounted for by another organisation."
    )
    if len(rows) > FOLDED:
        # The list shows the same and a few more: it does not ask how far they have come.
        yield Task(
            title=ngettext(
                "%(count)d project wants a project number",
                "%(count)d projects want a project number",
                len(rows),
            )
            % {"count": len(rows)},
            url=f"{reverse('projects:list')}?{urlencode({'utannummer': 'on'})}",
            why=sentence,
            when=gettext("project number"),
            whose=str(reader.municipality),
            action=gettext("Show them"),
            about=frozenset(row.pk for row in rows),
        )
        return
    for row in rows:
        yield Task(
            title=f"{row.register_id} {row.title}",
            url=reverse("projects:project_number", args=[row.pk]),
            why=sentence,
            when=gettext("project number"),
            whose=str(row.owner_unit or ""),
            action=gettext("Give the number"),
            about=frozenset({row.pk}),
        )


def projects_to_start(reader: Reader) -> Iterable[Task]:
    """The granted projects that the reader runs, told from the day on which somebody became their manager."""
    if not reader.can("project.change"):
        return
    granted = Project.objects.visible_to(reader).standing()
    granted = granted.filter(
        municipality=reader.municipality, project_manager=reader.person, state=State.GRANTED
    )
    for project in granted.select_related("owner_unit").defer("search_text").order_by("starts_on", "pk"):
        yield Task(
            title=f"{project.register_id} {project.title}",
            url=reverse("projects:step", args=[project.pk, State.ONGOING.value]),
            why=gettext("You run this project, and it is granted. See what it needs, and start it."),
            when=gettext("to be started"),
            until=project.starts_on,
            whose=str(project.owner_unit or ""),
            action=gettext("Start the project"),
            about=frozenset({project.pk}),
        )
