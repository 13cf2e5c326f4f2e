"""What anybody reports (000-72): taking it in, telling who answers, and settling it, each one act.

A report reaches the contact person of its unit, or of the nearest unit above that has one, up to the
administration or company that answers for it. Where that one has none, or the unit is not known, the
strategist acts. It is settled once: registered as a project, joined to one, or declined with a reason, and
the reporter is told by mail.

How much is taken in an hour is counted in the database, so that several processes agree. A flood fills
neither the list of what waits, nor the mail, nor the disk.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pghistory
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet, Value, Window
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from pages.columns import on_screen
from pages.forms import register_messages
from projects.documents import SameContents, add_to_project
from projects.models import (
    Project,
    ProjectParty,
    ReportedProject,
    ReportLink,
    ReportState,
)
from projects.registry import marked_reason, register_project, standing_locked
from strategy import attachments
from strategy.accounts import add_person
from strategy.documents import visible_documents
from strategy.models import (
    OWNING_KINDS,
    Assignment,
    Document,
    DocumentKind,
    Message,
    Municipality,
    Person,
    Role,
    StoredFile,
    Unit,
)
from strategy.permissions import ROLES, Reader
from strategy.todo import Task
from strategy.walls import scope
from values.money import Amount
from values.precision import PartialDate, Precision

MESSAGES = {
    "reported_project_has_a_title": _("Say what the project is called."),
    "reported_project_ends_after_it_starts": _(
        "The project must not end before it starts. Correct one of the dates."
    ),
    "reported_amount_is_not_negative": _("Write an amount that is not below zero."),
    "reported_currency_has_three_letters": _("Give the currency with three letters, for example EUR."),
    "reported_unit_in_same_municipality": _("Choose a unit of your own municipality."),
    "reported_project_in_same_municipality": _("Choose a project of your own municipality."),
    "reported_file_in_same_municipality": _("Choose the file again."),
    "reported_by_works_here": _("Who reports needs an assignment in the municipality."),
    "settled_by_works_here": _("Who settles the report needs an assignment in the municipality."),
    "a_report_is_settled_whole": _("Register the report, join it to a project, or decline it with a reason."),
}
FIELDS = {
    "reported_project_has_a_title": "title",
    "reported_project_ends_after_it_starts": "ends",
    "reported_amount_is_not_negative": "amount",
    "reported_currency_has_three_letters": "amount",
    "reported_unit_in_same_municipality": "unit",
    "reported_file_in_same_municipality": "file",
    "a_report_is_settled_whole": "reason",
}
register_messages(MESSAGES, fields=FIELDS)

HOUR = timedelta(hours=1)
# Reports in an hour: of one person, of one municipality, and of those the ones without an account.
FROM_A_PERSON, IN_A_MUNICIPALITY, WITHOUT_ACCOUNT = 20, 200, 60
# Links in an hour. All staff share one outgoing network address, so that one is generous.
LINKS_TO_AN_ADDRESS, LINKS_FROM_A_NETWORK, LINKS_IN_A_MUNICIPALITY = 3, 60, 100
LINK_WORKS = timedelta(hours=24)
LINKS_ARE_KEPT = timedelta(days=2)
# Mails about reports to one person in an hour; then one that says that there are more, and none after it.
MAILS = 5
# The same report of the same person within this time is one sent twice.
SAME_WITHIN = timedelta(minutes=1)
# A report that lay so long is serious, and waits for the strategist too.
LATE = timedelta(days=14)
# So many reports stand one by one among what waits; the rest are one row.
SHOWN = 5
_SALT = "projects.reports_in.link"


class TooMany(Exception):
    """More in an hour than is taken. The message is a sentence."""


class AlreadySettled(Exception):
    """Somebody else settled the report meanwhile: it is `report`, as it stands now."""

    def __init__(self, report: ReportedProject) -> None:
        super().__init__(report.pk)
        self.report = report


class LinkRefused(Exception):
    """The mailed link works no longer, or never did. The message is a sentence that says what to do."""


@dataclass(frozen=True)
class Given:
    """A file as it was sent, judged by its content already."""

    name: str
    data: bytes
    content_type: str = ""


@dataclass(frozen=True)
class Said:
    """A report in the reporter's own words."""

    title: str
    funder: str = ""
    amount: Amount | None = None
    starts: PartialDate | None = None
    ends: PartialDate | None = None
    file: Given | None = None


# -- Who answers ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """Whose a report is: the unit, and its contact person. Without a person the strategist acts for the unit."""

    unit: Unit | None
    contact: Person | None


class Answers:
    """Who answers for each unit on a day. Two queries, however many units are asked of."""

    def __init__(self, municipality: Municipality, day: object) -> None:
        self.units = {unit.pk: unit for unit in Unit.objects.filter(municipality=municipality)}
        self._contacts = {
            one.unit_id: one.person
            for one in Assignment.objects.filter(
                municipality=municipality, role=Role.CONTACT_PERSON, subject=""
            )
            .valid_on(day)  # type: ignore[arg-type]
            .select_related("person")
        }

    def of(self, unit_id: int | None) -> Answer:
        unit = self.units.get(unit_id) if unit_id else None
        at, seen = unit, set[int]()
        while at is not None and at.pk not in seen:
            if at.pk in self._contacts:
                return Answer(at, self._contacts[at.pk])
            if at.kind in OWNING_KINDS:
                return Answer(at, None)
            seen.add(at.pk)
            at = self.units.get(at.parent_id) if at.parent_id else None
        return Answer(unit, None)


def visible_reports(reader: Reader) -> QuerySet[ReportedProject]:
    """What the reader may read, and what the reader reported."""
    rows = ReportedProject.objects.filter(municipality=reader.municipality)
    if not reader.can("report.read"):
        return rows.filter(reported_by=reader.person)
    reached = reader.units("report.read")
    return rows if reached is None else rows.filter(Q(unit__in=reached) | Q(reported_by=reader.person))


def readable_reports(reader: Reader) -> QuerySet[ReportedProject]:
    """What the reader may read because of an assignment: the list of all reports."""
    rows = ReportedProject.objects.filter(municipality=reader.municipality)
    if not reader.can("report.read"):
        return rows.none()
    reached = reader.units("report.read")
    return rows if reached is None else rows.filter(unit__in=reached)


def own_reports(reader: Reader) -> QuerySet[ReportedProject]:
    return ReportedProject.objects.filter(municipality=reader.municipality, reported_by=reader.person)


@dataclass(frozen=True)
class Waiting:
    """A report that waits for the reader, and whether the reader acts for a unit without a contact person."""

    report: ReportedProject
    answer: Answer
    marked: bool
    late: bool


class Waits:
    """The reports that wait for this reader, found in the database however many there are.

    Those of units for which the reader is the contact person; for a strategist also those of units without one
    (`marked`), and those that lie too long (`late`).
    """

    def __init__(self, reader: Reader) -> None:
        self.reports: QuerySet[ReportedProject] = ReportedProject.objects.none().annotate(
            is_marked=Value(False, BooleanField())
        )
        own = {held.unit.pk for held in reader.held if held.role == Role.CONTACT_PERSON and held.unit}
        acts = Role.STRATEGIST in reader.roles
        if not reader.can("report.settle") or not (own or acts):
            return
        self.answers = Answers(reader.municipality, reader.today)
        mine, unanswered = set[int](), set[int]()
        for unit_id in self.answers.units:
            answer = self.answers.of(unit_id)
            if answer.unit is not None and answer.unit.pk in own:
                mine.add(unit_id)
            elif answer.contact is None:
                unanswered.add(unit_id)
        self._late_before = timezone.make_aware(
            datetime.combine(reader.today - LATE + timedelta(days=1), datetime.min.time())
        )
        self.late = Q(reported_at__lt=self._late_before)
        self.marked = Q(unit__in=unanswered) | Q(unit=None) if acts else Q(pk__in=[])
        wanted = Q(unit__in=mine) | self.marked | (self.late if acts else Q(pk__in=[]))
        self.reports = (
            readable_reports(reader)
            .filter(wanted, state=ReportState.RECEIVED)
            .annotate(is_marked=ExpressionWrapper(self.marked, BooleanField()))
            .select_related("unit")
            .order_by("reported_at", "pk")
        )

    def first(self, count: int) -> tuple[list[Waiting], int, int]:
        """The oldest ones, how many there are in all, and how many of those are marked. One query more."""
        rows: list[Any] = list(
            self.reports.annotate(
                in_all=Window(Count("pk")), marked_in_all=Window(Count("pk", filter=Q(is_marked=True)))
            )[:count]
        )
        found = [
            Waiting(row, self.answers.of(row.unit_id), row.is_marked, row.reported_at < self._late_before)
            for row in rows
        ]
        return found, rows[0].in_all if rows else 0, rows[0].marked_in_all if rows else 0


def reports_to_settle(reader: Reader) -> Iterable[Task]:
    """What waits of reported projects, for the page of what is to be done."""
    waiting, in_all, marked_in_all = Waits(reader).first(SHOWN + 1)
    for one in waiting[:SHOWN]:
        report = one.report
        yield Task(
            title=gettext("Reported project: %(title)s") % {"title": report.title},
            url=reverse("reports_in:detail", args=[report.pk]),
            why=gettext("%(said)s Complete it, join it to a known project, or decline it.")
            % {"said": in_short(report)},
            when=gettext("reported project"),
            since=timezone.localdate(report.reported_at),
            whose=str(one.answer.unit or gettext("unit not known")),
            tone="stop" if one.late else "warn",
            action=gettext("Look at it"),
            marked=one.marked,
        )
    if waiting[SHOWN:]:
        shown, oldest, rest = waiting[:SHOWN], waiting[SHOWN], in_all - SHOWN
        yield Task(
            title=ngettext("One more reported project waits", "%(count)d more reported projects wait", rest)
            % {"count": rest},
            url=f"{reverse('reports_in:list')}?vantar=on",
            why=gettext("They stand in the list of reported projects, the oldest first among what waits."),
            when=gettext("reported project"),
            since=timezone.localdate(oldest.report.reported_at),
            # The oldest of them is late first.
            tone="stop" if oldest.late else "warn",
            marked=marked_in_all > sum(one.marked for one in shown),
        )


def in_short(report: ReportedProject) -> str:
    """ "Erasmus+, approximately 400 000 kr, 2026-08 – 2027-07." or that no more was said."""
    parts = [
        report.funder,
        on_screen(report.sum) if report.sum else "",
        period_of(report),
        # By its number alone it is known that there is one: no query more for a list of them.
        gettext("a file is attached") if report.file_id else "",
    ]
    said = ", ".join(part for part in parts if part)
    return f"{said}." if said else gettext("No more than the title was said.")


def period_of(report: ReportedProject) -> str:
    if report.start is None and report.end is None:
        return ""
    start = report.start.label if report.start else "…"
    end = report.end.label if report.end else "…"
    return start if start == end else f"{start} – {end}"


# -- Taking it in -----------------------------------------------------------------------------------------


def _one_at_a_time(municipality: Municipality) -> None:
    """Until the transaction ends: two processes that count at once would both find room for one more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('medel.reports'), %s)", [municipality.pk])


def _ask_the_database_now() -> None:
    """References that cannot cross municipalities are otherwise judged only when the request is over."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _leave_room(municipality: Municipality, person_id: int | None, now: datetime, *, by_mail: bool) -> None:
    """Raises TooMany when the last hour is full."""
    _one_at_a_time(municipality)
    lately = ReportedProject.objects.filter(municipality=municipality, reported_at__gt=now - HOUR)
    if person_id is not None and lately.filter(reported_by=person_id).count() >= FROM_A_PERSON:
        raise TooMany(
            ngettext(
                "You have reported %(count)d project within an hour, and no more are taken from one person. "
                "Wait an hour. If there are many, ask the international strategist to take in a list.",
                "You have reported %(count)d projects within an hour, and no more are taken from one person. "
                "Wait an hour. If there are many, ask the international strategist to take in a list.",
                FROM_A_PERSON,
            )
            % {"count": FROM_A_PERSON}
        )
    full = lately.count() >= IN_A_MUNICIPALITY
    if full or (by_mail and lately.filter(by_mail=True).count() >= WITHOUT_ACCOUNT):
        raise TooMany(
            gettext("Unusually many projects have been reported within an hour. Try again in an hour.")
        )


def make_report(reader: Reader, said: Said, *, unit: Unit | None, now: datetime) -> ReportedProject:
    """Keeps the report and tells who answers for the unit. Raises TooMany.

    What was sent twice in a moment, by a second click or by loading the page again, is one report.
    """
    reader.require("report.make")
    with transaction.atomic():
        _one_at_a_time(reader.municipality)
        if (same := _just_sent(reader, said, unit, now)) is not None:
            return same
        _leave_room(reader.municipality, reader.person.pk, now, by_mail=False)
        return _keep(reader.municipality, reader.person, said, unit, now, by_mail=False)


def _just_sent(reader: Reader, said: Said, unit: Unit | None, now: datetime) -> ReportedProject | None:
    return (
        own_reports(reader)
        .filter(
            title=said.title,
            funder=said.funder,
            amount=said.amount.money.amount if said.amount else None,
            starts_on=said.starts.first if said.starts else None,
            ends_on=said.ends.last if said.ends else None,
            unit=unit,
            state=ReportState.RECEIVED,
            reported_at__gt=now - SAME_WITHIN,
        )
        .first()
    )


def _keep(
    municipality: Municipality,
    person: Person,
    said: Said,
    unit: Unit | None,
    now: datetime,
    *,
    by_mail: bool,
) -> ReportedProject:
    amount = said.amount
    report = ReportedProject.objects.create(
        municipality=municipality,
        title=said.title,
        funder=said.funder,
        amount=amount.money.amount if amount else None,
        amount_currency=amount.money.currency if amount else "SEK",
        amount_approximate=bool(amount and amount.approximate),
        starts_on=said.starts.first if said.starts else None,
        starts_precision=(said.starts.precision if said.starts else Precision.DAY).value,
        ends_on=said.ends.last if said.ends else None,
        ends_precision=(said.ends.precision if said.ends else Precision.DAY).value,
        file=_store(municipality, said.file),
        unit=unit,
        reported_by_id=person.pk,
        by_mail=by_mail,
    )
    _ask_the_database_now()
    _tell_who_answers(report, now)
    return report


def _store(municipality: Municipality, given: Given | None) -> StoredFile | None:
    if given is None:
        return None
    return attachments.store(municipality, given.name, given.data, given.content_type)


# -- For people without an account ------------------------------------------------------------------------


def municipalities_taking_reports() -> QuerySet[Municipality]:
    """Those that let people without an account report; readable without any municipality's scope."""
    return Municipality.objects.filter(takes_reports_by_mail=True).order_by("name")


def network_key(address: str) -> str:
    """The network address as a keyed hash; of IPv6 the network, since one computer has addresses without end."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        address = str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return salted_hmac(_SALT, address).hexdigest()


def ask_for_link(address: str, *, network: str, now: datetime) -> None:
    """Mails a link to the address if it is of a municipality that takes reports so; else nothing happens.

    Who asks is told the same in every case, except that too many from one network address raise TooMany.
    """
    domain = address.rpartition("@")[2].lower()
    place = municipalities_taking_reports().filter(mail_domains__domain=domain).first()
    if place is None:
        return
    with scope(place.pk):
        pghistory.context(municipality=place.pk)
        _one_at_a_time(place)
        ReportLink.objects.filter(municipality=place, made_at__lt=now - LINKS_ARE_KEPT).delete()
        lately = ReportLink.objects.filter(municipality=place, made_at__gt=now - HOUR)
        if network and lately.filter(network=network).count() >= LINKS_FROM_A_NETWORK:
            raise TooMany(gettext("Unusually many have asked for a link from your network. Wait an hour."))
        if (
            lately.count() >= LINKS_IN_A_MUNICIPALITY
            or lately.filter(address=address.lower()).count() >= LINKS_TO_AN_ADDRESS
        ):
            return
        link = ReportLink.objects.create(municipality=place, address=address.lower(), network=network)
        token = signing.dumps([place.pk, link.pk], salt=_SALT)
        with translation.override(settings.LANGUAGE_CODE):
            context = {
                "municipality": place,
                "address": _absolute(reverse("reports_in:by_mail_form", args=[token])),
                "hours": int(LINK_WORKS / HOUR),
            }
            subject = gettext("Medel: report a project in %(municipality)s") % {"municipality": place}
            body = render_to_string("projects/mail/report_link.txt", context)
        _mail(place, link.address, subject, body)


@dataclass(frozen=True)
class OpenLink:
    """A link that works: whose address it was mailed to, and in which municipality."""

    token: str
    place: Municipality
    pk: int
    address: str


def open_link(token: str) -> OpenLink:
    """Reads the link; nothing is written. Raises LinkRefused."""
    again = gettext("Ask for a new one.")
    try:
        place_pk, pk = signing.loads(token, salt=_SALT, max_age=LINK_WORKS)
    except signing.SignatureExpired:
        raise LinkRefused(
            gettext("The link worked for 24 hours, and they have passed. %(again)s") % {"again": again}
        ) from None
    except (signing.BadSignature, TypeError, ValueError):
        raise LinkRefused(
            gettext("The link is not whole. Copy all of it from the mail. %(again)s") % {"again": again}
        ) from None
    place = municipalities_taking_reports().filter(pk=place_pk).first()
    if place is None:
        raise LinkRefused(
            gettext("The municipality no longer takes reports without a login. Log in to report the project.")
        )
    with scope(place.pk):
        link = ReportLink.objects.filter(pk=pk, municipality=place).first()
    if link is None or link.used_at is not None:
        raise LinkRefused(
            gettext("The link has been used: the project is reported. A further one has its own. %(again)s")
            % {"again": again}
        )
    return OpenLink(token, place, link.pk, link.address)


def make_report_by_mail(
    link: OpenLink, said: Said, *, name: str, unit: Unit | None, now: datetime
) -> ReportedProject:
    """Keeps the report of somebody who holds the mailbox, as an employee. Needs the municipality's scope.

    Raises LinkRefused when the link was used in the same moment, and TooMany.
    """
    place = link.place
    with transaction.atomic():
        _leave_room(place, None, now, by_mail=True)
        row = ReportLink.objects.select_for_update().filter(pk=link.pk, used_at=None).first()
        if row is None:
            raise LinkRefused(gettext("The link has been used: the project is reported. Ask for a new one."))
        with translation.override(settings.LANGUAGE_CODE):
            pghistory.context(
                municipality=place.pk, reason=gettext("Reported through a confirmed work address.")
            )
        person = add_person(name=name, email=row.address, municipality=place)
        pghistory.context(person=person.pk)
        if not Assignment.objects.filter(municipality=place, person_id=person.pk).exists():
            # Who holds a mailbox of the municipality works there.
            Assignment.objects.create(
                municipality=place,
                person_id=person.pk,
                role=Role.EMPLOYEE,
                unit=unit,
                starts_on=timezone.localdate(now),
            )
        report = _keep(place, person, said, unit, now, by_mail=True)
        row.used_at = now
        row.save(update_fields=["used_at"])
    return report


# -- Settling it ------------------------------------------------------------------------------------------


def _locked(reader: Reader, report: ReportedProject) -> ReportedProject:
    """The report as it stands now, held until the transaction ends. Raises AlreadySettled."""
    reader.require("report.settle", report)
    row = ReportedProject.objects.select_for_update(of=("self",)).get(pk=report.pk)
    if row.state != ReportState.RECEIVED:
        raise AlreadySettled(row)
    return row


def register_report(
    reader: Reader,
    report: ReportedProject,
    project: Project,
    *,
    units: Iterable[Unit] = (),
    parties: Iterable[ProjectParty] = (),
    kind: str = DocumentKind.LETTER,
    at: datetime,
) -> Project:
    """Registers the project of the report; its file becomes a document of that kind. Raises AlreadySettled."""
    with transaction.atomic():
        row = _locked(reader, report)
        register_project(reader, project, units=units, parties=parties)
        _settle(reader, row, ReportState.REGISTERED, at, project=project)
        _file_becomes_document(reader, row, project, kind)
        _tell_reporter(reader, row)
    return project


def join_report(
    reader: Reader,
    report: ReportedProject,
    project: Project,
    *,
    kind: str = DocumentKind.LETTER,
    reason: str = "",
    at: datetime,
) -> bool:
    """Says that the report is of a project that the register knows. Raises AlreadySettled.

    Whether its file became a document of the project: only where the reader adds documents there.
    """
    with transaction.atomic():
        row = _locked(reader, report)
        project = standing_locked(reader, project)
        _settle(reader, row, ReportState.JOINED, at, project=project, reason=reason)
        added = _file_becomes_document(reader, row, project, kind)
        _tell_reporter(reader, row)
    return added


def decline_report(reader: Reader, report: ReportedProject, *, reason: str, at: datetime) -> None:
    """Says why there is no project. The report stays, with the reason. Raises AlreadySettled."""
    with transaction.atomic():
        row = _locked(reader, report)
        _settle(reader, row, ReportState.DECLINED, at, reason=reason)
        _tell_reporter(reader, row)


def _settle(
    reader: Reader,
    row: ReportedProject,
    state: ReportState,
    at: datetime,
    *,
    project: Project | None = None,
    reason: str = "",
) -> None:
    if told := marked_reason(reader, row.unit, reason):
        pghistory.context(reason=told)
    row.state, row.project, row.reason = state, project, reason
    row.settled_by, row.settled_at = reader.person, at
    row.save(update_fields=["state", "project", "reason", "settled_by", "settled_at"])
    _ask_the_database_now()


def _file_becomes_document(reader: Reader, row: ReportedProject, project: Project, kind: str) -> bool:
    if row.file is None or not reader.can("document.add", project):
        return False
    with suppress(SameContents):  # It stands among the project's documents already.
        add_to_project(reader, project, row.file, kind=kind)
    return True


def document_of(reader: Reader, report: ReportedProject) -> Document | None:
    """The document that the report's file has become, if it has: one that the reader may read before others.

    By the contents too: a file that the project had already was not added again.
    """
    if report.file is None:
        return None
    same = Q(file=report.file)
    if report.project_id is not None:
        same |= Q(of_project__project=report.project_id, file__sha256=report.file.sha256)
    here = Document.objects.filter(same, municipality=report.municipality_id).order_by("pk")
    return visible_documents(reader).filter(pk__in=here.values("pk")).first() or here.first()


def reporter_by_role(report: ReportedProject) -> str:
    """ "Employee, Kålgårdsskolan": the register names who began a project by role and never by name."""
    held = (
        Assignment.objects.filter(person=report.reported_by_id, municipality=report.municipality_id)
        .valid_on(timezone.localdate(report.reported_at))
        .select_related("unit")
    )
    first = min(held, key=lambda one: ROLES.index(Role(one.role)), default=None)
    with translation.override(settings.LANGUAGE_CODE):
        role = first.get_role_display() if first else str(Role.EMPLOYEE.label)
    where = report.unit or (first.unit if first else None)
    return f"{role}, {where}" if where else role


# -- Telling by mail --------------------------------------------------------------------------------------


def _absolute(path: str) -> str:
    return f"{settings.SITE_ADDRESS.rstrip('/')}{path}"


def _mail(municipality: Municipality, recipient: str, subject: str, body: str) -> None:
    """A mail in the municipality's outbox, in this transaction."""
    from strategy.jobs import send_waiting_messages

    subject = " ".join(subject.split())[:250]
    EmailMessage(subject, body, None, [recipient]).message()  # refuses now what could not be sent
    Message.objects.create(municipality=municipality, recipient=recipient, subject=subject, body=body)
    send_waiting_messages.defer()


def _tell_who_answers(report: ReportedProject, now: datetime) -> None:
    """The contact person or, where there is none, the strategists: a few mails an hour, however many reports."""
    municipality, today = report.municipality, timezone.localdate(now)
    answer = Answers(municipality, today).of(report.unit_id)
    recipients: Sequence[Person] = [answer.contact] if answer.contact else _strategists(municipality, today)
    with translation.override(settings.LANGUAGE_CODE):
        beginning = gettext("Medel: reported project")
        for person in recipients:
            if person.pk == report.reported_by_id:
                continue
            told = Message.objects.filter(
                municipality=municipality,
                recipient=person.email,
                created_at__gt=now - HOUR,
                subject__startswith=beginning,
            ).count()
            if told > MAILS:
                continue
            context = {
                "report": report,
                "said": in_short(report),
                "answer": answer,
                "municipality": municipality,
                "address": _absolute(reverse("reports_in:detail", args=[report.pk])),
                "list_address": _absolute(reverse("reports_in:list")),
            }
            if told < MAILS:
                subject = f"{beginning}: {report.title}"
                body = render_to_string("projects/mail/reported.txt", context)
            else:
                subject = f"{beginning}, {gettext('and more')}"
                body = render_to_string("projects/mail/reported_many.txt", context)
            _mail(municipality, person.email, subject, body)


def _strategists(municipality: Municipality, day: object) -> list[Person]:
    held = Assignment.objects.filter(municipality=municipality, role=Role.STRATEGIST).valid_on(day)  # type: ignore[arg-type]
    return list({one.person_id: one.person for one in held.select_related("person").order_by("pk")}.values())


def _tell_reporter(reader: Reader, row: ReportedProject) -> None:
    """What became of it. Whoever settles an own report knows."""
    if row.reported_by_id == reader.person.pk:
        return
    with translation.override(settings.LANGUAGE_CODE):
        context = {
            "report": row,
            "project": row.project,
            "project_address": _absolute(row.project.get_absolute_url()) if row.project else "",
            "own_address": "" if row.by_mail else _absolute(reverse("reports_in:mine")),
        }
        subject = gettext("Medel: what became of “%(title)s”") % {"title": row.title}
        body = render_to_string("projects/mail/report_settled.txt", context)
    _mail(row.municipality, row.reported_by.email, subject, body)
