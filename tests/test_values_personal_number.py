"""One rule for what looks like a personal identity number, in Python and in the database."""

import pytest
from django.db import IntegrityError, connection, transaction

from projects.models import Project
from strategy.models import Person
from strategy.walls import scope
from tests import factories
from values.personal_number import PATTERN, holds_personal_number

CASES = [
    ("811218-9876", True),
    ("811218+9876", True),
    ("19811218-9876", True),
    ("198112189876", True),
    ("19811218 9876", True),
    ("Rektorn 811278-9876 sade det", True),  # a coordination number
    ("Region Jönköpings län, 232100-0057", False),
    ("212000-0530", False),
    ("8112189876", False),  # could be a telephone number
    ("1811218-98765", False),
    ("811318-9876", False),
    ("P-2026-17", False),
    ("", False),
]


@pytest.mark.parametrize(("text", "holds"), CASES)
def test_what_looks_like_one(text, holds):
    assert holds_personal_number(text) is holds


@pytest.mark.django_db
def test_the_database_reads_the_rule_as_python_does():
    with connection.cursor() as cursor:
        for text, holds in CASES:
            cursor.execute("SELECT %s ~ %s", [text, PATTERN])
            assert (text, cursor.fetchone()[0]) == (text, holds)


@pytest.mark.django_db
def test_an_organisation_number_is_taken_and_a_personal_one_is_not():
    place = factories.municipality()
    with scope(place.pk):
        project, person = factories.project(place), factories.person(place)
        Project.objects.filter(pk=project.pk).update(initiated_by="Region Jönköpings län, 232100-0057")
        Person.objects.filter(pk=person.pk).update(title="Ombud för 232100-0057")
        for row, field in ((project, "initiated_by"), (person, "title")):
            with pytest.raises(IntegrityError), transaction.atomic():
                type(row).objects.filter(pk=row.pk).update(**{field: "811218-9876"})
