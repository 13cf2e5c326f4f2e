"""The project in the register: what the municipality knows about it, and what is not stated."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pghistory
import pgtrigger
from django.db import models
from django.db.models import ExpressionWrapper, F, Func, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from projects.models.funding import Funder, Programme
from strategy.models.organisation import Municipality, Unit, never_deleted, versioned
from strategy.models.people import Person
from strategy.walls import (
    MunicipalityOwned,
    SameMunicipality,
    Wall,
    composed,
    own_or_shared_reference,
    works_here,
)
from values.money import Amount, Money
from values.personal_number import PATTERN as PERSONAL_NUMBER
from values.precision import PartialDate, Precision

if TYPE_CHECKING:
    from strategy.permissions import Reader


class State(models.TextChoices):
    """domain.md b.3; an empty state is "not stated"."""

    IDEA = "idea", _("Idea")
    ANCHORING = "anchoring", _("Being anchored")
    DECIDED_TO_APPLY = "decided_to_apply", _("Decided to apply")
    APPLIED = "applied", _("Applied")
    GRANTED = "granted", _("Granted")
    REJECTED = "rejected", _("Rejected")
    TAKEN_BACK = "taken_back", _("Application taken back")
    ONGOING = "ongoing", _("Ongoing")
    PAUSED = "paused", _("Paused")
    FINAL_REPORTED = "final_reported", _("Final report handed in")
    ENDED = "ended", _("Ended")
    ARCHIVED = "archived", _("Archived")
    BROKEN_OFF = "broken_off", _("Broken off")


# Nothing more is expected to happen in the project itself.
FINISHED = (State.REJECTED, State.TAKEN_BACK, State.ENDED, State.ARCHIVED, State.BROKEN_OFF)


class ProjectRole(models.TextChoices):
    """The municipality's part in the project; an empty role is "not stated" (000-65)."""

    OWNER = "owner", _("Owner")
    PARTNER = "partner", _("Partner")
    CO_FINANCIER = "co_financier", _("Co-financier")
    PARTICIPANT = "participant", _("Participant")
    GRANT_RECIPIENT = "grant_recipient", _("Recipient of a state grant")


class CoFinancingKind(models.TextChoices):
    """How the municipality co-finances (000-65); empty is "not stated"."""

    MONEY = "money", _("Money")
    WORKING_TIME = "working_time", _("Working time")
    BOTH = "both", _("Money and working time")
    NONE = "none", _("Not at all")


class Accounting(models.TextChoices):
    """Where the project is in the accounts (000-73, 74); empty is "not stated"."""

    HERE = "here", _("In our accounts")
    ELSEWHERE = "elsewhere", _("In another organisation's accounts")
    NOT_YET = "not_yet", _("Not in any accounts yet")
    NONE = "not_applicable", _("Not to be accounted")


class Level(models.TextChoices):
    """How far the project reaches (001-08); empty is "not stated"."""

    LOCAL = "local", _("Local")
    REGIONAL = "regional", _("Regional")
    NATIONAL = "national", _("National")
    INTERNATIONAL = "international", _("International")


class Kind(models.TextChoices):
    """What kind of project it is (domain.md b.3); empty is "not stated"."""

    DEVELOPMENT = "development", _("Development")
    RESEARCH = "research", _("Research")
    MOBILITY = "mobility", _("Mobility or exchange")
    INVESTMENT = "investment", _("Investment")
    STATE_GRANT = "state_grant", _("Targeted state grant")
    PRE_STUDY = "pre_study", _("Pre-study")


class Source(models.TextChoices):
    """Where the idea came from (000-82); empty is "not stated"."""

    STRATEGIST = "strategist", _("The international strategist")
    OWN = "own", _("Our own operations")
    NETWORK = "network", _("A network")
    PARTNER = "partner", _("A partner")
    EXECUTIVE_BOARD = "executive_board", _("The executive board")
    OTHER = "other", _("Somebody else")


class PartyRole(models.TextChoices):
    LEAD = "lead", _("Lead partner")
    PARTNER = "partner", _("Partner")
    CO_FINANCIER = "co_financier", _("Co-financier")
    COOPERATING = "cooperating", _("Cooperating party")


PRECISIONS = [(Precision.DAY.value, _("Day")), (Precision.MONTH.value, _("Month"))]


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, reader: Reader) -> ProjectQuerySet:
        """The register level: whoever has an assignment reads all of the municipality, and what is shared with it."""
        if not reader.can("project.read"):
            return self.none()
        reached = reader.units("project.read")
        seen = self.of(reader.municipality)
        return seen if reached is None else seen.filter(owner_unit_id__in=reached)

    def of(self, municipality: Municipality) -> ProjectQuerySet:
        """The municipality's own projects and those shared with it; each once."""
        shared = ProjectShare.objects.filter(municipality=municipality).values("project")
        # IN and not EXISTS: the planner takes the few shares once, and not anew for every project.
        return self.filter(Q(municipality=municipality) | Q(pk__in=shared))

    def standing(self) -> ProjectQuerySet:
        """Without the withdrawn ones."""
        return self.filter(withdrawn_at__isnull=True)

    def running_in(self, first: date, last: date) -> ProjectQuerySet:
        """Overlapping the days first–last (both included); a project without dates by the year it was recorded for."""
        dated = Q(starts_on__isnull=False) | Q(ends_on__isnull=False)
        overlaps = (Q(starts_on__isnull=True) | Q(starts_on__lte=last)) & (
            Q(ends_on__isnull=True) | Q(ends_on__gte=first)
        )
        return self.filter((dated & overlaps) | self.recorded_for(first, last))

    @staticmethod
    def recorded_for(first: date, last: date) -> Q:
        return Q(
            starts_on__isnull=True,
            ends_on__isnull=True,
            recorded_for_year__range=(first.year, last.year),
        )

    def latest_first(self) -> ProjectQuerySet:
        return self.order_by("-register_year", "-register_number", "id")


# The search text is made from the other columns.
@pghistory.track(exclude=["search_text"])
class Project(MunicipalityOwned):
    """One externally funded or international project.

    `register_year` and `register_number` are the register id P-2026-14: unique in the municipality, never
    used again. Months are kept as their first day (start) and last day (end) with the precision beside.
    """

    wall = Wall.SHARED

    register_year = models.PositiveSmallIntegerField(editable=False)
    register_number = models.PositiveIntegerField(editable=False)
    title = models.CharField(_("title"), max_length=250)
    acronym = models.CharField(_("acronym"), max_length=50, blank=True)
    summary = models.TextField(_("summary"), blank=True)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, blank=True)
    owner_unit = models.ForeignKey(
        Unit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="owned_projects",
        verbose_name=_("owner unit"),
    )
    project_manager = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("project manager")
    )
    role = models.CharField(_("our role"), max_length=20, choices=ProjectRole.choices, blank=True)
    co_financing = models.CharField(
        _("our co-financing"), max_length=20, choices=CoFinancingKind.choices, blank=True
    )
    funder = models.ForeignKey(
        Funder, models.PROTECT, null=True, blank=True, related_name="projects", verbose_name=_("funder")
    )
    programme = models.ForeignKey(
        Programme, models.PROTECT, null=True, blank=True, related_name="projects", verbose_name=_("programme")
    )
    starts_on = models.DateField(_("starts"), null=True, blank=True)
    starts_precision = models.CharField(
        _("start, precision"), max_length=5, choices=PRECISIONS, default=Precision.DAY.value
    )
    ends_on = models.DateField(_("ends"), null=True, blank=True)
    ends_precision = models.CharField(
        _("end, precision"), max_length=5, choices=PRECISIONS, default=Precision.DAY.value
    )
    # The year a list concerned in which the project stood without dates ("projects of 2017").
    recorded_for_year = models.PositiveSmallIntegerField(_("recorded for the year"), null=True, blank=True)
    # Of the whole project, all parties together; never summed into the municipality's own economy.
    total_budget = models.DecimalField(
        _("total budget"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    total_budget_currency = models.CharField(
        _("total budget, currency"), max_length=3, default="SEK", db_collation="C"
    )
    total_budget_approximate = models.BooleanField(_("total budget, approximate"), default=False)
    own_share = models.DecimalField(_("own share"), max_digits=14, decimal_places=2, null=True, blank=True)
    own_share_currency = models.CharField(
        _("own share, currency"), max_length=3, default="SEK", db_collation="C"
    )
    own_share_approximate = models.BooleanField(_("own share, approximate"), default=False)
    accounting = models.CharField(_("accounting"), max_length=20, choices=Accounting.choices, blank=True)
    accounted_by = models.CharField(_("accounted by"), max_length=200, blank=True)
    project_number = models.CharField(_("project number"), max_length=50, blank=True, db_collation="C")
    decided_by = models.CharField(_("decided by"), max_length=300, blank=True)
    level = models.CharField(_("level"), max_length=15, choices=Level.choices, blank=True)
    kind = models.CharField(_("kind of project"), max_length=15, choices=Kind.choices, blank=True)
    # The municipality's own registry number (diarienummer), and what the funder calls the case.
    dnr = models.CharField(_("registry number"), max_length=50, blank=True, db_collation="C")
    external_reference = models.CharField(
        _("the funder's reference"), max_length=100, blank=True, db_collation="C"
    )
    # By role ("a teacher at the school"): persons' names stand in Person alone.
    initiated_by = models.CharField(_("started by"), max_length=200, blank=True)
    source = models.CharField(_("source of the idea"), max_length=20, choices=Source.choices, blank=True)
    link_to_operations = models.TextField(_("link to the operations"), blank=True)
    expected_effect = models.TextField(_("expected effect"), blank=True)
    achieved_effect = models.TextField(_("achieved effect"), blank=True)
    kept_up = models.TextField(_("how it is kept up"), blank=True)
    kept_up_by = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("kept up by")
    )
    final_reported_on = models.DateField(_("final report handed in on"), null=True, blank=True)
    # The whole project's file: decided per grant, never by a rule (domain.md d.2).
    kept_until = models.DateField(_("documents kept until"), null=True, blank=True)
    archive_place = models.CharField(_("place in the archive"), max_length=200, blank=True)
    # Research projects (004-41); students as a count, never by name.
    research_led_by = models.CharField(_("research led by"), max_length=200, blank=True)
    our_research_part = models.TextField(_("our part in the research"), blank=True)
    doctoral_students = models.PositiveSmallIntegerField(_("doctoral students"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by", verbose_name=_("follows")
    )
    part_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="parts", verbose_name=_("part of")
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    withdrawn_reason = models.CharField(
        _("reason for withdrawing"), max_length=500, blank=True, editable=False
    )
    registered_at = models.DateTimeField(_("registered"), auto_now_add=True)
    search_text = models.TextField(editable=False, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["-register_year", "-register_number"]
        indexes = [
            models.Index(fields=["municipality", "starts_on", "ends_on"], name="project_period"),
            # None on search_text: under the wall no plan uses it, and writing pays for it.
            # All that the list is found, ordered and summed by: much narrower than the table with its long texts.
            models.Index(
                fields=["municipality", "registered_at", "register_year", "register_number", "id"],
                include=[
                    *("withdrawn_at", "starts_on", "ends_on", "recorded_for_year", "state", "role"),
                    *("owner_unit", "project_manager", "funder", "own_share", "own_share_currency"),
                    "programme",
                ],
                name="project_list",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["municipality", "id"], name="project_key_with_municipality"),
            models.UniqueConstraint(
                fields=["municipality", "register_year", "register_number"], name="register_id_is_used_once"
            ),
            SameMunicipality(field="owner_unit", name="project_owner_unit_in_same_municipality"),
            SameMunicipality(field="kept_up_by", name="project_kept_up_by_in_same_municipality"),
            SameMunicipality(field="follows", name="project_follows_in_same_municipality"),
            SameMunicipality(field="part_of", name="project_part_of_in_same_municipality"),
            models.CheckConstraint(condition=~Q(title=""), name="project_has_a_title"),
            models.CheckConstraint(
                condition=Q(title=Func(F("title"), function="normalize", output_field=models.TextField())),
                name="project_title_is_nfc",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="project_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(
                    ExpressionWrapper(
                        ~Q(starts_precision="month") | Q(starts_on__isnull=True) | Q(starts_on__day=1),
                        output_field=models.BooleanField(),
                    )
                ),
                name="month_start_is_its_first_day",
            ),
            models.CheckConstraint(
                condition=~Q(ends_precision="month")
                | Q(ends_on__isnull=True)
                | Q(
                    Func(F("ends_on"), function="medel_is_last_of_month", output_field=models.BooleanField()),
                ),
                name="month_end_is_its_last_day",
            ),
            models.CheckConstraint(
                condition=Q(starts_precision__in=["day", "month"], ends_precision__in=["day", "month"]),
                name="project_precision_is_day_or_month",
            ),
            models.CheckConstraint(condition=Q(total_budget__gte=0), name="total_budget_is_not_negative"),
            models.CheckConstraint(condition=Q(own_share__gte=0), name="own_share_is_not_negative"),
            models.CheckConstraint(
                condition=~Q(own_share_currency=F("total_budget_currency"))
                | Q(own_share__lte=F("total_budget"))
                | Q(own_share__isnull=True)
                | Q(total_budget__isnull=True),
                name="own_share_within_total_budget",
            ),
            models.CheckConstraint(
                condition=Q(
                    total_budget_currency__regex=r"^[A-Z]{3}$", own_share_currency__regex=r"^[A-Z]{3}$"
                ),
                name="project_currency_has_three_letters",
            ),
            models.CheckConstraint(condition=Q(state__in=["", *State.values]), name="project_state_is_known"),
            models.CheckConstraint(
                condition=Q(role__in=["", *ProjectRole.values]), name="project_role_is_known"
            ),
            models.CheckConstraint(
                condition=Q(co_financing__in=["", *CoFinancingKind.values]),
                name="project_co_financing_is_known",
            ),
            models.CheckConstraint(
                condition=Q(accounting__in=["", *Accounting.values]), name="project_accounting_is_known"
            ),
            models.CheckConstraint(condition=Q(level__in=["", *Level.values]), name="project_level_is_known"),
            models.CheckConstraint(condition=Q(kind__in=["", *Kind.values]), name="project_kind_is_known"),
            models.CheckConstraint(
                condition=Q(source__in=["", *Source.values]), name="project_source_is_known"
            ),
            models.CheckConstraint(
                condition=Q(research_led_by="", our_research_part="", doctoral_students__isnull=True)
                | Q(kind="research"),
                name="research_is_told_of_research_projects",
            ),
            models.CheckConstraint(
                condition=~Q(initiated_by__regex=PERSONAL_NUMBER),
                name="no_personal_identity_number_about_who_started",
            ),
            models.CheckConstraint(
                condition=Q(accounted_by="") | Q(accounting="elsewhere"),
                name="accounted_by_another_is_elsewhere",
            ),
            models.CheckConstraint(
                condition=Q(recorded_for_year__isnull=True) | Q(recorded_for_year__range=(1971, 2199)),
                name="project_recorded_year_is_a_year",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason="")),
                name="project_is_withdrawn_with_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(follows=F("id")) & ~Q(part_of=F("id")), name="project_does_not_follow_itself"
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            never_deleted(),
            own_or_shared_reference("funder", "projects_funder"),
            own_or_shared_reference("programme", "projects_programme"),
            pgtrigger.ReadOnly(name="keeps_its_register_id", fields=["register_year", "register_number"]),
            pgtrigger.Trigger(
                name="keeps_its_search_text",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    NEW.search_text := lower(normalize(concat_ws(' ', NEW.title, NEW.acronym, NEW.summary,
                        'P-' || NEW.register_year || '-' || NEW.register_number, NEW.project_number,
                        NEW.accounted_by, NEW.decided_by, NEW.dnr, NEW.external_reference)));
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                # domain.md 000-60: the operative unit owns; the strategist's own unit only for the executive board.
                name="owner_unit_may_own",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("owner_unit_id"),
                func="""
                    IF NEW.owner_unit_id IS NOT NULL AND NOT medel_unit_may_own(NEW.owner_unit_id) THEN
                        RAISE EXCEPTION 'the unit may not own projects'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_unit_may_own';
                    END IF;
                    RETURN NEW;
                """,
            ),
            works_here("project_manager"),
            pgtrigger.Trigger(
                # A step or a correction (projects.models.life) moves the project; an import says so itself.
                name="state_follows_its_steps",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                func="""
                    IF NEW.state IS DISTINCT FROM OLD.state AND OLD.state <> ''
                        AND coalesce(current_setting('medel.takes_in', true), '') <> 'on'
                        AND NOT EXISTS (
                            SELECT 1 FROM projects_projectstep s WHERE s.project_id = NEW.id
                            AND s.from_state = OLD.state AND s.to_state = NEW.state
                            AND s.transaction = txid_current()
                        )
                    THEN
                        RAISE EXCEPTION 'a state is reached by a step'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'state_is_reached_by_a_step';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="is_no_part_of_itself",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("part_of_id", "follows_id"),
                declare=[("above", "bigint")],
                func="""
                    IF NEW.part_of_id IS NULL AND NEW.follows_id IS NULL THEN RETURN NEW; END IF;
                    PERFORM pg_advisory_xact_lock(hashtext('projects_project'), NEW.municipality_id::int);
                    above := NEW.part_of_id;
                    WHILE above IS NOT NULL LOOP
                        IF above = NEW.id THEN
                            RAISE EXCEPTION 'a project cannot be part of itself'
                                USING ERRCODE = 'check_violation', CONSTRAINT = 'project_is_no_part_of_itself';
                        END IF;
                        SELECT p.part_of_id INTO above FROM projects_project p WHERE p.id = above;
                    END LOOP;
                    above := NEW.follows_id;
                    WHILE above IS NOT NULL LOOP
                        IF above = NEW.id THEN
                            RAISE EXCEPTION 'a project cannot follow itself'
                                USING ERRCODE = 'check_violation', CONSTRAINT = 'project_does_not_follow_itself';
                        END IF;
                        SELECT p.follows_id INTO above FROM projects_project p WHERE p.id = above;
                    END LOOP;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("projects:detail", args=[self.pk])

    @property
    def register_id(self) -> str:
        return f"P-{self.register_year}-{self.register_number}"

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    @property
    def start(self) -> PartialDate | None:
        return _partial(self.starts_on, self.starts_precision)

    @property
    def end(self) -> PartialDate | None:
        return _partial(self.ends_on, self.ends_precision)

    @property
    def period_label(self) -> str:
        """ "2016-09 – 2019-08"; empty where the register knows no date."""
        if self.starts_on is None and self.ends_on is None:
            return ""
        return f"{self.start.label if self.start else '…'} – {self.end.label if self.end else '…'}"

    @property
    def budget(self) -> Amount | None:
        return _amount(self.total_budget, self.total_budget_currency, self.total_budget_approximate)

    @property
    def share(self) -> Amount | None:
        return _amount(self.own_share, self.own_share_currency, self.own_share_approximate)

    # What strategy.permissions asks of an object.
    @property
    def responsible_unit_ids(self) -> frozenset[int]:
        return frozenset({self.owner_unit_id} if self.owner_unit_id else ())

    def is_run_by(self, person: Person) -> bool:
        return self.project_manager_id == person.pk


def _partial(day: date | None, precision: str) -> PartialDate | None:
    return None if day is None else PartialDate.containing(day, Precision(precision))


def _amount(value: Decimal | None, currency: str, approximate: bool) -> Amount | None:
    return None if value is None else Amount(Money(value, currency), approximate)


@pghistory.track()
class ProjectUnit(MunicipalityOwned):
    """A unit taking part in a project beside (or instead of a known) owner."""

    wall = Wall.SHARED_PART

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="taking_part", verbose_name=_("project")
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="takes_part_in", verbose_name=_("unit"))

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("unit taking part")
        ordering = ["id"]
        constraints = [
            SameMunicipality(field="project", name="project_unit_project_in_same_municipality"),
            SameMunicipality(field="unit", name="project_unit_unit_in_same_municipality"),
            models.UniqueConstraint(fields=["project", "unit"], name="a_unit_takes_part_once"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.unit_id}"


@pghistory.track()
class ProjectParty(MunicipalityOwned):
    """A party by name, or parties as a count by kind ("11 universities")."""

    wall = Wall.SHARED_PART

    project = models.ForeignKey(Project, models.PROTECT, related_name="parties", verbose_name=_("project"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=100, blank=True)
    number = models.PositiveIntegerField(_("number"), default=1)
    country = models.CharField(_("country"), max_length=2, blank=True, db_collation="C")
    place = models.CharField(_("place"), max_length=100, blank=True)
    role = models.CharField(_("role"), max_length=20, choices=PartyRole.choices, blank=True)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("party")
        verbose_name_plural = _("parties")
        ordering = ["id"]
        constraints = [
            SameMunicipality(field="project", name="project_party_in_same_municipality"),
            models.CheckConstraint(
                condition=(~Q(name="") & Q(number=1)) | (Q(name="") & ~Q(kind="") & Q(number__gte=1)),
                name="party_is_a_name_or_a_count",
            ),
            models.CheckConstraint(
                condition=Q(country="") | Q(country__regex=r"^[A-Z]{2}$"),
                name="party_country_has_two_letters",
            ),
            models.UniqueConstraint(
                "project", Lower("name"), name="a_party_stands_once", condition=~Q(name="")
            ),
            models.UniqueConstraint(
                fields=["project"], name="a_project_has_one_lead_partner", condition=Q(role="lead")
            ),
            models.CheckConstraint(condition=Q(role__in=["", *PartyRole.values]), name="party_role_is_known"),
        ]
        triggers = [*MunicipalityOwned.Meta.triggers, composed("name", "kind", "place")]

    def __str__(self) -> str:
        return self.name or f"{self.number} {self.kind}" + (f" {self.place}" if self.place else "")


@pghistory.track()
class ProjectShare(models.Model):
    """A project seen by another municipality, with that municipality's own unit, role and share.

    The only row that joins two municipalities: read by both, written by either.
    """

    wall = Wall.SHARE

    owner_municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    project = models.ForeignKey(Project, models.PROTECT, related_name="shares", verbose_name=_("project"))
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("unit")
    )
    role = models.CharField(_("our role"), max_length=20, choices=ProjectRole.choices, blank=True)
    co_financing = models.CharField(
        _("our co-financing"), max_length=20, choices=CoFinancingKind.choices, blank=True
    )
    own_share = models.DecimalField(_("own share"), max_digits=14, decimal_places=2, null=True, blank=True)
    own_share_currency = models.CharField(
        _("own share, currency"), max_length=3, default="SEK", db_collation="C"
    )
    own_share_approximate = models.BooleanField(_("own share, approximate"), default=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("part of another municipality")
        constraints = [
            models.UniqueConstraint(
                fields=["project", "municipality"], name="a_project_is_shared_once_with_each"
            ),
            models.CheckConstraint(
                condition=~Q(owner_municipality=F("municipality")), name="a_project_is_shared_with_others"
            ),
            SameMunicipality(
                field="project", name="share_project_of_its_owner", municipality="owner_municipality"
            ),
            SameMunicipality(field="unit", name="share_unit_in_same_municipality"),
            models.CheckConstraint(condition=Q(own_share__gte=0), name="shared_own_share_is_not_negative"),
            models.CheckConstraint(
                condition=Q(role__in=["", *ProjectRole.values]), name="share_role_is_known"
            ),
            models.CheckConstraint(
                condition=Q(co_financing__in=["", *CoFinancingKind.values]),
                name="share_co_financing_is_known",
            ),
            models.CheckConstraint(
                condition=Q(own_share_currency__regex=r"^[A-Z]{3}$"), name="share_currency_has_three_letters"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="stays_with_its_project", fields=["municipality", "owner_municipality", "project"]
            ),
            versioned(),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.municipality_id}"

    @property
    def share(self) -> Amount | None:
        return _amount(self.own_share, self.own_share_currency, self.own_share_approximate)

    # What strategy.permissions asks of an object.
    @property
    def responsible_unit_ids(self) -> frozenset[int]:
        return frozenset({self.unit_id} if self.unit_id else ())


class ImportedAction(models.TextChoices):
    NEW = "new", _("New")
    CHANGED = "changed", _("Changed")


@pghistory.track()
class ImportedProject(MunicipalityOwned):
    """What a batch did to a project, with what stood before, so that the batch can be undone."""

    batch = models.ForeignKey("strategy.ImportBatch", models.PROTECT, related_name="imported_projects")
    project = models.ForeignKey(Project, models.PROTECT, related_name="imports")
    line = models.PositiveIntegerField()
    action = models.CharField(max_length=10, choices=ImportedAction.choices)
    before = models.JSONField(default=dict, blank=True)
    version_after = models.PositiveIntegerField()

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        ordering = ["batch", "line"]
        constraints = [
            SameMunicipality(field="batch", name="imported_project_batch_in_same_municipality"),
            SameMunicipality(field="project", name="imported_project_in_same_municipality"),
            models.UniqueConstraint(fields=["batch", "project"], name="a_batch_touches_a_project_once"),
            models.CheckConstraint(
                condition=Q(action__in=ImportedAction.values), name="imported_action_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}:{self.line}"
