"""The rules of what must be dealt with in the register of projects: each declared once, each one query.

A rule speaks to the municipality that the transaction writes in. In a project shared with it by another
municipality that is its own share row (unit and own share); the rest of such a project is the owner's to
deal with. What each rule says:

- *owner unit*: no unit of ours answers for the project.
- *contact person*: the unit that answers for a project that is not finished has no ordinary contact person
  today. Of the unit itself: somebody further up reaches the project, but is not whom others turn to.
- *end passed*: the last day is over, and the state (known or not) is not one after which nothing more
  happens, nor "final report handed in".
- *own share*: it is not known what the project costs us. Not asked of an application that came to nothing.
"""

from __future__ import annotations

from datetime import date

from django.db.models import BigIntegerField, Func, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from projects.attention import Rule, rules
from projects.models import FINISHED, Project, ProjectShare, State
from strategy.models import Assignment, Role

NEVER_STARTED = (State.REJECTED, State.TAKEN_BACK)

# The municipality named by the transaction: a project's queryset may hold those shared by others too.
_HERE = Func(function="medel_writes", output_field=BigIntegerField())
_OURS = Q(municipality_id=_HERE)


def _our_share(*conditions: Q) -> Q:
    """A project of another municipality, in which our own share row is so."""
    # IN and not EXISTS: found once for all projects, and not anew for each.
    return Q(pk__in=ProjectShare.objects.filter(*conditions, municipality_id=_HERE).values("project"))


def without_owner_unit(projects: QuerySet[Project], today: date) -> QuerySet[Project]:
    return projects.filter((_OURS & Q(owner_unit__isnull=True)) | _our_share(Q(unit__isnull=True)))


def without_contact_person(projects: QuerySet[Project], today: date) -> QuerySet[Project]:
    # A contact person always has a unit (role_needs_a_unit), so NOT IN meets no NULL.
    answered = Assignment.objects.valid_on(today).filter(role=Role.CONTACT_PERSON, subject="").values("unit")
    return projects.exclude(state__in=FINISHED).filter(
        (_OURS & Q(owner_unit__isnull=False) & ~Q(owner_unit__in=answered))
        | _our_share(Q(unit__isnull=False), ~Q(unit__in=answered))
    )


def past_its_end(projects: QuerySet[Project], today: date) -> QuerySet[Project]:
    return projects.filter(_OURS, ends_on__lt=today).exclude(state__in=(*FINISHED, State.FINAL_REPORTED))


def without_own_share(projects: QuerySet[Project], today: date) -> QuerySet[Project]:
    return projects.exclude(state__in=NEVER_STARTED).filter(
        (_OURS & Q(own_share__isnull=True)) | _our_share(Q(own_share__isnull=True))
    )


rules.register(
    Rule(
        "owner_unit",
        _("owner unit"),
        _("No unit answers for the project. Find out which one does, and give it as the owner unit."),
        without_owner_unit,
        serious=True,
    )
)
rules.register(
    Rule(
        "contact_person",
        _("contact person"),
        _("The unit has no contact person today. Name one on the page Responsibilities."),
        without_contact_person,
    )
)
rules.register(
    Rule(
        "end_passed",
        _("end passed"),
        _("The last day has passed. Say that the project has ended, or correct the date."),
        past_its_end,
    )
)
rules.register(
    Rule(
        "own_share",
        _("own share"),
        _("It is not known what the project costs the municipality. Give the own share, also when it is 0."),
        without_own_share,
    )
)
