"""Tests run on real PostgreSQL, as the application role: as the owner they would prove nothing about the web."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from django.utils import translation


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_use_migrations: bool,
    django_db_keepdb: bool,
    django_db_createdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """One database for each worker, made by the owner; every connection after that steps down."""
    keep = django_db_keepdb and not django_db_createdb
    if name := os.environ.get("MEDEL_TEST_NAME"):  # several people testing on one server
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        connection.settings_dict["TEST"]["NAME"] = f"test_medel_{name}{worker and '_' + worker}"
    with django_db_blocker.unblock():
        stepping_down = connection.settings_dict["OPTIONS"].pop("options")
        configuration = setup_databases(verbosity=0, interactive=False, keepdb=keep, serialized_aliases=[])
        connection.settings_dict["OPTIONS"]["options"] = stepping_down
        connection.close()
    yield
    if not keep:
        with django_db_blocker.unblock():
            connection.close()
            connection.settings_dict["OPTIONS"].pop("options")
            teardown_databases(configuration, verbosity=0)


@pytest.fixture(autouse=True)
def the_language_ends_with_its_test() -> Iterator[None]:
    """A request in English leaves its language to whatever the thread does next."""
    yield
    translation.deactivate()


@pytest.fixture(scope="module")
def own_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A copy of the test database where transactions really commit; it is thrown away after the module.

    Emptying tables between tests is no way: tables with history refuse it, and no back door is left open.
    """
    with django_db_blocker.unblock():
        connection.close()
        before = connection.settings_dict["NAME"]
        name = f"{before}_own"
        try:
            with psycopg.connect(settings.DATABASE_OWNER_URL, dbname="postgres", autocommit=True) as owner:
                owner.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
                owner.execute(f'CREATE DATABASE "{name}" TEMPLATE "{before}"')
            connection.settings_dict["NAME"] = name
            yield name
        finally:
            connection.close()
            connection.settings_dict["NAME"] = before
            with psycopg.connect(settings.DATABASE_OWNER_URL, dbname="postgres", autocommit=True) as owner:
                owner.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
