"""A database of the measurements' own, on whatever server Medel uses; made by the owner and dropped afterwards.

Imports nothing of Django before the environment names that database.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config import environment, server

BASE = Path(__file__).resolve().parent.parent
NAME = "medel_bench"


@contextmanager
def own_database(*, keep: bool, again: bool = False) -> Iterator[None]:
    """The environment names the database and a folder for files until the block ends.

    An empty database is made anew; with `keep` it is left standing, to be looked at with psql or measured
    `again`, which takes it as it stands and leaves it so.
    """
    given = environment.secret("DATABASE_URL", "")
    with nullcontext() if given else server.in_use(BASE):
        if given:
            web, owner = given, environment.secret("DATABASE_OWNER_URL", given)
        else:
            found = server.addresses(BASE)
            if found is None:
                raise SystemExit("There is no database yet: run make setup first.")
            web, owner = found
        if not again:
            _as_owner(owner, "DROP DATABASE IF EXISTS {} WITH (FORCE)")
            _as_owner(owner, "CREATE DATABASE {}")
        try:
            with TemporaryDirectory(prefix="medel-bench-") as files:
                Path(files, "static").mkdir()
                os.environ.update(
                    DATABASE_URL=_address(web, NAME),
                    DATABASE_OWNER_URL=_address(owner, NAME),
                    DJANGO_SETTINGS_MODULE="config.settings",
                    MEDEL_LOCAL="1",
                    MEDEL_SECRET_KEY="of the measurements alone " * 3,
                    MEDEL_VAR=files,
                )
                for other in ("DATABASE_URL_FILE", "DATABASE_OWNER_URL_FILE", "MEDEL_SECRET_KEY_FILE"):
                    os.environ.pop(other, None)
                yield
        finally:
            if not (keep or again):
                _as_owner(owner, "DROP DATABASE IF EXISTS {} WITH (FORCE)")


def _as_owner(owner: str, statement: str) -> None:
    with psycopg.connect(_address(owner, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(NAME)))


def _address(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
