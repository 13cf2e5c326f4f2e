"""What the accounts' codes and the funders' lists leave to be done: for the page of what waits."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from projects import code_lists
from projects.public_lists import taking
from strategy.permissions import Reader
from strategy.todo import Task


def codes_to_go_through(reader: Reader) -> Iterable[Task]:
    """One task for the codes that nobody has answered for, one for those whose project is not known."""
    if not reader.can("code_list.take"):
        return
    told = code_lists.progress(reader)
    address = reverse("projects:codes")
    if told.waiting:
        yield Task(
            title=ngettext(
                "%(count)d project code to go through", "%(count)d project codes to go through", told.waiting
            )
            % {"count": told.waiting},
            url=f"{address}?svar=saknas",
            why=_(
                "Say which of the accounts' codes are externally funded projects. "
                "%(answered)d of %(total)d are gone through."
            )
            % {"answered": told.answered, "total": told.total},
            when=_("Not gone through"),
            since=told.since,
            whose=str(reader.municipality),
            action=_("Go through them"),
        )
    if told.without_project:
        yield Task(
            title=ngettext(
                "%(count)d project code is of a project that the register does not know",
                "%(count)d project codes are of projects that the register does not know",
                told.without_project,
            )
            % {"count": told.without_project},
            url=f"{address}?svar=utan-projekt",
            why=_("Join each code to its project, or register the project."),
            when=_("Project not known"),
            whose=str(reader.municipality),
        )


def grants_to_settle(reader: Reader) -> Iterable[Task]:
    if not reader.can("grant_list.take"):
        return
    told = taking.waiting(reader)
    if told.waiting:
        yield Task(
            title=ngettext(
                "%(count)d granted project in the funders' lists waits",
                "%(count)d granted projects in the funders' lists wait",
                told.waiting,
            )
            % {"count": told.waiting},
            url=f"{reverse('projects:grants')}?avgjort=vantar",
            why=_("Join each to a project, register it or set it aside with a reason."),
            when=_("Not dealt with"),
            since=told.since,
            whose=str(reader.municipality),
            action=_("Deal with them"),
        )
