"""People, their logins, and the assignments that say who answers for what: responsibility is access."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

import pghistory
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import gettext_lazy as _

from strategy.models.organisation import Municipality, Unit, days, never_deleted, versioned
from strategy.walls import MunicipalityOwned, SameMunicipality, Wall
from values.personal_number import PATTERN as PERSONAL_NUMBER
from values.text import squeeze


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", _("Administrator")
    STRATEGIST = "international_strategist", _("International strategist")
    CONTACT_PERSON = "contact_person", _("Contact person")
    PROJECT_MANAGER = "project_manager", _("Project manager")
    PROJECT_OWNER = "project_owner", _("Project owner")
    ECONOMIST = "economist", _("Economist")
    HEAD = "head_of_department", _("Head of department")
    REGISTRAR = "registrar", _("Registrar")
    APPLICATION_OFFICER = "application_officer", _("Application officer")
    NETWORK_SECRETARY = "network_secretary", _("Network secretary")
    READER = "reader", _("Reader")
    AUDITOR = "auditor", _("Auditor")
    EMPLOYEE = "employee", _("Employee")


# What names a person is kept here alone and stays out of the history, so that a person can be made
# anonymous while the history stays whole.
@pghistory.track(exclude=["name", "title", "email", "phone"])
class Person(models.Model):
    """Somebody who works with the register. Never a personal identity number."""

    wall = Wall.PERSON

    name = models.CharField(_("name"), max_length=120)
    title = models.CharField(_("title"), max_length=120, blank=True)
    email = models.EmailField(_("work e-mail"), max_length=254)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    registered_in = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", null=True, editable=False
    )
    made_anonymous_on = models.DateField(null=True, blank=True, editable=False)
    # That the administrator took away a lost second factor stands in the history by this; its secret never does.
    second_factor_taken_away_at = models.DateTimeField(
        _("second factor taken away"), null=True, blank=True, editable=False
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="one_person_an_address"),
            models.CheckConstraint(
                condition=~Q(name__regex=PERSONAL_NUMBER) & ~Q(title__regex=PERSONAL_NUMBER),
                name="no_personal_identity_number_about_a_person",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="person_has_a_name"),
        ]
        triggers = [versioned(), never_deleted()]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name = squeeze(self.name)
        self.email = squeeze(self.email).lower()
        super().save(*args, **kwargs)


class AccountManager(BaseUserManager["Account"]):
    def create_user(self, email: str, person: Person, password: str | None = None) -> Account:
        """A login for the person; without a password only the one-time address can set one."""
        account = self.model(email=email.lower(), person=person)
        account.set_password(password)
        account.save()
        return account


@pghistory.track(exclude=["password", "last_login", "email"])
class Account(AbstractBaseUser):
    """A local login. Belongs to the installation; what it may do are the person's assignments."""

    wall = Wall.ACCOUNT

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    person = models.OneToOneField(Person, models.PROTECT, related_name="account")
    is_active = models.BooleanField(_("may log in"), default=True)
    # Adds municipalities and shared reference data, and reads no municipality's projects.
    runs_installation = models.BooleanField(default=False)
    # May log in with a password also where everybody else comes through single sign-on.
    for_emergencies = models.BooleanField(_("for emergencies"), default=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = AccountManager()

    class Meta:
        verbose_name = _("account")
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="account_address_is_in_lower_case")
        ]

    def __str__(self) -> str:
        return self.email

    # Django's own permission machinery is not used: strategy.permissions is the one table.
    @property
    def is_staff(self) -> bool:
        return False

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return False


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def valid_on(self, day: date) -> AssignmentQuerySet:
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=day), starts_on__lte=day)


@pghistory.track()
class Assignment(MunicipalityOwned):
    """A person's role for a unit (with everything below it) or for the municipality, both days included."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="assignments", verbose_name=_("person"))
    role = models.CharField(_("role"), max_length=30, choices=Role.choices)
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="assignments", verbose_name=_("unit")
    )
    # A unit has one ordinary contact person at a time, and any number of further ones with a subject each.
    subject = models.CharField(
        _("subject"),
        max_length=100,
        blank=True,
        help_text=_("For a further contact person: what he or she answers for."),
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to and including"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta(MunicipalityOwned.Meta):
        abstract = False
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ["role", "starts_on", "id"]
        indexes = [models.Index(fields=["person"], name="assignment_person")]
        constraints = [
            SameMunicipality(field="unit", name="assignment_unit_in_same_municipality"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="assignment_role_is_known"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="assignment_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=~Q(role="auditor") | Q(ends_on__isnull=False), name="auditor_has_an_end_date"
            ),
            models.CheckConstraint(
                condition=~Q(role__in=["contact_person", "head_of_department"]) | Q(unit__isnull=False),
                name="role_needs_a_unit",
            ),
            models.CheckConstraint(
                condition=~Q(role__in=["administrator", "auditor"]) | Q(unit__isnull=True),
                name="role_is_for_the_whole_municipality",
            ),
            models.CheckConstraint(
                condition=Q(subject="") | Q(role="contact_person"), name="only_a_contact_person_has_a_subject"
            ),
            ExclusionConstraint(
                name="an_assignment_is_given_once",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (Coalesce(F("unit_id"), 0), RangeOperators.EQUAL),
                    ("municipality", RangeOperators.EQUAL),
                    ("subject", RangeOperators.EQUAL),
                    (days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
            ),
            ExclusionConstraint(
                name="one_ordinary_contact_person_at_a_time",
                expressions=[
                    ("unit", RangeOperators.EQUAL),
                    (days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                condition=Q(role="contact_person", subject=""),
            ),
        ]
        triggers = [*MunicipalityOwned.Meta.triggers, versioned(), never_deleted()]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_role_display()}"
