"""A workbook to fill in: the columns that an import knows, with the municipality's own lists to choose from.

What is filled in comes back whole, whichever language it was taken out in. The second sheet explains each
column with an example and holds the lists; the reader knows it by a name and never takes it for projects.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import Text
from pages.files import MOST_ROWS
from pages.imports import CellRefused
from pages.spreadsheets import GUIDE_NAME
from projects.exchange.columns import FIELDS, WORD_COLUMNS
from projects.exchange.directory import Directory, references
from projects.models import Funder, Programme
from strategy.models import UnitKind
from strategy.permissions import Reader

# The lists are offered for so many rows.
FILLED_IN = min(5_000, MOST_ROWS)
_LONG = ("summary", "note", "link_to_operations", "expected_effect", "achieved_effect")
_AMOUNTS = ("total_budget_sek", "own_share_sek")

# What to write, and an example; the title alone is needed.
GUIDE: Mapping[str, tuple[Text, Text]] = {
    "title": (
        gettext_lazy("The name of the project. It alone is needed."),
        gettext_lazy("Safe at home"),
    ),
    "acronym": (gettext_lazy("The short name, if there is one."), "STHOME"),
    "summary": (
        gettext_lazy("What the project does, in a few sentences."),
        gettext_lazy("Older people try welfare technology at home."),
    ),
    "programme": (
        gettext_lazy("Choose from the list, or write a new one."),
        "Erasmus+",
    ),
    "funder": (gettext_lazy("Choose from the list, or write a new one."), "Vinnova"),
    "starts": (gettext_lazy("A day, or a month where the day is not known."), "2026-09-01"),
    "ends": (gettext_lazy("A day, or a month where the day is not known."), "2028-08"),
    "state": (
        gettext_lazy("Choose from the list. Where it is empty, dates that say so make it ongoing or ended."),
        "",
    ),
    "total_budget_sek": (
        gettext_lazy("The whole project's budget in kronor. “ca 400 tkr” and “1 200 EUR” are understood."),
        "1 200 000",
    ),
    "own_share_sek": (
        gettext_lazy("The part that is the municipality's, in kronor or with another unit."),
        gettext_lazy("ca 400 tkr"),
    ),
    "role": (gettext_lazy("Choose from the list."), ""),
    "co_financing": (gettext_lazy("Choose from the list."), ""),
    "accounted_by": (
        gettext_lazy("In whose accounts the project is: the municipality, or another organisation by name."),
        gettext_lazy("The region"),
    ),
    "project_number": (gettext_lazy("The number in the accounts, with its zeros in front."), "0714"),
    "level": (gettext_lazy("Choose from the list."), ""),
    "kind": (gettext_lazy("Choose from the list."), ""),
    "dnr": (gettext_lazy("The municipality's own registry number."), "KS 2026/123"),
    "external_reference": (gettext_lazy("What the funder calls the case."), "2026-01234"),
    "initiated_by": (
        gettext_lazy("Who started it, by role and not by name."),
        gettext_lazy("A teacher at the school"),
    ),
    "source": (gettext_lazy("Choose from the list where the idea came from."), ""),
    "link_to_operations": (
        gettext_lazy("How the project serves the unit's own work."),
        gettext_lazy("Fewer falls in home care."),
    ),
    "expected_effect": (
        gettext_lazy("What is to be better afterwards."),
        gettext_lazy("Half as many night visits."),
    ),
    "achieved_effect": (gettext_lazy("What became better, where the project has ended."), ""),
    "partners": (
        gettext_lazy("The other parties, parted by semicolons; a number and a kind will do."),
        gettext_lazy("Habo kommun; 3 universities"),
    ),
    "owner": (gettext_lazy("The administration, sector or company that answers for the project."), ""),
    "units": (gettext_lazy("Further units that take part, parted by semicolons."), ""),
    "decided_by": (gettext_lazy("Who decided on the project."), gettext_lazy("The social welfare board")),
    "note": (gettext_lazy("What else should be known."), ""),
    "register_id": (
        gettext_lazy("Leave it empty for a new project. To correct one that stands, write its register id."),
        "P-2026-14",
    ),
}


def write_template(reader: Reader) -> bytes:
    """XLSX in the language of the page. Dates are text in it: a spreadsheet makes the first day of a month
    that is written without a day.
    """
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True})
    book.set_properties({"title": _("Projects to take in"), "author": "Medel"})
    # Excel takes 31 characters.
    page = book.add_worksheet(_("Projects")[:31])
    guide = book.add_worksheet(_("Explanation and lists")[:31])
    heading = book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top"})
    text = book.add_format({"num_format": "@", "valign": "top"})
    lines = book.add_format({"num_format": "@", "valign": "top", "text_wrap": True})
    amount = book.add_format({"num_format": "#,##0", "valign": "top"})
    explained = book.add_format({"valign": "top", "text_wrap": True})
    there = guide.get_name().replace("'", "''")
    book.define_name(GUIDE_NAME, f"='{there}'!$A$1")

    lists = _lists(reader)
    names = list(GUIDE)
    for place, name in enumerate(names):
        what, example = GUIDE[name]
        label = str(FIELDS[name].label)
        page.write_string(0, place, label, heading)
        page.write_comment(0, place, str(what), {"author": "Medel", "x_scale": 2})
        form = amount if name in _AMOUNTS else lines if name in _LONG else text
        page.set_column(place, place, 40 if name in ("title", *_LONG) else 20, form)
        guide.write_string(place + 1, 0, label, explained)
        guide.write_string(place + 1, 1, str(what), explained)
        guide.write_string(place + 1, 2, str(example) or next(iter(lists.get(name, ())), ""), explained)
    for place, said in enumerate((_("Column"), _("What to write"), _("Example"))):
        guide.write_string(0, place, said, heading)
        guide.set_column(place, place, (28, 60, 40)[place])
    for column, (name, choices) in enumerate(lists.items(), start=4):
        said = _("Choices for “%(column)s”") % {"column": FIELDS[name].label}
        guide.write_string(0, column, said, heading)
        guide.set_column(column, column, 30)
        for line, choice in enumerate(choices, start=1):
            guide.write_string(line, column, choice)
        if choices:
            _offer(page, names.index(name), name, f"='{there}'!", column, len(choices))
    page.freeze_panes(1, 1)
    guide.freeze_panes(1, 0)
    book.close()
    return memory.getvalue()


def _offer(page: Any, place: int, name: str, there: str, column: int, count: int) -> None:
    letters = xlsxwriter.utility.xl_col_to_name(column, col_abs=True)
    page.data_validation(
        1,
        place,
        FILLED_IN,
        place,
        {
            "validate": "list",
            "source": f"{there}{letters}$2:{letters}${count + 1}",
            # Funders may be new, and units several.
            "show_error": name in (*WORD_COLUMNS, "owner"),
            "error_title": _("Not in the list"),
            "error_message": _("Choose from the list, or leave the cell empty."),
        },
    )


def _lists(reader: Reader) -> dict[str, Sequence[str]]:
    """What may be chosen in which column, in the words that the import reads again."""
    directory = Directory(reader.municipality, reader.today)
    units = []
    for unit in sorted(directory.units.values(), key=lambda unit: unit.name):
        ended = unit.valid_from > reader.today or (unit.valid_to is not None and unit.valid_to < reader.today)
        if unit.kind == UnitKind.BOARD or ended:
            continue
        try:
            # A name that several bear cannot be read back.
            known = directory.several(unit.name) == [unit]
        except CellRefused:
            continue
        if known:
            units.append(unit)
    return {
        **{name: [str(label) for _value, label in FIELDS[name].widget.choices] for name in WORD_COLUMNS},
        "owner": [unit.name for unit in units if directory.may_own(unit)],
        "units": [unit.name for unit in units],
        "funder": _names(references(Funder, reader.municipality)),
        "programme": _names(references(Programme, reader.municipality)),
    }


def _names(known: Mapping[str, Any]) -> list[str]:
    return sorted((one.name for one in known.values()), key=str.casefold)
