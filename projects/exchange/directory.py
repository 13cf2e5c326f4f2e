"""What the names in a file mean in the municipality: its units, its funders and programmes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pages.imports import CellRefused
from projects.models import Funder, Programme
from projects.registry import MESSAGES
from strategy.models import OWNING_KINDS, Municipality, Unit, UnitKind, UnitName
from values.text import fold, squeeze


@dataclass(frozen=True, slots=True)
class Reference:
    """A funder or programme by name; without key it is the municipality's own addition on confirmation."""

    pk: int | None
    name: str


class Directory:
    """The municipality's units by any name they have or had. Two queries, and one for who may own."""

    def __init__(self, municipality: Municipality, today: date) -> None:
        self.municipality = municipality
        self.units = {unit.pk: unit for unit in Unit.objects.filter(municipality=municipality)}
        self._named: dict[str, list[tuple[int, Unit]]] = {}
        for unit in self.units.values():
            self._add(unit.name, unit, today, former=False)
        for name, unit_id in UnitName.objects.filter(municipality=municipality).values_list(
            "name", "unit_id"
        ):
            self._add(name, self.units[unit_id], today, former=True)
        self._may_own = {unit.pk for unit in self.units.values() if unit.kind in OWNING_KINDS}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM strategy_unit WHERE municipality_id = %s AND NOT kind = ANY(%s)"
                " AND medel_unit_may_own(id)",
                [municipality.pk, [*OWNING_KINDS, UnitKind.BOARD]],
            )
            self._may_own |= {row[0] for row in cursor.fetchall()}
        whole = squeeze(municipality.name)
        short = re.sub(r"s? kommun$", "", whole)
        self._own_names = {fold(name) for name in (whole, short, f"{short} kommun", f"{short}s kommun")}

    def _add(self, name: str, unit: Unit, today: date, *, former: bool) -> None:
        """A unit that stands today goes before one that has ended, its name before a former one."""
        ended = unit.valid_from > today or (unit.valid_to is not None and unit.valid_to < today)
        self._named.setdefault(fold(name), []).append((2 * ended + former, unit))

    def is_municipality(self, name: str) -> bool:
        return fold(name) in self._own_names and fold(name) not in self._named

    def may_own(self, unit: Unit) -> bool:
        return unit.pk in self._may_own

    def unit(self, name: str) -> Unit | None:
        """Raises CellRefused when several units bear the name with equal right."""
        ranked = self._named.get(fold(name), [])
        best = min((rank for rank, _unit in ranked), default=0)
        found = {unit.pk: unit for rank, unit in ranked if rank == best}
        if len(found) > 1:
            raise CellRefused(
                _("Several units are called “%(name)s”. Give the project its unit by hand after the import.")
                % {"name": squeeze(name)}
            )
        return next(iter(found.values()), None)

    def several(self, text: str) -> list[Unit]:
        """The units that the text names, the municipality itself left out. Raises CellRefused."""
        if (whole := self.unit(text)) is not None:
            return [whole]
        found: list[Unit] = []
        unknown: list[str] = []
        for piece in re.split(";" if ";" in text else ",", text.replace("\n", ";" if ";" in text else ",")):
            name = re.sub(r"^(?:och|samt|and|&) ", "", squeeze(piece))
            if not name or self.is_municipality(name):
                continue
            units = self._joined(name)
            if units is None:
                unknown.append(name)
            else:
                found += units
        if unknown:
            raise CellRefused(
                ngettext(
                    "%(names)s is not a unit of %(municipality)s. Correct the name, or add the unit to the "
                    "organisation first.",
                    "%(names)s are not units of %(municipality)s. Correct the names, or add the units to the "
                    "organisation first.",
                    len(unknown),
                )
                % {
                    "names": ", ".join(name[:80] for name in unknown[:5]),
                    "municipality": self.municipality,
                }
            )
        for unit in found:
            if unit.kind == UnitKind.BOARD:
                raise CellRefused(_board_sentence(unit))
        return list({unit.pk: unit for unit in found}.values())

    def _joined(self, text: str) -> list[Unit] | None:
        """One unit, or several joined by “och”, which also stands inside names."""
        if (unit := self.unit(text)) is not None:
            return [unit]
        for word in re.finditer(r" (?:och|samt|and|&) ", text):
            left = self.unit(text[: word.start()])
            if left is not None and (right := self._joined(text[word.end() :])) is not None:
                return [left, *right]
        return None

    def owner(self, text: str) -> tuple[Unit | None, tuple[Unit, ...]]:
        """One unit is the owner; several take part and the owner is unknown; the municipality is nobody."""
        units = self.several(text)
        for unit in units:
            if unit.kind == UnitKind.BOARD:
                raise CellRefused(_board_sentence(unit))
        if len(units) != 1:
            return None, tuple(units)
        if units[0].pk not in self._may_own:
            raise CellRefused(f"{units[0].name}: {MESSAGES['owner_unit_may_own']}")
        return units[0], ()


def _board_sentence(unit: Unit) -> str:
    return _("“%(name)s” is a board. Name the administration or company that answers for the project.") % {
        "name": unit.name
    }


def references(model: type[Funder] | type[Programme], municipality: Municipality) -> dict[str, Reference]:
    """Folded name → row; the municipality's own goes before the installation's."""
    rows = model._default_manager.filter(
        Q(municipality=municipality) | Q(municipality__isnull=True)
    ).values_list("pk", "name", "municipality_id")
    ordered = sorted(rows, key=lambda row: row[2] is not None)
    return {fold(name): Reference(pk, name) for pk, name, _owner in ordered}
