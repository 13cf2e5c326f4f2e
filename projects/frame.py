"""What the projects floor adds to the floors below: its permissions, menu items and parts of the history."""

from django.utils.translation import gettext_lazy as _

from projects import documents, effects, groups, handing_over, log, permissions  # noqa: F401 - these fill registries of the floor below
from projects.filling import codes_to_go_through, grants_to_settle
from projects.models import (
    EffectFollowUp,
    GroupMeeting,
    GroupMember,
    Project,
    ProjectGate,
    ProjectGroup,
    ProjectParty,
    ProjectShare,
    ProjectStep,
    ProjectUnit,
)
from projects.numbers import numbers_to_give, projects_to_start
from projects.parts import Part, parts
from projects.reports_in import reports_to_settle
from projects.todo import files_to_confirm
from strategy.history import register_parts
from strategy.models import Role
from strategy.requests import MenuItem, menu
from strategy.todo import Source, sources

register_parts(Project, (ProjectUnit, "project"), (ProjectParty, "project"), (ProjectShare, "project"))
register_parts(Project, (ProjectGroup, "project"))
register_parts(ProjectGroup, (GroupMember, "group"))
# That a meeting was held, but neither what it dealt with nor its minutes, which not all who read this may read.
register_parts(ProjectGroup, (GroupMeeting, "group"), left_out=("subject", "minutes"))
register_parts(Project, (ProjectStep, "project"), (ProjectGate, "project"), (EffectFollowUp, "project"))

parts.register(
    Part(
        "documents",
        _("Documents"),
        "projects/documents/part.html",
        documents.documents_part,
        place=50,
        visible=documents.has_documents,
    )
)
parts.register(
    Part(
        "groups",
        _("Groups"),
        "projects/groups/part.html",
        groups.groups_part,
        place=60,
        visible=groups.has_groups,
    )
)

sources.register(Source("reports_in", _("Reported projects"), reports_to_settle, place=10))
sources.register(Source("project_numbers", _("Project numbers"), numbers_to_give, place=20))
sources.register(Source("to_start", _("Projects to start"), projects_to_start, place=25))
sources.register(Source("imports", _("Imports"), files_to_confirm, place=30))
sources.register(Source("follow_ups", _("Follow-ups of effects"), effects.follow_up_tasks, place=40))

sources.register(Source("project_codes", _("Project codes"), codes_to_go_through, place=35))
sources.register(Source("public_lists", _("Funders' lists"), grants_to_settle, place=36))

menu.register(MenuItem("projects", _("Projects"), "projects:list", "project.read", place=10))
menu.register(MenuItem("report", _("Report a project"), "reports_in:make", "report.make", place=15))
menu.register(
    MenuItem(
        "reports_in",
        _("Reported projects"),
        "reports_in:list",
        "report.read",
        frozenset({Role.STRATEGIST}),
        place=16,
    )
)
menu.register(
    MenuItem(
        "imports", _("Imports"), "projects:imports", "import.read", frozenset({Role.STRATEGIST}), place=40
    )
)
menu.register(
    MenuItem(
        "codes",
        _("Project codes"),
        "projects:codes",
        "code_list.read",
        frozenset({Role.STRATEGIST, Role.ECONOMIST}),
        place=41,
    )
)
menu.register(
    MenuItem(
        "grants",
        _("Funders' lists"),
        "projects:grants",
        "grant_list.read",
        frozenset({Role.STRATEGIST}),
        place=42,
    )
)
