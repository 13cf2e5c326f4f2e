"""What the projects floor adds to the floors below: its permissions, menu items and parts of the history."""

from django.utils.translation import gettext_lazy as _

from projects import permissions  # noqa: F401 - declares the actions
from projects.models import Project, ProjectParty, ProjectShare, ProjectUnit
from strategy.history import register_parts
from strategy.models import Role
from strategy.requests import MenuItem, menu

register_parts(Project, (ProjectUnit, "project"), (ProjectParty, "project"), (ProjectShare, "project"))

menu.register(MenuItem("projects", _("Projects"), "projects:list", "project.read", place=10))
menu.register(
    MenuItem(
        "imports", _("Imports"), "projects:imports", "import.read", frozenset({Role.STRATEGIST}), place=40
    )
)
