"""One row of every kind in a municipality, for the tests that go through all tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models

from projects.models import (
    EffectFollowUp,
    Funder,
    GrantListProfile,
    GroupMeeting,
    GroupMember,
    ImportedProject,
    ListedGrant,
    Programme,
    ProjectDocument,
    ProjectGate,
    ProjectGroup,
    ProjectNumber,
    ProjectParty,
    ProjectShare,
    ProjectStep,
    ProjectUnit,
    ReportedProject,
    ReportLink,
    State,
)
from strategy.models import (
    Account,
    Document,
    Handover,
    ImportBatch,
    MailDomain,
    Message,
    Municipality,
    MunicipalityMember,
    Population,
    Reading,
    RememberedWord,
    Role,
    SavedView,
    StoredFile,
    UnitKind,
    UnitName,
)
from strategy.walls import scope
from tests import factories

_numbers = count(1)
NOON = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("Europe/Stockholm"))


@dataclass(frozen=True)
class Everything:
    place: Municipality
    rows: dict[str, models.Model]  # by table

    board: Any

    def row(self, model: type[models.Model]) -> Any:
        return self.rows[model._meta.db_table]


def everything(name: str, *, shared_with: Municipality | None = None) -> Everything:
    """The municipality with one row in each table, and its project shared with another one."""
    number = next(_numbers)
    place = factories.municipality(f"{name} {number}")
    other = shared_with or factories.municipality(f"Delad med {number}")
    with scope(place.pk):
        board = factories.unit(place, "Kommunstyrelsen", kind=UnitKind.BOARD, is_executive_board=True)
        unit = factories.unit(place, "Socialförvaltningen", parent=board)
        person = factories.person(place)
        file = StoredFile.objects.create(municipality=place, sha256="a" * 64, name="projekt.csv", size=1)
        funder = Funder.objects.create(municipality=place, name="Stiftelsen Sjöstad")
        programme = Programme.objects.create(municipality=place, name="Sjöstads program", funder=funder)
        successor = factories.person(place)
        factories.assignment(successor, Role.READER, place)
        assignment = factories.assignment(person, Role.PROJECT_MANAGER, place, unit)
        project = factories.project(
            place,
            owner_unit=unit,
            funder=funder,
            programme=programme,
            project_manager=person,
            state=State.IDEA,
        )
        document = Document.objects.create(
            municipality=place, file=file, kind="decision", title="Beslut", added_by=person
        )
        group = ProjectGroup.objects.create(municipality=place, project=project, kind="steering")
        batch = ImportBatch.objects.create(municipality=place, kind="projects", file=file, uploaded_by=person)
        rows: list[models.Model] = [
            place,
            MunicipalityMember.objects.create(municipality=place, member=other),
            Population.objects.create(municipality=place, year=2025, inhabitants=1000),
            unit,
            UnitName.objects.create(municipality=place, unit=unit, name="Socialkontoret", kind="former"),
            factories.serves(unit, board),
            person,
            Account.objects.create_user(person.email, person),
            assignment,
            file,
            batch,
            RememberedWord.objects.create(
                municipality=place,
                kind="projects",
                column="role",
                word="gemensam satsning",
                meaning="partner",
            ),
            Message.objects.create(municipality=place, recipient=person.email, subject="Hej", body="Text"),
            funder,
            programme,
            project,
            ProjectUnit.objects.create(municipality=place, project=project, unit=unit),
            ProjectParty.objects.create(municipality=place, project=project, name=f"Part {number}"),
            ProjectShare.objects.create(owner_municipality=place, municipality=other, project=project),
            ImportedProject.objects.create(
                municipality=place, batch=batch, project=project, line=2, action="new", version_after=1
            ),
            MailDomain.objects.create(municipality=place, domain=f"kommun{number}.example"),
            document,
            Reading.objects.create(municipality=place, person=person, kind="document", document=document),
            SavedView.objects.create(municipality=place, person=person, listing="projects", name="Mina"),
            Handover.objects.create(
                municipality=place,
                person=person,
                receiver=successor,
                on=factories.TODAY,
                reason="Slutar",
                ordered_by=person,
            ),
            ProjectDocument.objects.create(municipality=place, project=project, document=document),
            group,
            GroupMember.objects.create(municipality=place, group=group, unit=unit),
            GroupMeeting.objects.create(municipality=place, group=group, held_on=factories.TODAY),
            ProjectGate.objects.create(
                municipality=place,
                project=project,
                kind="anchoring",
                done_on=factories.TODAY,
                done_by=person,
                evidence="Ledningsgruppen § 3",
            ),
            EffectFollowUp.objects.create(municipality=place, project=project, due_on=factories.TODAY),
            ReportLink.objects.create(municipality=place, address=person.email),
            ReportedProject.objects.create(
                municipality=place,
                title="Skolutbyte",
                unit=unit,
                reported_by=person,
                state="joined",
                project=project,
                settled_by=person,
                settled_at=NOON,
            ),
            ProjectNumber.objects.create(
                municipality=place,
                code="7714",
                name="Tryggare",
                external="yes",
                project=project,
                answered_by=person,
                answered_at=NOON,
            ),
            GrantListProfile.objects.create(municipality=place, name="Stiftelsens lista"),
            ListedGrant.objects.create(
                municipality=place,
                batch=batch,
                source="Stiftelsens lista",
                reference="2021-1",
                title="Hemma",
                recipient="Kommunen",
                outcome="joined",
                project=project,
                settled_by=person,
                settled_at=NOON,
            ),
        ]
        # Moves the project: last.
        rows += [
            ProjectStep.objects.create(
                municipality=place,
                project=project,
                from_state=State.IDEA,
                to_state=State.ANCHORING,
                taken_on=factories.TODAY,
                taken_by=person,
            )
        ]
    return Everything(place, {row._meta.db_table: row for row in rows}, board)
