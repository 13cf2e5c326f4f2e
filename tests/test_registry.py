"""The register of projects: what its functions do, and what they refuse."""

import pytest
from django.core.exceptions import PermissionDenied

from projects.models import Project, ProjectParty, ProjectRole, ProjectShare
from projects.registry import (
    OwnerUnitMissing,
    change_project,
    change_share,
    register_project,
    share_project,
)
from strategy import history
from strategy.models import Role
from strategy.permissions import REASONS, UNIT
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


def test_naming_oneself_project_manager_is_no_right_to_register_for_another_unit():
    place = factories.municipality()
    with scope(place.pk):
        own, other = factories.unit(place), factories.unit(place, "Tekniska förvaltningen")
        reader = factories.reader(place, Role.CONTACT_PERSON, own)
        with pytest.raises(PermissionDenied):
            register_project(reader, Project(title="Bro", owner_unit=other, project_manager=reader.person))
        with pytest.raises(OwnerUnitMissing):
            register_project(reader, Project(title="Bro", project_manager=reader.person))
        assert not Project.objects.exists()


def test_a_project_is_moved_only_to_a_unit_that_one_registers_for():
    place = factories.municipality()
    with scope(place.pk):
        own, other = factories.unit(place), factories.unit(place, "Tekniska förvaltningen")
        reader = factories.reader(place, Role.CONTACT_PERSON, own)
        project = factories.project(place, owner_unit=own)
        project.owner_unit = other
        with pytest.raises(PermissionDenied):
            change_project(reader, project, reason="Bort")
        assert Project.objects.get().owner_unit == own
        change_project(factories.reader(place, Role.STRATEGIST), project, reason="Rätt förvaltning")
        assert Project.objects.get().owner_unit == other


def test_a_municipalitys_part_is_moved_only_to_a_unit_that_one_registers_for():
    owner, place = factories.municipality("Ägande kommun"), factories.municipality("Delande kommun")
    with scope(owner.pk):
        project = factories.project(owner)
    with scope(place.pk):
        own, other = factories.unit(place), factories.unit(place, "Tekniska förvaltningen")
        reader = factories.reader(place, Role.CONTACT_PERSON, own)
    with scope(owner.pk):
        share_project(factories.reader(owner, Role.STRATEGIST), project, place)
    with scope(place.pk):
        share = ProjectShare.objects.get()
        share.unit = own
        change_share(factories.reader(place, Role.STRATEGIST), share, reason="Vår enhet")
        share.unit = other
        with pytest.raises(PermissionDenied):
            change_share(reader, share, reason="Bort")
        assert ProjectShare.objects.get().unit == own


def test_a_project_that_no_unit_answers_for_is_refused_with_whom_to_ask():
    place = factories.municipality()
    with scope(place.pk):
        reader = factories.reader(place, Role.CONTACT_PERSON, factories.unit(place))
        nobodys = factories.project(place)
        others = factories.project(place, owner_unit=factories.unit(place, "Tekniska förvaltningen"))
        assert reader.can("project.change", nobodys).reason == (
            "Ingen enhet ansvarar för det här än. Fråga den internationella strategen."
        )
        assert reader.can("project.change", others).reason == str(REASONS[UNIT])
