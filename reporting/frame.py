"""What the reporting floor adds to the floors below: rules of what to deal with, reports, its menu item."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from projects.exports import YearReport, year_reports
from reporting import findings  # noqa: F401 - registers the rules
from reporting.todo import projects_to_deal_with
from strategy.models import Role
from strategy.requests import MenuItem, menu
from strategy.todo import Source, sources

menu.register(
    MenuItem(
        "reports",
        _("Reports"),
        "reports",
        "project.read",
        frozenset({Role.STRATEGIST, Role.AUDITOR, Role.HEAD, Role.READER, Role.ECONOMIST, Role.REGISTRAR}),
        place=60,
    )
)

sources.register(Source("projects", _("Projects"), projects_to_deal_with, place=50))

# Beside the files of the project list, when a year is chosen.
year_reports.register(
    YearReport(
        "project-list",
        _("The year's list as PDF"),
        lambda year: f"{reverse('report', args=['projektlista', year])}?format=pdf",
    )
)
