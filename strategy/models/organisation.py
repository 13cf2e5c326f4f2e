"""The municipality, its units in a tree over time, and which board an administration serves."""

from __future__ import annotations

from datetime import date

import pghistory
import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from strategy.walls import MunicipalityOwned, SameMunicipality, Wall, composed


class MunicipalityKind(models.TextChoices):
    MUNICIPALITY = "municipality", _("Municipality")
    REGION = "region", _("Region")
    COOPERATION_BODY = "cooperation_body", _("Cooperation body")
    FEDERATION = "federation", _("Federation of municipalities")


class UnitKind(models.TextChoices):
    BOARD = "board", _("Board")
    ADMINISTRATION = "administration", _("Administration")
    SECTOR = "sector", _("Sector")
    COMPANY = "company", _("Company")
    DEPARTMENT = "department", _("Department")
    UNIT = "unit", _("Unit")
    SCHOOL = "school", _("School")


# Who may own a project; a smaller unit only where the strategist's unit owns for the executive board (000-60).
OWNING_KINDS = (UnitKind.ADMINISTRATION, UnitKind.SECTOR, UnitKind.COMPANY)


def days(first: str = "valid_from", last: str = "valid_to") -> Func:
    """The days from first to last, both included, as a range; an empty end is open."""
    return Func(F(first), F(last), Value("[]"), function="daterange", output_field=DateRangeField())


def versioned() -> pgtrigger.Trigger:
    """Counts every change, whoever makes it, so that a form can tell whether the row has moved on."""
    return pgtrigger.Trigger(
        name="counts_its_versions",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func="NEW.version = OLD.version + 1; RETURN NEW;",
    )


def never_deleted() -> pgtrigger.Trigger:
    return pgtrigger.Protect(name="is_withdrawn_never_deleted", operation=pgtrigger.Delete)


@pghistory.track()
class Municipality(models.Model):
    """A municipality, region, federation or cooperation body: the owner of all rows below it."""

    wall = Wall.MUNICIPALITY

    name = models.CharField(_("name"), max_length=100, unique=True)
    code = models.CharField(
        _("code"),
        max_length=4,
        unique=True,
        null=True,
        blank=True,
        db_collation="C",
        validators=[RegexValidator(r"^\d{4}$", _("The code has four digits, for example 0680."))],
        help_text=_("Four digits from Statistics Sweden. A cooperation body has none."),
    )
    organisation_number = models.CharField(
        _("organisation number"), max_length=11, unique=True, null=True, blank=True, db_collation="C"
    )
    kind = models.CharField(
        _("kind"), max_length=20, choices=MunicipalityKind.choices, default=MunicipalityKind.MUNICIPALITY
    )
    arms = models.CharField(
        _("arms"), max_length=64, blank=True, help_text=_("Content hash of the picture on covers.")
    )
    # "Anmäl projekt" for people without an account, through an address in one of the municipality's mail domains.
    takes_reports_by_mail = models.BooleanField(
        _("people without an account may report projects"), default=False
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("municipality")
        verbose_name_plural = _("municipalities")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(code__isnull=True) | Q(code__regex=r"^\d{4}$"),
                name="municipality_code_has_four_digits",
            ),
            models.CheckConstraint(
                condition=Q(code__isnull=False) | ~Q(kind="municipality"), name="a_municipality_has_a_code"
            ),
            models.CheckConstraint(
                condition=Q(organisation_number__isnull=True)
                | Q(
                    Func(
                        F("organisation_number"),
                        function="medel_is_organisation_number",
                        output_field=models.BooleanField(),
                    )
                ),
                name="organisation_number_has_its_check_digit",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="municipality_has_a_name"),
            models.CheckConstraint(
                condition=Q(kind__in=MunicipalityKind.values), name="municipality_kind_is_known"
            ),
        ]
        triggers = [versioned(), never_deleted(), composed("name")]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class MunicipalityMember(models.Model):
    """A member of a region, federation or cooperation body, over time."""

    wall = Wall.OF_MUNICIPALITY

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="memberships")
    member = models.ForeignKey(
        Municipality, models.PROTECT, related_name="member_of", verbose_name=_("member")
    )
    valid_from = models.DateField(_("from"), default=date(1971, 1, 1))
    valid_to = models.DateField(_("to"), null=True, blank=True)

    class Meta:
        verbose_name = _("member")
        constraints = [
            models.CheckConstraint(
                condition=~Q(municipality=F("member")), name="nobody_is_a_member_of_itself"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="membership_ends_after_it_starts",
            ),
            ExclusionConstraint(
                name="one_membership_at_a_time",
                expressions=[
                    ("municipality", RangeOperators.EQUAL),
                    ("member", RangeOperators.EQUAL),
                    (days(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member} in {self.municipality}"


@pghistory.track()
class MailDomain(models.Model):
    """What stands after @ in the municipality's own addresses; a domain names one municipality."""

    wall = Wall.OF_MUNICIPALITY

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="mail_domains")
    domain = models.CharField(_("mail domain"), max_length=100, unique=True, db_collation="C")

    class Meta:
        verbose_name = _("mail domain")
        ordering = ["domain"]
        constraints = [
            models.CheckConstraint(
                condition=Q(domain__regex=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}$"),
                name="mail_domain_is_a_domain",
            )
        ]

    def __str__(self) -> str:
        return self.domain


@pghistory.track()
class Population(models.Model):
    """Inhabitants on 31 December of the year."""

    wall = Wall.OF_MUNICIPALITY

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="populations")
    year = models.PositiveSmallIntegerField(_("year"))
    inhabitants = models.PositiveIntegerField(_("inhabitants"))
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("inhabitants")
        ordering = ["-year"]
        constraints = [
            models.UniqueConstraint(fields=["municipality", "year"], name="one_population_a_year"),
            models.CheckConstraint(condition=Q(year__range=(1900, 2199)), name="population_year_is_a_year"),
        ]

    def __str__(self) -> str:
        return f"{self.municipality} {self.year}"


class UnitQuerySet(models.QuerySet["Unit"]):
    def valid_on(self, day: date) -> UnitQuerySet:
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day), valid_from__lte=day)

    def owning(self) -> UnitQuerySet:
        return self.filter(kind__in=OWNING_KINDS)


@pghistory.track()
class Unit(MunicipalityOwned):
    """A board, administration, sector, company, department, unit or school in its tree."""

    kind = models.CharField(_("kind"), max_length=20, choices=UnitKind.choices)
    name = models.CharField(_("name"), max_length=150)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    is_executive_board = models.BooleanField(_("is the municipal executive board"), default=False)
    valid_from = models.DateField(_("from"), default=date(1971, 1, 1))
    valid_to = models.DateField(_("to"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = UnitQuerySet.as_manager()

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["municipality", "id"], name="unit_key_with_municipality"),
            SameMunicipality(field="parent", name="unit_parent_in_same_municipality"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="unit_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(is_executive_board=False) | Q(kind="board"), name="executive_board_is_a_board"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="unit_has_a_name"),
            models.CheckConstraint(condition=Q(kind__in=UnitKind.values), name="unit_kind_is_known"),
            ExclusionConstraint(
                name="unit_name_is_taken",
                expressions=[
                    ("municipality", RangeOperators.EQUAL),
                    (Lower("name"), RangeOperators.EQUAL),
                    (days(), RangeOperators.OVERLAPS),
                ],
                condition=Q(kind__in=["board", "administration", "sector", "company"]),
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            versioned(),
            never_deleted(),
            composed("name"),
            pgtrigger.Trigger(
                # What is said of a unit (that it is served, that it owns projects) was asked of its kind.
                name="stays_what_it_is",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("kind"),
                func="""
                    IF (OLD.kind = 'board') <> (NEW.kind = 'board')
                        OR (OLD.kind IN ('administration', 'sector', 'company'))
                        <> (NEW.kind IN ('administration', 'sector', 'company'))
                    THEN
                        RAISE EXCEPTION 'a unit stays a board, an owner of projects or a smaller unit'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'unit_stays_what_it_is';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="tree_has_no_cycle",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("parent_id"),
                declare=[("above", "bigint")],
                # The lock makes two moves in one municipality follow each other: together they could close a ring.
                func="""
                    IF NEW.parent_id IS NULL THEN RETURN NEW; END IF;
                    PERFORM pg_advisory_xact_lock(hashtext('strategy_unit'), NEW.municipality_id::int);
                    above := NEW.parent_id;
                    WHILE above IS NOT NULL LOOP
                        IF above = NEW.id THEN
                            RAISE EXCEPTION 'a unit cannot lie below itself'
                                USING ERRCODE = 'check_violation', CONSTRAINT = 'unit_tree_has_no_cycle';
                        END IF;
                        SELECT u.parent_id INTO above FROM strategy_unit u WHERE u.id = above;
                    END LOOP;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UnitNameKind(models.TextChoices):
    FORMER = "former", _("Former name")
    OTHER = "other", _("Other name")


@pghistory.track()
class UnitName(MunicipalityOwned):
    """A former or other name of a unit, by which imports and searches find it too."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="names", verbose_name=_("unit"))
    name = models.CharField(_("name"), max_length=150)
    kind = models.CharField(_("kind"), max_length=10, choices=UnitNameKind.choices)
    until = models.DateField(_("until"), null=True, blank=True)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("name")
        constraints = [
            SameMunicipality(field="unit", name="unit_name_in_same_municipality"),
            models.UniqueConstraint("municipality", "unit", Lower("name"), name="unit_has_the_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="unit_name_is_not_empty"),
            models.CheckConstraint(condition=Q(kind__in=UnitNameKind.values), name="unit_name_kind_is_known"),
        ]
        triggers = [*MunicipalityOwned.Meta.triggers, composed("name")]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class BoardService(MunicipalityOwned):
    """Which board an administration or company serves, over time (several at once are allowed)."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="board_services", verbose_name=_("unit"))
    board = models.ForeignKey(Unit, models.PROTECT, related_name="served_by", verbose_name=_("board"))
    valid_from = models.DateField(_("from"), default=date(1971, 1, 1))
    valid_to = models.DateField(_("to"), null=True, blank=True)

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("board served")
        constraints = [
            SameMunicipality(field="unit", name="board_service_unit_in_same_municipality"),
            SameMunicipality(field="board", name="board_service_board_in_same_municipality"),
            models.CheckConstraint(condition=~Q(unit=F("board")), name="a_board_does_not_serve_itself"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="board_service_ends_after_it_starts",
            ),
            ExclusionConstraint(
                name="one_board_service_at_a_time",
                expressions=[
                    ("unit", RangeOperators.EQUAL),
                    ("board", RangeOperators.EQUAL),
                    (days(), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers = [
            *MunicipalityOwned.Meta.triggers,
            pgtrigger.Trigger(
                name="serves_a_board",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF NOT EXISTS (SELECT 1 FROM strategy_unit u WHERE u.id = NEW.board_id AND u.kind = 'board') THEN
                        RAISE EXCEPTION 'only a board is served'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'board_service_is_to_a_board';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} → {self.board}"
