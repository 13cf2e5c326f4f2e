"""How the register's objects are told in the global log: their names, their pages, and what it takes to read them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from projects.exchange import KIND
from projects.models import (
    EffectFollowUp,
    Funder,
    GrantListProfile,
    GroupMeeting,
    GroupMember,
    ImportedProject,
    ListedGrant,
    Programme,
    Project,
    ProjectDocument,
    ProjectGate,
    ProjectGroup,
    ProjectNumber,
    ProjectParty,
    ProjectShare,
    ProjectStep,
    ProjectUnit,
    ReportedProject,
)
from strategy.log import Kind, kinds, page_of
from strategy.models import ImportBatch


def _batch(event: Any) -> str | None:
    """The register's own imports; lists of codes and of grants have pages of their own."""
    return reverse("projects:import_preview", args=[event.pgh_obj_id]) if event.kind == KIND else None


_own = page_of("projects:detail")
_of_project = page_of("projects:detail", "project_id")

for _kind in (
    Kind(Project, _("project"), ("title",), fields={"note": "project.read_notes"}, url=_own),
    Kind(ProjectUnit, _("unit taking part"), ("unit", "project"), url=_of_project),
    Kind(ProjectParty, _("party of a project"), ("name", "project"), url=_of_project),
    Kind(ProjectShare, _("shared project"), ("project", "municipality"), url=_of_project),
    Kind(ProjectStep, _("step of a project"), ("project", "to_state"), url=_of_project),
    Kind(ProjectGate, _("gate of a project"), ("project", "kind"), url=_of_project),
    Kind(ProjectGroup, _("group of a project"), ("kind", "name", "project"), url=_of_project),
    Kind(GroupMember, _("member of a group"), ("person", "unit", "organisation", "group")),
    # As on the group's page.
    Kind(
        GroupMeeting,
        _("meeting of a group"),
        ("group", "held_on"),
        fields={"subject": "document.read", "minutes": "document.read"},
    ),
    Kind(EffectFollowUp, _("follow-up of a project"), ("project", "due_on"), url=_of_project),
    Kind(
        ProjectDocument,
        _("document of a project"),
        ("project", "document"),
        action="document.read",
        url=_of_project,
    ),
    Kind(Funder, _("funder"), ("name",)),
    Kind(Programme, _("programme"), ("name",)),
    Kind(ImportBatch, _("import"), ("kind", "uploaded_at"), url=_batch),
    Kind(ImportedProject, _("row of an import"), ("project", "line"), action="import.read"),
    Kind(
        ReportedProject,
        _("reported project"),
        ("title",),
        action="report.read",
        url=page_of("reports_in:detail"),
    ),
    Kind(ProjectNumber, _("project number in the accounts"), ("code", "name"), action="code_list.read"),
    Kind(GrantListProfile, _("column profile"), ("name",), action="grant_list.read"),
    Kind(ListedGrant, _("listed grant"), ("title",), action="grant_list.read"),
):
    kinds.register(_kind)
