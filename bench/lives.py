"""What happens to the measured projects: their way in steps and gates, groups, documents, and what comes after.

Where the numbers come from: what a municipality that has used the register for some years would have. One
project in four has taken its steps in the register and was not imported; a project has a steering and a
working group when it runs; every document is a row whose file need not be on the disk, since nobody opens one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from django.utils import timezone

from bench import words
from projects.models import (
    EffectFollowUp,
    External,
    GateKind,
    GroupKind,
    GroupMeeting,
    GroupMember,
    ListedGrant,
    Outcome,
    Project,
    ProjectDocument,
    ProjectGate,
    ProjectGroup,
    ProjectNumber,
    ProjectStep,
    ReportedProject,
    ReportState,
    State,
)
from projects.public_lists.taking import KIND as GRANTS
from strategy.models import (
    BatchState,
    Document,
    DocumentKind,
    ImportBatch,
    Municipality,
    Person,
    Reading,
    ReadingKind,
    Retention,
    StoredFile,
    Unit,
)

# The way of a project whose steps were taken here, as far as each has come.
_WAY = (
    State.IDEA,
    State.DECIDED_TO_APPLY,
    State.APPLIED,
    State.GRANTED,
    State.ONGOING,
    State.FINAL_REPORTED,
    State.ENDED,
)
_WAYS: tuple[tuple[tuple[State, ...], int], ...] = (
    (_WAY[:2], 8),
    (_WAY[:3], 10),
    (_WAY[:4], 8),
    (_WAY[:5], 40),
    (_WAY[:6], 8),
    (_WAY, 20),
    ((*_WAY[:3], State.REJECTED), 6),
)
_GATES: dict[State, tuple[GateKind, ...]] = {
    State.DECIDED_TO_APPLY: (GateKind.ANCHORING, GateKind.SUITABILITY, GateKind.BUDGET),
    State.ONGOING: (GateKind.ORGANISATION,),
    State.FINAL_REPORTED: (GateKind.IMPLEMENTATION,),
    State.ENDED: (GateKind.FOLLOW_UP,),
}
_KINDS = (
    *((DocumentKind.APPLICATION, "Ansökan"), (DocumentKind.DECISION, "Beslut om stöd")),
    *((DocumentKind.PLAN, "Projektplan"), (DocumentKind.BUDGET, "Budget"), (DocumentKind.CLAIM, "Rekvisition")),
    *((DocumentKind.PROGRESS_REPORT, "Lägesrapport"), (DocumentKind.CERTIFICATE, "Medfinansieringsintyg")),
    *((DocumentKind.MINUTES, "Minnesanteckningar"), (DocumentKind.FINAL_REPORT, "Slutrapport")),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What a municipality's rows are made from."""

    municipality: Municipality
    units: Sequence[Unit]
    people: Sequence[Person]
    chance: Random
    today: date


def live(place: Place, projects: Sequence[Project], ideas: Sequence[Project]) -> None:
    """Steps, gates, groups, documents and follow-ups of saved projects; `ideas` have taken no step yet."""
    chance = place.chance
    own = {one.pk for one in ideas}
    _steps(place, ideas)
    documented = [one for one in projects if one.pk in own or chance.random() < 0.2]
    _documents(place, documented)
    _groups(place, [one for one in projects if one.pk in own or chance.random() < 0.1])
    EffectFollowUp.objects.bulk_create(
        (
            EffectFollowUp(municipality=place.municipality, project=one, due_on=due, **_done(place, due))
            for one in projects
            if one.ends_on and one.ends_on < place.today and chance.random() < 0.2
            for due in (one.ends_on + timedelta(days=365 * year) for year in (1, 2))
        ),
        batch_size=2000,
    )


def _done(place: Place, due: date) -> dict[str, Any]:
    if due > place.today or place.chance.random() < 0.3:
        return {}
    return {
        "done_on": due,
        "done_by": place.chance.choice(place.people),
        "outcome": words.text(place.chance, 2),
    }


def _steps(place: Place, projects: Sequence[Project]) -> None:
    """Each project's way, one step of all projects at a time: a step starts where the one before ended."""
    chance, today = place.chance, place.today
    ways = {one.pk: chance.choices(*zip(*_WAYS, strict=True))[0] for one in projects}
    begun = {one.pk: today - timedelta(days=chance.randint(60, 2500)) for one in projects}
    gates: list[ProjectGate] = []
    waves: list[list[ProjectStep]] = [[] for _one in _WAY]
    for project in projects:
        person = chance.choice(place.people)
        way, day = ways[project.pk], begun[project.pk]
        for number, (from_state, to_state) in enumerate(pairwise(way)):
            day = min(day + timedelta(days=chance.randint(5, 200)), today)
            gates += [
                ProjectGate(
                    municipality=place.municipality,
                    project=project,
                    kind=gate,
                    done_on=day,
                    done_by=person,
                    evidence=f"Ledningsgruppen § {chance.randint(1, 99)}",
                )
                for gate in _GATES.get(to_state, ())
            ]
            waves[number].append(
                ProjectStep(
                    municipality=place.municipality,
                    project=project,
                    from_state=from_state,
                    to_state=to_state,
                    taken_on=day,
                    taken_by=person,
                    gates=list(_GATES.get(to_state, ())),
                )
            )
    ProjectGate.objects.bulk_create(gates, batch_size=2000)
    for wave in waves:
        ProjectStep.objects.bulk_create(wave, batch_size=2000)


def _documents(place: Place, projects: Iterable[Project]) -> None:
    chance = place.chance
    wanted = [
        (project, kind, name)
        for project in projects
        for kind, name in chance.sample(_KINDS, chance.randint(1, 6))
    ]
    files = StoredFile.objects.bulk_create(
        (
            StoredFile(
                municipality=place.municipality,
                sha256=f"{chance.getrandbits(256):064x}",
                name=f"{name.lower().replace(' ', '-')}.pdf",
                size=chance.randint(20_000, 4_000_000),
                content_type="application/pdf",
            )
            for _project, _kind, name in wanted
        ),
        batch_size=2000,
    )
    documents = Document.objects.bulk_create(
        (
            Document(
                municipality=place.municipality,
                file=file,
                kind=kind,
                title=f"{name} {project.title}"[:200],
                dnr=f"KS {chance.randint(2012, 2026)}/{chance.randint(1, 900)}"
                if chance.random() < 0.5
                else "",
                dated_on=place.today - timedelta(days=chance.randint(0, 3000)),
                **({"is_secret": True, "legal_ground": "OSL 26 kap. 1 §"} if chance.random() < 0.02 else {}),
                retention=Retention.PRESERVED if chance.random() < 0.5 else "",
                added_by=chance.choice(place.people),
            )
            for file, (project, kind, name) in zip(files, wanted, strict=True)
        ),
        batch_size=2000,
    )
    ProjectDocument.objects.bulk_create(
        (
            ProjectDocument(municipality=place.municipality, project=project, document=document)
            for document, (project, _kind, _name) in zip(documents, wanted, strict=True)
        ),
        batch_size=2000,
    )
    Reading.objects.bulk_create(
        (
            Reading(
                municipality=place.municipality,
                person=chance.choice(place.people),
                kind=ReadingKind.SECRET_DOCUMENT if document.is_secret else ReadingKind.DOCUMENT,
                document=document,
                what=document.title,
            )
            for document in documents
            if chance.random() < 0.3
        ),
        batch_size=2000,
    )


def _groups(place: Place, projects: Iterable[Project]) -> None:
    chance = place.chance
    groups = ProjectGroup.objects.bulk_create(
        (
            ProjectGroup(municipality=place.municipality, project=project, kind=kind)
            for project in projects
            for kind in chance.sample((GroupKind.STEERING, GroupKind.WORKING, GroupKind.REFERENCE), 2)
        ),
        batch_size=2000,
    )
    GroupMember.objects.bulk_create(
        (_member(place, group) for group in groups for _one in range(chance.randint(3, 7))), batch_size=2000
    )
    GroupMeeting.objects.bulk_create(
        (
            GroupMeeting(
                municipality=place.municipality,
                group=group,
                held_on=place.today - timedelta(days=30 * month + chance.randint(0, 20)),
                subject="Lägesrapport och ekonomi",
            )
            for group in groups
            for month in range(chance.randint(1, 5))
        ),
        batch_size=2000,
    )


def _member(place: Place, group: ProjectGroup) -> GroupMember:
    chance = place.chance
    if chance.random() < 0.3:
        return GroupMember(
            municipality=place.municipality,
            group=group,
            organisation=f"{chance.choice(words.FIRST)} {chance.choice(words.SECOND)} AB",
            function="ledamot",
        )
    return GroupMember(
        municipality=place.municipality,
        group=group,
        person=chance.choice(place.people) if chance.random() < 0.8 else None,
        unit=chance.choice(place.units),
        function="ledamot",
    )


def report_in(place: Place, count: int, projects: Sequence[Project]) -> None:
    """Reports by anybody: a third wait, most are registered. Alike the registered projects, as they are."""
    chance = place.chance
    now = timezone.now()
    rows = []
    for number in range(count):
        project = chance.choice(projects)
        waits = number % 3 == 0
        rows.append(
            ReportedProject(
                municipality=place.municipality,
                title=project.title if chance.random() < 0.5 else words.title(chance, number),
                funder=project.funder.name if project.funder else "Länsstyrelsen",
                amount=chance.randint(1, 90) * 10_000,
                amount_approximate=True,
                starts_on=project.starts_on,
                ends_on=project.ends_on,
                unit=chance.choice(place.units),
                reported_by=chance.choice(place.people),
                **(
                    {}
                    if waits
                    else {
                        "state": ReportState.REGISTERED,
                        "project": project,
                        "settled_by": chance.choice(place.people),
                        "settled_at": now,
                    }
                ),
            )
        )
    ReportedProject.objects.bulk_create(rows, batch_size=1000)


def list_codes(place: Place, count: int, projects: Sequence[Project]) -> None:
    """The accounts' codes, half of them gone through; those of the projects with a number among them."""
    chance = place.chance
    now = timezone.now()
    by_number = {one.project_number: one for one in projects if one.project_number}
    numbers = list(by_number)[: count // 2]
    numbers += [f"X{one:05}" for one in range(count - len(numbers))]
    ProjectNumber.objects.bulk_create(
        (
            ProjectNumber(
                municipality=place.municipality,
                code=code,
                name=by_number[code].title if code in by_number else words.title(chance, at),
                ansvar_code=str(chance.randint(1000, 9999)),
                **_answer(place, by_number.get(code), now),
            )
            for at, code in enumerate(numbers)
        ),
        batch_size=1000,
    )


def _answer(place: Place, project: Project | None, now: Any) -> dict[str, Any]:
    chance = place.chance
    if chance.random() < 0.5:
        return {}
    told = {"answered_by": chance.choice(place.people), "answered_at": now}
    if project is not None:
        return {**told, "external": External.YES, "project": project}
    return {**told, "external": External.NO}


def list_grants(place: Place, count: int, projects: Sequence[Project]) -> None:
    """What a funder's public list names: most of it known, one in three waiting."""
    chance = place.chance
    file = StoredFile.objects.create(
        municipality=place.municipality,
        sha256=f"{chance.getrandbits(256):064x}",
        name="lista.csv",
        size=900_000,
    )
    now = timezone.now()
    batch = ImportBatch.objects.create(
        municipality=place.municipality,
        kind=GRANTS,
        file=file,
        uploaded_by=place.people[0],
        state=BatchState.CONFIRMED,
        confirmed_at=now,
    )
    rows = []
    for number in range(count):
        project = chance.choice(projects)
        settled = {
            "outcome": Outcome.JOINED,
            "project": project,
            "settled_by": place.people[0],
            "settled_at": now,
        }
        rows.append(
            ListedGrant(
                municipality=place.municipality,
                batch=batch,
                source="Projektbanken",
                reference=f"2021/{number:05}",
                title=project.title,
                funder=project.funder.name if project.funder else "",
                recipient=place.municipality.name,
                amount=chance.randint(1, 400) * 10_000,
                starts_on=project.starts_on,
                ends_on=project.ends_on,
                matched_by="name",
                **(settled if number % 3 else {}),
            )
        )
    ListedGrant.objects.bulk_create(rows, batch_size=1000)
