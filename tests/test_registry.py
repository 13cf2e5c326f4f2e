"""The register of projects: what its functions do, and what they refuse."""

import pytest

from projects.models import Project, ProjectParty, ProjectRole
from projects.registry import change_project, register_project
from strategy import history
from strategy.models import Role
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_project_is_registered_changed_and_told_in_its_history():
    place = factories.municipality()
    with scope(place.pk):
        unit = factories.unit(place)
        who = factories.person(place, "Kontaktperson Socialförvaltningen")
        reader = factories.reader(place, Role.CONTACT_PERSON, unit, who=who)
        with history.context(person=who.pk, municipality=place.pk, page="/projekt/nytt/"):
            project = register_project(
                reader,
                Project(title="Trygg hemma", owner_unit=unit),
                parties=[ProjectParty(name="Nässjö kommun")],
            )
        with history.context(person=who.pk, municipality=place.pk, page="/projekt/1/andra/"):
            project.role = ProjectRole.PARTNER
            change_project(reader, project, reason="Avtalet säger partner", parties=[])
        told = history.acts(project)
        assert [(act.who, act.page, act.reason, act.kind) for act in told] == [
            ("Kontaktperson Socialförvaltningen", "/projekt/1/andra/", "Avtalet säger partner", "changed"),
            ("Kontaktperson Socialförvaltningen", "/projekt/nytt/", "", "created"),
        ]
        assert [(d.part, d.label, d.before, d.after) for d in told[0].differences] == [
            ("", "Vår roll", "", "Partner"),
            ("part", "", "Nässjö kommun", ""),
        ]
        assert project.register_id == "P-2026-1"
        assert project.version == 2
