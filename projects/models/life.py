"""What happens to a project on its way: steps, gates, groups with their meetings, and what comes after."""

from __future__ import annotations

from datetime import date

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import BigIntegerField, F, Func, Q
from django.utils.translation import gettext_lazy as _

from projects.models.registry import Project, State
from strategy.models.documents import Document
from strategy.models.organisation import Unit, versioned
from strategy.models.people import Person
from strategy.walls import MunicipalityOwned, SameMunicipality, composed, works_here
from values.personal_number import PATTERN as PERSONAL_NUMBER

# The steps that can be taken from each state (domain.md b.3). What a step needs is data beside
# (projects.life): the ways stay, the needs grow with what the register comes to know.
WAYS: dict[State, tuple[State, ...]] = {
    State.IDEA: (State.ANCHORING, State.DECIDED_TO_APPLY, State.BROKEN_OFF),
    State.ANCHORING: (State.DECIDED_TO_APPLY, State.BROKEN_OFF),
    State.DECIDED_TO_APPLY: (State.APPLIED, State.BROKEN_OFF),
    State.APPLIED: (State.GRANTED, State.REJECTED, State.TAKEN_BACK, State.BROKEN_OFF),
    State.GRANTED: (State.ONGOING, State.TAKEN_BACK, State.BROKEN_OFF),
    State.ONGOING: (State.PAUSED, State.FINAL_REPORTED, State.BROKEN_OFF),
    State.PAUSED: (State.ONGOING, State.FINAL_REPORTED, State.BROKEN_OFF),
    State.FINAL_REPORTED: (State.ENDED, State.BROKEN_OFF),
    State.ENDED: (State.ARCHIVED,),
    # A rejected application is often sent in again (domain.md 004-44).
    State.REJECTED: (State.DECIDED_TO_APPLY, State.ARCHIVED),
    State.TAKEN_BACK: (State.DECIDED_TO_APPLY, State.ARCHIVED),
    State.BROKEN_OFF: (State.ARCHIVED,),
    State.ARCHIVED: (),
}
# How far a state is: a correction leads back.
ORDER = tuple(WAYS)


_RANKED = "ARRAY[" + ", ".join(f"'{state.value}'" for state in ORDER) + "]::text[]"


class StepKind(models.TextChoices):
    STEP = "step", _("Step")
    # A step that was never taken: back to a state before it, with the reason.
    CORRECTION = "correction", _("Correction")


class GateKind(models.TextChoices):
    """The six parts of handling a project that every administration answers for (001-27, 002-20)."""

    ANCHORING = "anchoring", _("Anchoring")
    SUITABILITY = "suitability", _("Assessment of suitability")
    BUDGET = "budget", _("Budget")
    ORGANISATION = "organisation", _("Project organisation")
    IMPLEMENTATION = "implementation", _("Implementation")
    FOLLOW_UP = "follow_up", _("Follow-up")


_STEP_IS_A_WAY = Q()
for _one, _following in WAYS.items():
    if _following:
        _STEP_IS_A_WAY |= Q(from_state=_one.value, to_state__in=[state.value for state in _following])


@pghistory.track(exclude=["transaction"])
class ProjectStep(MunicipalityOwned):
    """A step taken, or one corrected. The row itself moves the project (a trigger), so that no state is reached
    past it, and two people cannot take the same step: the second no longer starts where the project stands."""

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="steps", verbose_name=_("project"), db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=StepKind.choices, default=StepKind.STEP)
    from_state = models.CharField(_("from"), max_length=20, choices=State.choices, blank=True)
    to_state = models.CharField(_("to"), max_length=20, choices=State.choices, blank=True)
    taken_on = models.DateField(_("taken on"))
    taken_by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("taken by"))
    comment = models.CharField(_("comment"), max_length=500, blank=True)
    # The gates that the rules of that day asked for: none of them may be dated after the step.
    gates = ArrayField(
        models.CharField(max_length=20, choices=GateKind.choices),
        verbose_name=_("gates passed"),
        default=list,
        blank=True,
    )
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)
    transaction = models.BigIntegerField(
        db_default=Func(function="txid_current", output_field=BigIntegerField()), editable=False
    )

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("step")
        ordering = ["id"]
        indexes = [models.Index(fields=["project", "id"], name="step_of_project")]
        constraints = [
            SameMunicipality(field="project", name="step_project_in_same_municipality"),
            models.CheckConstraint(
                condition=Q(kind="correction") | _STEP_IS_A_WAY, name="a_step_follows_a_way"
            ),
            models.CheckConstraint(condition=~Q(from_state=F("to_state")), name="a_step_leads_somewhere"),
            models.CheckConstraint(
                condition=Q(kind="step") | (Q(kind="correction") & ~Q(comment="")),
                name="a_correction_has_a_reason",
            ),
            models.CheckConstraint(condition=Q(to_state__in=["", *State.values]), name="step_state_is_known"),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            works_here("taken_by"),
            pgtrigger.Protect(name="is_taken_for_good", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="a_starts_where_the_project_stands",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("standing", "text"), ("withdrawn", "timestamptz"), ("early", "text")],
                func=f"""
                    NEW.transaction := txid_current();
                    SELECT p.state, p.withdrawn_at INTO standing, withdrawn FROM projects_project p
                        WHERE p.id = NEW.project_id FOR UPDATE;
                    IF standing IS DISTINCT FROM NEW.from_state OR withdrawn IS NOT NULL THEN
                        RAISE EXCEPTION 'the project stands elsewhere'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'step_starts_where_the_project_stands';
                    END IF;
                    IF NEW.kind = 'correction' AND NEW.to_state <> '' AND
                        array_position({_RANKED}, NEW.to_state) >= array_position({_RANKED}, NEW.from_state)
                    THEN
                        RAISE EXCEPTION 'a correction leads back'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_correction_leads_back';
                    END IF;
                    SELECT wanted INTO early FROM unnest(NEW.gates) AS wanted WHERE NOT EXISTS (
                        SELECT 1 FROM projects_projectgate g WHERE g.project_id = NEW.project_id
                        AND g.kind = wanted AND g.done_on <= NEW.taken_on
                    ) LIMIT 1;
                    IF early IS NOT NULL THEN
                        RAISE EXCEPTION 'a gate is not passed before the step'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'gates_are_passed_before_the_step';
                    END IF;
                    RETURN NEW;
                """,  # noqa: S608 - names from our own states
            ),
            pgtrigger.Trigger(
                name="moves_the_project",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func="""
                    UPDATE projects_project SET state = NEW.to_state WHERE id = NEW.project_id;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


@pghistory.track()
class ProjectGate(MunicipalityOwned):
    """One of the six gates, passed: who, when, and what shows it."""

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="gates", verbose_name=_("project"), db_index=False
    )
    kind = models.CharField(_("gate"), max_length=20, choices=GateKind.choices)
    done_on = models.DateField(_("passed on"))
    done_by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("passed by"))
    evidence = models.TextField(_("evidence"), max_length=2000, blank=True)
    document = models.ForeignKey(
        Document, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("document")
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("gate")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind"], name="a_gate_is_passed_once"),
            SameMunicipality(field="project", name="gate_project_in_same_municipality"),
            SameMunicipality(field="document", name="gate_document_in_same_municipality"),
            models.CheckConstraint(condition=Q(kind__in=GateKind.values), name="gate_kind_is_known"),
            models.CheckConstraint(
                condition=~Q(evidence="") | Q(document__isnull=False), name="a_gate_has_evidence"
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            works_here("done_by"),
            pgtrigger.ReadOnly(name="stays_with_its_project", fields=["project", "kind"]),
            pgtrigger.Trigger(
                name="stands_before_the_step_it_guards",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("done_on") | pgtrigger.Delete,
                # The project is held first, as a step holds it: a gate dated later and a step taken in the same
                # moment see each other. A correction undoes the steps after the last one that led to the state
                # it goes back to, and no other.
                func="""
                    PERFORM 1 FROM projects_project p WHERE p.id = OLD.project_id FOR UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM projects_projectstep s WHERE s.project_id = OLD.project_id
                        AND s.kind = 'step' AND OLD.kind = ANY (s.gates)
                        AND (TG_OP = 'DELETE' OR s.taken_on < NEW.done_on)
                        AND NOT EXISTS (
                            SELECT 1 FROM projects_projectstep c
                            WHERE c.project_id = s.project_id AND c.kind = 'correction' AND c.id > s.id
                            AND NOT EXISTS (
                                SELECT 1 FROM projects_projectstep led
                                WHERE led.project_id = s.project_id AND led.kind = 'step'
                                AND led.to_state = c.to_state AND led.id >= s.id AND led.id < c.id
                            )
                        )
                    ) THEN
                        RAISE EXCEPTION 'a step rests on this gate'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_gate_stands_before_its_step';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class GroupKind(models.TextChoices):
    STEERING = "steering", _("Steering group")
    WORKING = "working", _("Working group")
    REFERENCE = "reference", _("Reference group")
    ADMINISTRATIONS = "administrations", _("Group of administrations")


@pghistory.track()
class ProjectGroup(MunicipalityOwned):
    """A group around a project (000-61, 81)."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="groups", verbose_name=_("project"))
    kind = models.CharField(_("kind"), max_length=20, choices=GroupKind.choices)
    name = models.CharField(_("name"), max_length=150, blank=True)
    task = models.CharField(_("task"), max_length=500, blank=True)
    ended_on = models.DateField(_("ended"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("group")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["municipality", "id"], name="group_key_with_municipality"),
            models.UniqueConstraint(fields=["project", "kind", "name"], name="a_group_stands_once"),
            SameMunicipality(field="project", name="group_project_in_same_municipality"),
            models.CheckConstraint(condition=Q(kind__in=GroupKind.values), name="group_kind_is_known"),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            composed("name"),
            pgtrigger.ReadOnly(name="stays_with_its_project", fields=["project"]),
        ]

    def __str__(self) -> str:
        return self.name or str(self.get_kind_display())


@pghistory.track()
class GroupMember(MunicipalityOwned):
    """A seat in a group: a person of the register, or only the unit or organisation that is represented.

    Persons of other organisations are never named: their organisation and function are.
    """

    group = models.ForeignKey(ProjectGroup, models.PROTECT, related_name="members", verbose_name=_("group"))
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("unit")
    )
    organisation = models.CharField(_("organisation"), max_length=150, blank=True)
    function = models.CharField(_("function"), max_length=100, blank=True)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("to and including"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("member")
        ordering = ["id"]
        constraints = [
            SameMunicipality(field="group", name="member_group_in_same_municipality"),
            SameMunicipality(field="unit", name="member_unit_in_same_municipality"),
            models.CheckConstraint(
                condition=(Q(unit__isnull=False) & Q(organisation=""))
                | (Q(unit__isnull=True, person__isnull=True) & ~Q(organisation="")),
                name="a_member_is_ours_or_anothers",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
                name="member_ends_after_beginning",
            ),
            models.CheckConstraint(
                condition=~Q(function__regex=PERSONAL_NUMBER) & ~Q(organisation__regex=PERSONAL_NUMBER),
                name="no_personal_identity_number_about_a_member",
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            composed("organisation", "function"),
            works_here("person"),
            pgtrigger.ReadOnly(name="stays_in_its_group", fields=["group"]),
        ]

    def __str__(self) -> str:
        return str(self.person or self.unit or self.organisation)


@pghistory.track()
class GroupMeeting(MunicipalityOwned):
    """A meeting of a group, with its minutes where there are any."""

    group = models.ForeignKey(ProjectGroup, models.PROTECT, related_name="meetings", verbose_name=_("group"))
    held_on = models.DateField(_("date"))
    subject = models.CharField(_("what was dealt with"), max_length=500, blank=True)
    minutes = models.ForeignKey(
        Document, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("minutes")
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("meeting")
        ordering = ["-held_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["group", "held_on"], name="a_group_meets_once_a_day"),
            SameMunicipality(field="group", name="meeting_group_in_same_municipality"),
            SameMunicipality(field="minutes", name="meeting_minutes_in_same_municipality"),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            pgtrigger.ReadOnly(name="stays_in_its_group", fields=["group"]),
        ]

    def __str__(self) -> str:
        return f"{self.held_on}"


@pghistory.track()
class EffectFollowUp(MunicipalityOwned):
    """One to three years on: what became of what the project achieved (000-69)."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="follow_ups", verbose_name=_("project"))
    due_on = models.DateField(_("to be followed up on"))
    done_on = models.DateField(_("followed up on"), null=True, blank=True)
    done_by = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("followed up by")
    )
    outcome = models.TextField(_("what was found"), max_length=4000, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("follow-up")
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "due_on"], name="followed_up_once_a_day"),
            SameMunicipality(field="project", name="follow_up_project_in_same_municipality"),
            models.CheckConstraint(
                condition=Q(done_on__isnull=True, done_by__isnull=True, outcome="")
                | (Q(done_on__isnull=False, done_by__isnull=False) & ~Q(outcome="")),
                name="a_follow_up_done_says_what_was_found",
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            works_here("done_by"),
            pgtrigger.ReadOnly(name="stays_with_its_project", fields=["project"]),
        ]

    def __str__(self) -> str:
        return f"{self.due_on}"

    def is_late(self, today: date) -> bool:
        return self.done_on is None and self.due_on < today


@pghistory.track()
class ProjectDocument(MunicipalityOwned):
    """A document of a project."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="documents", verbose_name=_("project"))
    document = models.OneToOneField(
        Document, models.PROTECT, related_name="of_project", verbose_name=_("document")
    )

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("document")
        ordering = ["id"]
        constraints = [
            SameMunicipality(field="project", name="project_document_project_in_same_municipality"),
            SameMunicipality(field="document", name="project_document_in_same_municipality"),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            pgtrigger.ReadOnly(name="stays_with_its_project", fields=["project", "document"]),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.document_id}"
