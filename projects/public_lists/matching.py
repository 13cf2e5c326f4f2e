"""Whether a recipient in a funder's list is the municipality: by organisation number, then by name.

Ours is only what is exact: the municipality's number, or one of its names after folding (case, spaces,
punctuation). What is merely alike is shown apart and is never taken as ours by itself: Håbo is not Habo.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext as _

from strategy import history
from strategy.models import Municipality, MunicipalityKind, Unit, UnitKind, UnitName
from values.organisation_number import NotAnOrganisationNumber, parse_organisation_number
from values.text import fold, squeeze

_NUMBER = re.compile(r"(?:SE)?(?:16)?(\d{6})[-–‐ ]?(\d{4})|SE ?(\d{6})-?(\d{4})\d\d|(\d{6})(\d{4})01", re.I)
_SIGNS = re.compile(r"[^\w]+")
# Words that make an organisation municipal, beside the name of the place.
_MUNICIPAL = re.compile(
    r"kommun|municipal|stad$|stads|city|förvaltning|forvaltning|nämnd|skol|school|gymnasi|bibliotek|"
    r"räddningstjänst|^ab$|aktiebolag"
)
HOW_LONG = 200


def organisation_number(text: str) -> str:
    """ "212000-0530", "SE212000053001", "16212000-0530" as "212000-0530"; "" for what is none (of another country)."""
    found = _NUMBER.fullmatch(squeeze(text).replace(" ", ""))
    if found is None:
        return ""
    six, four = next((found[n], found[n + 1]) for n in (1, 3, 5) if found[n])
    try:
        return parse_organisation_number(f"{six}-{four}")
    except NotAnOrganisationNumber:
        return ""


def name_key(text: str) -> str:
    """The key by which names are compared: folded, signs as spaces."""
    return squeeze(_SIGNS.sub(" ", fold(text)))


def without_dots(key: str) -> str:
    """As lists in English write it: jonkopings kommun."""
    return "".join(sign for sign in unicodedata.normalize("NFD", key) if not unicodedata.combining(sign))


@dataclass(frozen=True, slots=True)
class Recognised:
    """Ours, or perhaps ours. `unit_id` is the company or administration that is meant; none the municipality.

    `how` is kept with the grant: in the language of the record.
    """

    ours: bool
    how: str
    unit_id: int | None = None


class Recogniser:
    """Everything that the municipality, its companies and its units are or were called. Two queries.

    `remembered`: folded name → "ours", "not_ours" or "unit:ID", as a person has said.
    """

    def __init__(self, municipality: Municipality, remembered: dict[str, str] | None = None) -> None:
        self.number = municipality.organisation_number or ""
        self.remembered = {name_key(name): meaning for name, meaning in (remembered or {}).items()}
        self._names: dict[str, tuple[str, int | None]] = {}
        self._numbers: dict[str, int | None] = {self.number: None} if self.number else {}
        self._perhaps: dict[str, int | None] = {}
        self.places = self._place_names(municipality)
        with history.in_the_record():
            self._take_names(municipality)
        self.recognise = lru_cache(maxsize=50_000)(self._recognise)

    def _take_names(self, municipality: Municipality) -> None:
        for variant in self._variants(municipality):
            self._names.setdefault(variant, (_("The municipality's name"), None))
        self._plain = {without_dots(name) for name in self._names} - self._names.keys()
        units = list(Unit.objects.filter(municipality=municipality).values_list("pk", "name", "kind"))
        kinds = {pk: kind for pk, _name, kind in units}
        others = UnitName.objects.filter(municipality=municipality).values_list("unit_id", "name", "kind")
        wholes = list(self._variants(municipality))
        for pk, name, former in [
            *((pk, name, False) for pk, name, _kind in units),
            *((pk, name, kind == "former") for pk, name, kind in others),
        ]:
            self._add_unit(pk, name, kinds[pk], wholes, former=former)

    @staticmethod
    def _place_names(municipality: Municipality) -> set[str]:
        """ "jönköpings kommun" → {"jönköpings", "jönköping"}: with and without the genitive."""
        whole = name_key(municipality.name)
        bare = re.sub(r" (?:kommun|stad)$", "", whole)
        return {bare, bare.removesuffix("s")} if bare != whole else {bare}

    def _variants(self, municipality: Municipality) -> set[str]:
        whole = name_key(municipality.name)
        if municipality.kind != MunicipalityKind.MUNICIPALITY:
            return {whole}
        variants = {whole}
        for place in self.places:
            genitive = place if place.endswith("s") else f"{place}s"
            variants |= {
                *(f"{name} {word}" for name in (place, genitive) for word in ("kommun", "stad")),
                *(f"{word} {place}" for word in ("kommunen", "staden")),
                *(f"{word} of {place}" for word in ("municipality", "the municipality", "city", "the city")),
                *(f"{place} {word}" for word in ("municipality", "city", "kommune", "city council")),
            }
        return variants

    def _add_unit(self, pk: int, name: str, kind: str, wholes: list[str], *, former: bool) -> None:
        if number := organisation_number(name):
            self._numbers.setdefault(number, pk)
            return
        key = name_key(name)
        how = _("The unit's former name") if former else _("The unit's name")
        if kind == UnitKind.COMPANY:
            self._names.setdefault(key, (how, pk))
            return
        # An administration is called the same everywhere: only together with the municipality is it ours.
        for whole in wholes:
            for both in (f"{whole} {key}", f"{key} {whole}", f"{key} i {whole}"):
                self._names.setdefault(both, (how, pk))
        for place in self.places:
            for both in (f"{key} i {place}", f"{place} {key}"):
                self._names.setdefault(both, (how, pk))
        if self.places & set(key.split(" ")):
            self._names.setdefault(key, (how, pk))
        elif kind == UnitKind.SCHOOL:
            self._perhaps.setdefault(key, pk)

    def _recognise(self, name: str, number_text: str) -> Recognised | None:
        with history.in_the_record():
            return self._judge(name, number_text)

    def _judge(self, name: str, number_text: str) -> Recognised | None:
        key = name_key(name)
        number = organisation_number(number_text) if number_text else ""
        match self.remembered.get(key, ""):
            case "ours":
                return Recognised(True, _("Said to be ours"))
            case "not_ours":
                return None
            case said if said.startswith("unit:"):
                return Recognised(True, _("Said to be ours"), int(said.removeprefix("unit:")))
        if number and number in self._numbers:
            unit = self._numbers[number]
            named = self._names.get(key)
            # The municipality has one number, and its list may name the administration.
            return Recognised(True, _("Organisation number"), named[1] if unit is None and named else unit)
        if key in self._names:
            how, unit = self._names[key]
            if number and self.number and unit is None:
                return Recognised(
                    False,
                    _("Our name, but the organisation number is another: %(number)s") % {"number": number},
                )
            return Recognised(True, how, unit)
        if number and self.number:
            return None  # It is somebody, and not us.
        return self._perhaps_ours(key)

    def _perhaps_ours(self, key: str) -> Recognised | None:
        if key in self._perhaps:
            return Recognised(
                False, _("A school of ours has this name, and others may too"), self._perhaps[key]
            )
        if key in self._plain:
            return Recognised(False, _("Our name without its dots and rings"))
        if key in self.places:
            return Recognised(False, _("The name of the place alone"))
        words = key.split(" ")
        if self.places & set(words) and any(_MUNICIPAL.search(word) for word in words):
            return Recognised(False, _("The name of the place is part of it"))
        return None
