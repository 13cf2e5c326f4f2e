"""Takes the accounts' list of project codes in from the command line, with a person's rights."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from pages.files import ChooseSheet, TableRefused
from pages.imports import COUNTED, OUTCOMES, NotReady, Preview
from projects import code_lists
from strategy.management.acting import acting
from strategy.management.files import unreadable
from strategy.permissions import Reader
from values.text import fold

USAGE = 2


class Command(BaseCommand):
    help = (
        "Shows what a list of project codes (CSV or XLSX) would do, and with --confirm takes it in. "
        "Exit status: 0 done, 1 refused (nothing is written), 2 wrong use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the list of codes")
        parser.add_argument("--municipality", required=True, help="four-digit code or name")
        parser.add_argument(
            "--as", dest="mail", required=True, help="work e-mail of the person who takes it in"
        )
        parser.add_argument("--source", default="", help="whose accounts; empty for the municipality's own")
        parser.add_argument("--sheet", help="the sheet of a workbook")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="HEADING=FIELD",
            help="what a column holds, as 'Projdim=code' (code, name, ansvar, opened, closed); may be repeated",
        )
        parser.add_argument(
            "--leave-out-refused", action="store_true", help="take in the rest where rows are refused"
        )
        parser.add_argument(
            "--confirm", action="store_true", help="write; without it the preview is shown alone"
        )
        parser.add_argument("--json", action="store_true", help="tell it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            if path.stat().st_size > settings.REGISTER_FILE_LIMIT:
                raise CommandError(
                    _("The file is larger than %(limit)d MB, the most that is taken.")
                    % {"limit": settings.REGISTER_FILE_LIMIT // (1024 * 1024)}
                )
            data = path.read_bytes()
        except OSError as error:
            raise CommandError(unreadable(path, error), returncode=USAGE) from None
        columns = _columns(options["column"])
        with acting(options["municipality"], options["mail"]) as reader:
            try:
                reader.require("code_list.take")
                told = self._take(reader, path.name, data, columns, options)
            except PermissionDenied as refused:
                raise CommandError(str(refused)) from None
            except ChooseSheet as several:
                raise CommandError(f"{several.message} (--sheet)", returncode=USAGE) from None
            except TableRefused as refused:
                problems = [problem.message for problem in refused.problems]
                if options["json"]:
                    self.stdout.write(_json({"problems": problems, "confirmed": False}))
                raise CommandError("\n".join([*problems, _("Nothing was written.")]), returncode=1) from None
            except NotReady as refused:
                if options["json"]:
                    self.stdout.write(_json(refused.preview.as_data() | {"confirmed": False}))
                said = "\n".join([*(one.text for one in refused.preview.troubles), refused.message])
                raise CommandError(f"{said}\n{_('Nothing was written.')}", returncode=1) from None
        self.stdout.write(told)

    def _take(
        self, reader: Reader, name: str, data: bytes, columns: dict[str, str], options: dict[str, Any]
    ) -> str:
        preview = code_lists.judged(reader, data, options["source"], columns, options["sheet"])
        if preview.troubles and not options["leave_out_refused"]:
            raise NotReady(
                _("Correct the refused rows in the list, or leave them out with --leave-out-refused."),
                preview,
            )
        done: dict[str, Any] = {"confirmed": False}
        if options["confirm"] and preview.writes_something:
            batch = code_lists.upload(
                reader, name, data, source=options["source"], sheet=options["sheet"], columns=columns
            )
            preview = code_lists.confirm(
                reader,
                batch,
                seen=preview.fingerprint,
                at=timezone.now(),
                leave_out_refused=options["leave_out_refused"],
            )
            done = {"confirmed": True, "import": batch.pk}
        if options["json"]:
            return _json(preview.as_data() | done)
        lines = [_counts(preview), *preview.notes, *(one.text for one in preview.troubles)]
        if done["confirmed"]:
            lines.append(_("Taken in as import %(number)d.") % {"number": done["import"]})
        elif preview.writes_something:
            lines.append(_("Nothing is written yet: give --confirm to take it in."))
        else:
            lines.append(_("Nothing in the list differs from what is known."))
        return "\n".join(lines)


def _columns(given: list[str]) -> dict[str, str]:
    fields = {column.name for column in code_lists.COLUMNS}
    columns = {}
    for text in given:
        heading, _equals, field = text.rpartition("=")
        if not heading.strip() or fold(field) not in fields:
            raise CommandError(
                _("--column %(text)s: write it as HEADING=FIELD, with one of these fields: %(fields)s.")
                % {"text": text, "fields": ", ".join(sorted(fields))},
                returncode=USAGE,
            )
        columns[heading] = fold(field)
    return columns


def _counts(preview: Preview) -> str:
    return ", ".join(f"{OUTCOMES[one]}: {preview.counts[one]}" for one in COUNTED if one.value != "asked")


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2)
