"""One row of every kind in a municipality, for the tests that go through all tables."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db import models

from projects.models import (
    Funder,
    ImportedProject,
    Programme,
    ProjectParty,
    ProjectShare,
    ProjectUnit,
)
from strategy.models import (
    Account,
    ImportBatch,
    Message,
    Municipality,
    MunicipalityMember,
    Population,
    RememberedWord,
    Role,
    StoredFile,
    UnitKind,
    UnitName,
)
from strategy.walls import scope
from tests import factories

_numbers = count(1)


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
        assignment = factories.assignment(person, Role.PROJECT_MANAGER, place, unit)
        project = factories.project(
            place, owner_unit=unit, funder=funder, programme=programme, project_manager=person
        )
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
        ]
    return Everything(place, {row._meta.db_table: row for row in rows}, board)
