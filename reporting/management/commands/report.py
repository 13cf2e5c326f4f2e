"""manage.py report: a report into a file, as the page gives it out."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from pages.pdf import PdfFailed
from reporting.reports import FIRST_YEAR, FORMATS, LAST_YEAR, as_file, reports
from strategy.management.acting import acting
from strategy.management.files import unwritable


class Command(BaseCommand):
    help = "Writes a report of one municipality and one year into a file: manage.py report project-list …"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=reports.names, help="which report")
        parser.add_argument("--municipality", required=True, metavar="X", help="four-digit code, or name")
        parser.add_argument("--year", required=True, type=int, metavar="YEAR")
        parser.add_argument("--format", required=True, choices=["html", *FORMATS])
        parser.add_argument("-o", "--output", required=True, metavar="FILE", help='"-" is standard output')
        parser.add_argument(
            "--as", dest="mail", metavar="MAIL", help="with the rights of the person with this work e-mail"
        )
        parser.add_argument("--json", action="store_true", help="tell what was written as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        year: int = options["year"]
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise CommandError(
                _("Give a year between %(first)d and %(last)d.") % {"first": FIRST_YEAR, "last": LAST_YEAR}
            )
        try:
            with acting(options["municipality"], options["mail"]) as reader:
                reader.require("project.export")
                built = reports[options["kind"]].build(reader, year)
                data = as_file(built, options["format"])
        except PermissionDenied as refused:
            raise CommandError(str(refused)) from refused
        except PdfFailed as failed:
            raise CommandError(_("The PDF could not be made: %(why)s") % {"why": failed}) from failed
        output: str = options["output"]
        if output == "-":
            sys.stdout.buffer.write(data)
            return
        write(Path(output), data)
        if options["json"]:
            told = {
                "file": output,
                "bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "content_sha256": built.content_hash,
                "rows": len(built.rows),
            }
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        else:
            self.stdout.write(
                _("%(title)s, %(municipality)s: %(count)d rows written to %(file)s")
                % {
                    "title": built.title,
                    "municipality": built.sender,
                    "count": len(built.rows),
                    "file": output,
                }
            )


def write(path: Path, data: bytes) -> None:
    """The whole file or nothing: what stood there stays until the new one is complete."""
    try:
        if path.exists() and not path.is_file():  # a pipe, or a folder that refuses
            path.write_bytes(data)
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).chmod(0o640)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandError(unwritable(path, error)) from error
