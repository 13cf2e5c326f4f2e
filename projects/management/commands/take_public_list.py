"""Takes a funder's public list in from the command line, with a person's rights; for lists of any length."""

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
from pages.imports import COUNTED, OUTCOMES, NotReady
from projects.public_lists import taking
from strategy.management.acting import acting
from strategy.management.files import unreadable
from strategy.permissions import Reader

USAGE = 2


class Command(BaseCommand):
    help = (
        "Finds the grants to a municipality in a list that a funder publishes (CSV, XLSX, JSON or zip), and with "
        "--confirm takes them in. Exit status: 0 done, 1 refused (nothing is written), 2 wrong use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the list as it is published")
        parser.add_argument("second", type=Path, nargs="?", help="its second table (CORDIS: project.csv)")
        parser.add_argument("--municipality", required=True, help="four-digit code or name")
        parser.add_argument(
            "--as", dest="mail", required=True, help="work e-mail of the person who takes it in"
        )
        parser.add_argument("--profile", default="", help="whose list it is; else found out by its headings")
        parser.add_argument("--sheet", help="the sheet of a workbook")
        parser.add_argument(
            "--confirm", action="store_true", help="write; without it what is found is shown alone"
        )
        parser.add_argument("--json", action="store_true", help="tell it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.told = False
        try:
            self._handle(options)
        except CommandError as refused:
            # One object and nothing else, whatever happens, for what reads it.
            if options["json"] and not self.told:
                self.stdout.write(_json({"error": str(refused), "confirmed": False}))
            raise

    def _handle(self, options: dict[str, Any]) -> None:
        files = [path for path in (options["file"], options["second"]) if path is not None]
        for path in files:
            try:
                with path.open("rb"):
                    pass
            except OSError as error:
                raise CommandError(unreadable(path, error), returncode=USAGE) from None
        with acting(options["municipality"], options["mail"]) as reader:
            try:
                reader.require("grant_list.take")
                if options["profile"] and options["profile"] not in taking.profiles_of(reader):
                    raise CommandError(
                        _("There is no list “%(name)s”. Give one of these: %(known)s.")
                        % {"name": options["profile"], "known": ", ".join(taking.profiles_of(reader))},
                        returncode=USAGE,
                    )
                told = self._take(reader, files, options)
            except PermissionDenied as refused:
                raise CommandError(str(refused)) from None
            except ChooseSheet as several:
                raise CommandError(f"{several.message} (--sheet)", returncode=USAGE) from None
            except TableRefused as refused:
                # Raised out of the transaction, so that nothing at all is written.
                problems = [problem.message for problem in refused.problems]
                if options["json"]:
                    self.told = True
                    self.stdout.write(_json({"problems": problems, "confirmed": False}))
                raise CommandError("\n".join([*problems, _("Nothing was written.")]), returncode=1) from None
            except NotReady as refused:
                raise CommandError(refused.message, returncode=1) from None
        self.stdout.write(_json(told) if options["json"] else _as_text(told))

    def _take(self, reader: Reader, files: list[Path], options: dict[str, Any]) -> dict[str, Any]:
        package = taking.Package.of(files[0].name, files[0], *((path.name, path) for path in files[1:]))
        given = {"profile": options["profile"], "sheet": options["sheet"]}
        small = files[0].stat().st_size <= settings.REGISTER_FILE_LIMIT
        if len(files) == 1 and small and package.size <= taking.MOST_UNPACKED_AT_ONCE:
            batch = taking.upload(
                reader, files[0].name, files[0].read_bytes(), **given, keep=options["confirm"]
            )
        else:
            batch = taking.keep_extract(reader, files[0].name, package, **given, keep=options["confirm"])
        if "grants" not in batch.answers:
            raise taking.no_profile(reader, package, sheet=options["sheet"])
        judge, preview = taking.preview_of(reader, batch)
        told: dict[str, Any] = {
            "profile": judge.source,
            "read": judge.read,
            "counts": preview.counts,
            "unknown": len(judge.unknown),
            "perhaps": sorted({one["recipient"] for one in batch.answers["perhaps"]}),
            "notes": list(preview.notes),
            "grants": [
                {
                    "reference": plan.grant.reference,
                    "title": plan.grant.title,
                    "recipient": plan.grant.recipient,
                    "new": plan.is_new,
                    "candidates": [one.register_id for one in plan.candidates],
                }
                for plan in judge.plans
            ],
            "confirmed": False,
        }
        if options["confirm"]:
            taking.confirm(reader, batch, seen=preview.fingerprint, at=timezone.now())
            told |= {"confirmed": True, "import": batch.pk}
        return told


def _as_text(told: dict[str, Any]) -> str:
    lines = [
        f"{told['profile']}: {told['read']}",
        ", ".join(
            f"{OUTCOMES[one]}: {told['counts'][one]}"
            for one in COUNTED
            if one.value not in ("asked", "refused")
        ),
        _("Not known to the register: %(count)d") % {"count": told["unknown"]},
        *told["notes"],
    ]
    for grant in told["grants"]:
        known = ", ".join(grant["candidates"]) or _("not known")
        lines.append(f"{grant['reference']} {grant['title']} ({grant['recipient']}) → {known}")
    if told["perhaps"]:
        lines.append(_("Perhaps ours, and left out: %(names)s") % {"names": ", ".join(told["perhaps"])})
    lines.append(
        _("Taken in as import %(number)d.") % {"number": told["import"]}
        if told["confirmed"]
        else _("Nothing is written yet: give --confirm to take it in.")
    )
    return "\n".join(lines)


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2)
