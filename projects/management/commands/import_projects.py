"""Takes a file of projects into the register from the command line, with a person's rights.

For a schedule: `--confirm --json` writes one JSON object and nothing else to standard output, whatever
happens, and the same file twice changes nothing.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from pages.files import ChooseSheet, TableRefused
from pages.forms import constraint_message
from pages.imports import COUNTED, OUTCOMES, NotReady, Outcome, Preview
from pages.lists import FORMATS
from projects import exchange
from projects.exchange.judge import AS_THEY_STAND, KEEP, TAKE, WITH_ZEROS
from strategy.management.acting import acting
from strategy.management.files import unreadable, unwritable
from strategy.permissions import Reader
from values.text import fold, squeeze

REFUSED, USAGE = 1, 2


class Command(BaseCommand):
    help = (
        "Shows what a file of projects (XLSX or CSV) would do to the register of a municipality, and with "
        "--confirm takes it in. Exit status: 0 taken in, or nothing differs; 1 questions without answer, refused "
        "rows or no permission, and nothing is written; 2 wrong use, and nothing is written. With --json the "
        "status stands in the object too, beside its result: taken_in, unchanged, preview, refused or wrong_use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="the XLSX or CSV file")
        parser.add_argument("--municipality", required=True, help="four-digit code or name")
        parser.add_argument("--as", dest="mail", help="work e-mail of the person who takes it in")
        parser.add_argument(
            "--template",
            type=Path,
            metavar="FILE",
            help="write a workbook to fill in, with the municipality's lists, and take nothing in",
        )
        parser.add_argument("--sheet", help="the sheet of the workbook, where several hold a table")
        parser.add_argument("--year", type=int, help="the year that the rows concern")
        parser.add_argument(
            "--word",
            action="append",
            default=[],
            metavar="WORD=MEANING",
            help="what a word or text in the file means, as 'gemensam satsning=partner'; may be repeated",
        )
        parser.add_argument(
            "--match",
            action="append",
            default=[],
            metavar="LINE=ID",
            help="which project a line speaks of where there are several, as 7=P-2026-3 or 7=new",
        )
        amounts = parser.add_mutually_exclusive_group()
        amounts.add_argument(
            "--approximate",
            dest="approximate",
            action="store_const",
            const=True,
            help="the amounts are approximate",
        )
        amounts.add_argument(
            "--exact", dest="approximate", action="store_const", const=False, help="the amounts are exact"
        )
        parser.add_argument(
            "--corrected",
            choices=(KEEP, TAKE),
            help="keep what was corrected by hand after an earlier import, or take what the file says",
        )
        parser.add_argument(
            "--zeros",
            choices=("keep", "fill"),
            help="project numbers that are numbers in the workbook: keep them as they stand, or fill them with "
            "zeros to the length of the others",
        )
        parser.add_argument(
            "--leave-out-refused", action="store_true", help="take in the rest where rows are refused"
        )
        parser.add_argument(
            "--confirm", action="store_true", help="write; without it the preview is shown alone"
        )
        parser.add_argument("--json", action="store_true", help="tell it as JSON")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        complain: Callable[[str], NoReturn] = parser.error

        def error(message: str) -> NoReturn:
            if "--json" in sys.argv:
                self._tell({"error": message}, "wrong_use", USAGE)
            complain(message)

        parser.error = error  # type: ignore[method-assign]
        return parser

    def _tell(self, told: dict[str, Any], result: str, status: int) -> None:
        self.stdout.write(
            _json(told | {"confirmed": result == "taken_in", "result": result, "status": status})
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            try:
                said = self._handle(options)
            except OperationalError:
                raise CommandError(
                    _("The database cannot be reached or broke off. Run the command again later."),
                    returncode=REFUSED,
                ) from None
        except CommandError as refused:
            if options["json"]:
                told = getattr(refused, "told", None) or {"error": str(refused)}
                status = refused.returncode
                self._tell(told, "wrong_use" if status == USAGE else "refused", status)
                # What went wrong stands in the object; standard error repeats no more than that it did.
                raise CommandError(_("Nothing was written."), returncode=status) from None
            if preview := getattr(refused, "preview", ""):
                self.stdout.write(preview)
            raise
        if said:
            self.stdout.write(said)

    def _handle(self, options: dict[str, Any]) -> str:
        if options["template"] is not None:
            return self._template(options)
        if options["file"] is None:
            raise CommandError(_("Give the file, or --template to write one to fill in."), returncode=USAGE)
        if not options["mail"]:
            raise CommandError(
                _("Give the work e-mail of the person who takes the file in, with --as."), returncode=USAGE
            )
        data = _contents(options["file"])
        if options["year"] is not None and not 1971 <= options["year"] <= 2199:
            raise CommandError(_("Give a year from 1971 to 2199."), returncode=USAGE)
        with acting(options["municipality"], options["mail"]) as reader:
            try:
                reader.require("project.import")
                return self._import(reader, data, options)
            except PermissionDenied as refused:
                raise CommandError(str(refused), returncode=REFUSED) from None
            except ChooseSheet as choice:
                told = {"problems": [choice.message], "sheets": list(choice.sheets)}
                raise _refused(told, f"{choice.message} {_('Give it with --sheet.')}") from None
            except TableRefused as refused:
                # Raised out of the transaction, so that nothing at all is written.
                problems = [problem.message for problem in refused.problems]
                raise _refused({"problems": problems}, "\n".join(problems)) from None
            except NotReady as refused:
                raise _refused(
                    refused.preview.as_data() | {"refused": refused.message},
                    refused.message,
                    preview=_as_text(refused.preview),
                ) from None
            except IntegrityError as error:
                if (message := constraint_message(error)) is None:
                    raise
                raise _refused({"refused": message}, message) from None

    def _template(self, options: dict[str, Any]) -> str:
        path: Path = options["template"]
        with acting(options["municipality"], options["mail"]) as reader:
            data = exchange.write_template(reader)
        try:
            path.write_bytes(data)
        except OSError as error:
            raise CommandError(unwritable(path, error), returncode=USAGE) from None
        if options["json"]:
            return _json({"template": str(path), "confirmed": False, "result": "template", "status": 0})
        return _("The template is written to %(file)s.") % {"file": path}

    def _import(self, reader: Reader, data: bytes, options: dict[str, Any]) -> str:
        sheet = exchange.read_projects(data, sheet=options["sheet"])
        answers: dict[str, Any] = {"year": options["year"]} if options["year"] is not None else {}
        if options["approximate"] is not None:
            answers["approximate"] = options["approximate"]
        if options["sheet"] is not None:
            answers["sheet"] = options["sheet"]
        if options["zeros"] is not None:
            answers["zeros"] = AS_THEY_STAND if options["zeros"] == "keep" else WITH_ZEROS

        def judged() -> Preview:
            return exchange.Judge(reader.municipality, sheet, answers, reader.today).preview()

        # A word may be asked about only once another is answered: hence twice.
        answers = exchange.with_answers(answers, _answered(judged(), options))
        preview = judged()
        if preview.unanswered or (preview.troubles and not options["leave_out_refused"]):
            raise NotReady(_what_stops(preview), preview)
        if not options["confirm"] or not preview.writes_something:
            if options["json"]:
                result = "preview" if preview.writes_something else "unchanged"
                return _json(preview.as_data() | {"confirmed": False, "result": result, "status": 0})
            last = (
                _("Nothing is written yet: give --confirm to take it in.")
                if preview.writes_something
                else _("Nothing in the file differs from the register.")
            )
            return f"{_as_text(preview)}\n{last}"
        batch = exchange.upload(
            reader,
            options["file"].name,
            data,
            year=options["year"],
            content_type=FORMATS["xlsx" if data.startswith(b"PK") else "csv"][1],
            sheet=options["sheet"],
        )
        batch.answers = answers
        batch.save(update_fields=["answers"])
        preview = exchange.confirm(
            reader,
            batch,
            seen=preview.fingerprint,
            at=timezone.now(),
            leave_out_refused=options["leave_out_refused"],
        )
        if options["json"]:
            done = {"confirmed": True, "import": batch.pk, "result": "taken_in", "status": 0}
            return _json(preview.as_data() | done)
        return "\n".join([_counts(preview), _("Taken in as import %(number)d.") % {"number": batch.pk}])


def _refused(told: dict[str, Any], text: str, *, preview: str = "") -> CommandError:
    error = CommandError(f"{text}\n{_('Nothing was written.')}", returncode=REFUSED)
    error.told = told  # type: ignore[attr-defined]  # For --json.
    error.preview = preview  # type: ignore[attr-defined]  # Shown, where the error is only that it stops here.
    return error


def _contents(path: Path) -> bytes:
    try:
        if path.stat().st_size > settings.REGISTER_FILE_LIMIT:
            raise CommandError(
                _(
                    "The file is larger than %(limit)d MB, the most that is taken. Divide it and import the parts."
                )
                % {"limit": settings.REGISTER_FILE_LIMIT // (1024 * 1024)}
            )
        return path.read_bytes()
    except OSError as error:
        raise CommandError(unreadable(path, error), returncode=USAGE) from None


def _pairs(given: list[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in given:
        word, equals, meaning = text.rpartition("=")
        if not equals or not word.strip() or not meaning.strip():
            raise CommandError(
                _("%(option)s %(text)s: write it as WORD=MEANING.") % {"option": option, "text": text},
                returncode=USAGE,
            )
        pairs[fold(word)] = squeeze(meaning)
    return pairs


def _answered(preview: Preview, options: dict[str, Any]) -> dict[str, str]:
    """Question key → value, from the options; a meaning may be given by its value or its label."""
    words, matches = _pairs(options["word"], "--word"), _pairs(options["match"], "--match")
    given: dict[str, str] = {}
    for question in preview.questions:
        kind, _colon, rest = question.key.partition(":")
        if kind == "word" and (word := rest.partition(":")[2]) in words:
            wanted = words.pop(word)
        elif kind == "match" and rest in matches:
            wanted = matches.pop(rest)
        elif kind == "corrected" and options["corrected"]:
            wanted = options["corrected"]
        else:
            continue
        for value, label in question.choices:
            if fold(wanted) in {
                fold(value),
                fold(label),
                fold(label.partition(" ")[0] if kind == "match" else label),
            }:
                given[question.key] = value
        if question.key not in given:
            raise CommandError(
                _(
                    "“%(wanted)s” is not an answer to the question “%(question)s”. Give one of these: %(choices)s."
                )
                % {
                    "wanted": wanted,
                    "question": question.text,
                    "choices": ", ".join(
                        value if kind == "word" else label for value, label in question.choices
                    ),
                },
                returncode=USAGE,
            )
    for left in (*words, *matches):
        raise CommandError(
            _("“%(word)s” is not asked about in this file. Check how it is spelt.") % {"word": left},
            returncode=USAGE,
        )
    return given


def _what_stops(preview: Preview) -> str:
    said = []
    kinds = {question.key.partition(":")[0] for question in preview.unanswered}
    if kinds - {"corrected", "zeros"}:
        said.append(_("Answer with --word 'WORD=MEANING', --match LINE=ID, --approximate or --exact."))
    if "corrected" in kinds:
        said.append(_("Say with --corrected keep or --corrected take what stands."))
    if "zeros" in kinds:
        said.append(_("Say with --zeros keep or --zeros fill which project numbers are right."))
    if preview.troubles:
        said.append(_("Correct the refused rows in the file, or leave them out with --leave-out-refused."))
    return " ".join(said)


def _counts(preview: Preview) -> str:
    return ", ".join(f"{OUTCOMES[outcome]}: {preview.counts[outcome]}" for outcome in COUNTED)


def _as_text(preview: Preview) -> str:
    lines = [_counts(preview), *preview.notes]
    lines += [trouble.text for trouble in preview.troubles]
    for question in preview.questions:
        choices = ", ".join(f"{value} ({label})" for value, label in question.choices)
        answer = question.answer or _("unanswered")
        lines.append(f"{question.text} [{choices}] → {answer} ({question.lines_text})")
    for row in preview.rows:
        if row.outcome in (Outcome.NEW, Outcome.CHANGED):
            told = "; ".join(
                f"{one.label}: {one.before} → {one.after}" if row.target else f"{one.label}: {one.after}"
                for one in row.differences
            )
            lines.append(f"{row.line} {row.label}: {row.name}" + (f" ({told})" if told else ""))
    return "\n".join(lines)


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2)
