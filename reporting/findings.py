"""The rules of what must be dealt with in the register of projects: each declared once, each one query.

A rule speaks to the municipality that the transaction reads, or to each of several in a joint list. In a
project shared with it by another municipality that is its own share row (unit and own share); the rest of
such a project is the owner's to deal with. What each rule says:

- *owner unit*: no unit of ours answers for the project.
- *contact person*: the unit that answers for a project that is not finished has no ordinary contact person
  today. Of the unit itself: somebody further up reaches the project, but is not whom others turn to.
- *end passed*: the last day is over, and the state (known or not) is not one after which nothing more
  happens, nor "final report handed in".
- *own share*: it is not known what the project costs us. Asked from the application on, and not of one that came
  to nothing.
- *state needs*: something is missing that the project's state needs (projects.life), and that no other rule
  speaks of. Neither asked of what is archived nor of what went no further, nor where the state is not known.

Since when, as far as the register knows: an owner unit and an own share since the project was registered (once
given, neither is taken away again by hand), a contact person since the day after the last one left or the
project was registered, the end since the day after it, and what a state needs since the step into it.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import (
    BooleanField,
    Case,
    DateField,
    ExpressionWrapper,
    F,
    Func,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Greatest, TruncDate
from django.utils.translation import gettext_lazy as _

from projects.attention import Rule, rules
from projects.life import projects_that_lack
from projects.models import FINISHED, Project, ProjectShare, ProjectStep, State
from strategy.models import Assignment, Role

NEVER_STARTED = (State.REJECTED, State.TAKEN_BACK)
# Nobody is asked yet what it costs: the amount is needed when the application is sent (projects.life).
NOT_APPLIED = (State.IDEA, State.ANCHORING, State.DECIDED_TO_APPLY)

# Of a municipality that the transaction reads, which is one but in a joint list: a project's queryset may hold
# those shared by others too.
_OURS = Q(
    Func("municipality_id", template="%(expressions)s = ANY (medel_reads())", output_field=BooleanField())
)


def _our_share(*conditions: Q) -> Q:
    """A project of another municipality, in which our own share row is so."""
    # IN and not EXISTS: found once for all projects, and not anew for each.
    return Q(pk__in=ProjectShare.objects.filter(_OURS, *conditions).values("project"))


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
    return projects.exclude(state__in=(*NEVER_STARTED, *NOT_APPLIED)).filter(
        (_OURS & Q(own_share__isnull=True)) | _our_share(Q(own_share__isnull=True))
    )


def lacking_for_its_state(projects: QuerySet[Project], today: date) -> QuerySet[Project]:
    return projects.filter(_OURS, pk__in=projects_that_lack())


# --- since when ------------------------------------------------------------------------------------------


def _next_day(day: Combinable) -> Combinable:
    return ExpressionWrapper(day + Value(timedelta(days=1)), output_field=DateField())


def _of_ours(day: Combinable) -> Combinable:
    """Of another municipality's project we know no day: the share row bears none."""
    return Case(When(_OURS, then=day), default=Value(None), output_field=DateField())


def since_registered(today: date) -> Combinable:
    return _of_ours(TruncDate("registered_at"))


def since_the_last_contact_person(today: date) -> Combinable:
    left = (
        Assignment.objects.filter(
            unit=OuterRef("owner_unit"), role=Role.CONTACT_PERSON, subject="", ends_on__lt=today
        )
        .order_by()
        .values("unit")
        .annotate(last=Max("ends_on"))
        .values("last")
    )
    registered = TruncDate("registered_at")
    after = Cast(_next_day(Subquery(left, output_field=DateField())), DateField())
    return _of_ours(Greatest(registered, Coalesce(after, registered)))


def since_the_day_after_the_end(today: date) -> Combinable:
    return Cast(_next_day(F("ends_on")), DateField())


def since_the_step(today: date) -> Combinable:
    latest = ProjectStep.objects.filter(project=OuterRef("pk")).order_by("-id").values("taken_on")[:1]
    return Coalesce(Subquery(latest, output_field=DateField()), TruncDate("registered_at"))


rules.register(
    Rule(
        "owner_unit",
        _("owner unit"),
        _("No unit answers for the project. Find out which one does, and give it as the owner unit."),
        without_owner_unit,
        serious=True,
        since=since_registered,
    )
)
rules.register(
    Rule(
        "contact_person",
        _("contact person"),
        _("The unit has no contact person today. Name one on the page Responsibilities."),
        without_contact_person,
        since=since_the_last_contact_person,
    )
)
rules.register(
    Rule(
        "end_passed",
        _("end passed"),
        _("The last day has passed. Say that the project has ended, or correct the date."),
        past_its_end,
        since=since_the_day_after_the_end,
    )
)
rules.register(
    Rule(
        "own_share",
        _("own share"),
        _("It is not known what the project costs the municipality. Give the own share, also when it is 0."),
        without_own_share,
        since=since_registered,
    )
)
rules.register(
    Rule(
        "state_needs",
        _("what the state needs"),
        _(
            "Something is missing that the project should have by now. Its page says what, and where to fill it in."
        ),
        lacking_for_its_state,
        since=since_the_step,
    )
)
