"""How the funders head their columns: a profile for each list whose published form has been seen.

A profile says which heading holds what, and beside it where and when that was seen. No heading here is
guessed: a list that nobody could look at has no profile and is mapped by pointing at its columns
(`GrantListProfile`), once.

Ours and the whole are kept apart: `amount` is what the recipient of the row is granted, `total` what the
whole project costs or is granted, all parties together. Where a list gives only one sum for several
recipients, it is the whole's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pages.columns import Text
from projects.models import GrantListProfile
from values.text import fold

# Our fields, in the order in which a person points them out.
FIELDS: Mapping[str, Text] = {
    "title": _("Title of the project"),
    "recipient": _("Who is granted the money"),
    "organisation_number": _("Its organisation number"),
    "reference": _("The funder's reference"),
    "acronym": _("Acronym"),
    "amount": _("Granted to the recipient"),
    "total": _("Granted or budgeted for the whole project"),
    "currency": _("Currency"),
    "starts": _("Start date"),
    "ends": _("End date"),
    "funder": _("Funder"),
    "programme": _("Programme"),
    "role": _("Part in the project"),
    "summary": _("Summary"),
    "country": _("Country of the recipient"),
    "url": _("Address of a page about it"),
}
# At least this must be there: what it is called, and who was granted it.
NEEDED = ("title", "recipient")
# What a second table can say of a project; the rest is said of each recipient, in the first.
OF_THE_PROJECT = ("title", "total", "starts", "ends", "programme", "summary")


@dataclass(frozen=True)
class Beside:
    """A second table in the same package (CORDIS: projects beside participants), joined by a key."""

    part: str
    key: str  # its own heading
    on: str  # the heading of the first table
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Profile:
    """`columns`: our field → their heading. `given`: what the list leaves unsaid, the same for all rows.

    `needed` are the fields without which it is not this list. `numbered` are columns for further recipients
    in the same row, with {n} from 1. `part` names the table within a package.
    """

    name: str
    columns: Mapping[str, str]
    given: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[str, ...] = NEEDED
    part: str = ""
    beside: Beside | None = None
    numbered: Mapping[str, str] = field(default_factory=dict)
    # Seen where and when; and where the funder publishes the list.
    source: str = ""
    seen: date | None = None
    published_at: str = ""
    note: Text = ""
    # Their name of a programme → the register's.
    programmes: Mapping[str, str] = field(default_factory=dict)
    # Headings that were seen and are not read: so that a new one is told from them.
    others: tuple[str, ...] = ()
    # The shipped profile whose list this is in another form: its grants are the same, and known from before.
    based_on: str = ""
    # The municipality's own, which can be removed: its key.
    own: int | None = None

    @property
    def list_name(self) -> str:
        """The list whose grants they are, in whatever form it came."""
        return self.based_on or self.name

    @property
    def headings(self) -> dict[str, str]:
        """Folded heading → the heading, of all columns that the profile reads in the first table."""
        return {fold(heading): heading for heading in self.columns.values()}

    def missing(self, headers: tuple[str, ...]) -> list[str]:
        """Columns that the profile counts on and the list does not have."""
        present = {fold(header) for header in headers}
        return [
            heading
            for name, heading in self.columns.items()
            if name in self.needed and fold(heading) not in present
        ]

    def unknown(self, headers: tuple[str, ...]) -> list[str]:
        known = {*self.headings, *map(fold, self.others)}
        pattern = [fold(one).split("{n}") for one in self.numbered.values()]
        return [
            header
            for header in headers
            if header
            and fold(header) not in known
            and not any(fold(header).startswith(before) for before, _after in pattern)
        ]


def _headings(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


_GRANT = (
    "EU Grant award in euros (This amount represents the grant awarded after the selection stage and is "
    "indicative. Please note that any changes made during or after the project's lifetime will not be "
    "reflected here.)"
)

SHIPPED: tuple[Profile, ...] = (
    Profile(
        "CORDIS",
        part="organization.csv",
        columns={
            "reference": "projectID",
            "acronym": "projectAcronym",
            "organisation_number": "vatNumber",
            "recipient": "name",
            "country": "country",
            "role": "role",
            "amount": "ecContribution",
        },
        beside=Beside(
            part="project.csv",
            key="id",
            on="projectID",
            columns={
                "title": "title",
                "starts": "startDate",
                "ends": "endDate",
                "total": "totalCost",
                "programme": "frameworkProgramme",
                "summary": "objective",
            },
        ),
        needed=("reference", "recipient", "organisation_number", "role", "amount"),
        given={
            "funder": "EU",
            "currency": "EUR",
            "url": "https://cordis.europa.eu/project/id/{reference}",
        },
        programmes={"HORIZON": "Horisont Europa", "H2020": "Horizon 2020"},
        others=_headings(
            "organisationID|shortName|SME|activityType|street|postCode|city|nutsCode|geolocation"
            "|organizationURL|contactForm|contentUpdateDate|rcn|order|netEcContribution|totalCost"
            "|endOfParticipation|active"
        ),
        # Not the file itself: both tables' headings and separator as public programs that read it write them, and
        # an account of the file of 2026-09-22 (145 909 participants, nine in ten with a VAT number).
        source="https://cordis.europa.eu/data/cordis-HORIZONprojects-csv.zip",
        seen=date(2026, 11, 20),
        published_at="https://cordis.europa.eu/data/cordis-HORIZONprojects-csv.zip",
        note=_(
            "The packed file (zip) as it is published, or organization.csv together with project.csv. "
            "The whole file of a framework programme is larger than a page takes: "
            "give it to manage.py take_public_list."
        ),
    ),
    Profile(
        "Kohesio",
        columns={
            "reference": "Operation_Local_Identifier",
            "other_reference": "Operation_Unique_Identifier",
            "title": "Operation_Name_Programme_Language",
            "other_title": "Operation_Name_English",
            "summary": "Operation_Summary_Programme_Language",
            "recipient": "Beneficiary_Name",
            "organisation_number": "Beneficiary_Local_Identifier",
            "country": "Country",
            "amount": "Project_EU_Budget",
            "total": "Total_Eligible_Expenditure_amount",
            "currency": "Total_Eligible_Expenditure_Currency",
            "starts": "Operation_Start_Date",
            "ends": "Operation_End_Date",
            "programme": "Programme_Name",
            "url": "Operation_Unique_Identifier",
        },
        needed=("title", "recipient", "amount", "total", "starts"),
        given={"funder": "EU", "currency": "EUR"},
        others=_headings(
            "Postal_Code|Cofinancing_Rate|Beneficiary_Unique_Identifier"
            "|Location_Indicator_latitude_longitude|Category_Of_Intervention|Category_Label"
            "|Thematic_Objective_ID|Thematic_Objective_Label|Policy_Objective_ID|Policy_Objective_Label"
            "|Fund_Code|Fund_Name|Programme_Code|Region|NUTS3_Code|Programming_Period"
            "|Operation_Summary_English|ManagingAuthority|Image_URL|InfoRegio_ID|InfoRegio_URL"
        ),
        # Not the file itself: its headings as public programs write them, with beneficiary and organisation number
        # in one that reads Sweden's. The address is the one that they fetch from.
        source="https://kohesio.ec.europa.eu/api/data/object?id=data/projects-2021-2027/",
        seen=date(2026, 11, 20),
        published_at="https://kohesio.ec.europa.eu/",
    ),
    Profile(
        "Erasmus+",
        columns={
            "reference": "Project Identifier",
            "title": "Project Title",
            "summary": "Project Summary",
            "programme": "Programme",
            "recipient": "Coordinating organisation name",
            "country": "Coordinator's country",
            "total": _GRANT,
            "url": "Results Platform Project Card",
        },
        numbered={"recipient": "Partner {n} name", "country": "Partner {n} country"},
        needed=("reference", "title", "recipient", "total"),
        given={"funder": "EU", "currency": "EUR", "role": "coordinator"},
        others=_headings(
            "Key Action|Action Type|Call year|Topics|Project Status|Is Good Practice|Project Website"
            "|Results Available|Participating countries|Coordinating organisation type"
            "|Coordinator's address|Coordinator's region|Coordinator's website"
        ),
        # Not the file itself: its headings, "confirmed from actual files" in a public program that reads the lists by
        # call year. No dates are published in them, and the sum is of all parties.
        source="https://erasmus-plus.ec.europa.eu/projects/projects-lists",
        seen=date(2026, 11, 20),
        published_at="https://erasmus-plus.ec.europa.eu/projects/projects-lists",
    ),
    Profile(
        "ESF-rådets projektbank",
        columns={
            "reference": "Diarienummer / Operation ID",
            "title": "Namn på insatsen / Operation Name",
            "summary": "Sammanfattning / Summary",
            "recipient": "Stödmottagare / Beneficiary",
            "organisation_number": "Projektägare organisationsnummer / Beneficiary ID",
            "country": "Stödmottagarens land / Beneficiary country",
            "amount": "EU-stöd i SEK / EU contribution SEK",
            "total": "Total projektbudget / Total budget SEK",
            "programme": "EU-fond / EU fund",
            "starts": "Startdatum / Start date",
            "ends": "Slutdatum / End date",
        },
        needed=("reference", "title", "recipient", "organisation_number", "total", "starts", "ends"),
        given={"funder": "Svenska ESF-rådet", "currency": "SEK"},
        others=_headings(
            "Projektägare ort / Beneficiary city|Programområde / Priority"
            "|Specifikt mål / Specific objective concerned|Interventionsområde / Intervention field"
            "|Unionens medfinansieringsgrad / Union co-financing rate"
            "|Sammanfattning engelsk / Summary in english|Program CCI / Program CCI"
        ),
        # Not the export itself: eighteen headings and a row, in a public program that reads it (its file
        # lib/integrations/esf/transform.ts and the tests of it).
        source="lib/integrations/esf/transform.ts of a public program that reads the export",
        seen=date(2026, 11, 20),
        published_at="https://www.esf.se/",
    ),
    Profile(
        "Vinnova",
        columns={
            "reference": "Diarienummer",
            "title": "Ärenderubrik",
            "summary": "Projektreferat",
            "recipient": "KoordinatorOrg",
            "total": "BeviljatBidrag",
            "starts": "ProjektStart",
            "ends": "ProjektSlut",
        },
        needed=("reference", "title", "recipient", "total"),
        given={"funder": "Vinnova", "currency": "SEK", "role": "coordinator"},
        # The twenty fields of a project in the open data, as an open reader lists them. Of the parties only
        others=_headings(
            "ÄrenderubrikEngelska|DiarienummerAnsokningsomgang|DiarienummerUtlysning"
            "|DiarienummerProgram|MalSvenska|ResultatSvenska|ImplementationSvenska|MalEngelska"
            "|ResultatEngelska|ImplementationEngelska|KoordinatorArb|LankLista|Status"
        ),
        # the coordinator is named, and the grant is the whole project's.
        source="https://github.com/KTH-Library/vinnova/blob/8883d344c7cb5cf97ebafa0ce834c5d0af1af669/README.md",
        seen=date(2026, 11, 20),
        published_at="https://data.vinnova.se/api/projekt/",
    ),
    Profile(
        "SweCRIS",
        columns={
            "reference": "ProjectId",
            "title": "ProjectTitleSv",
            "other_title": "ProjectTitleEn",
            "summary": "ProjectAbstractSv",
            "recipient": "CoordinatingOrganisationNameSv",
            "organisation_number": "CoordinatingOrganisationId",
            "funder": "FundingOrganisationNameSv",
            "total": "FundingsSek",
            "starts": "ProjectStartDate",
            "ends": "ProjectEndDate",
        },
        needed=("reference", "title", "recipient", "organisation_number", "total"),
        given={"currency": "SEK", "role": "coordinator"},
        others=_headings(
            "ProjectAbstractEn|CoordinatingOrganisationNameEn"
            "|CoordinatingOrganisationTypeOfOrganisationSv|CoordinatingOrganisationTypeOfOrganisationEn"
            "|FundingOrganisationId|FundingOrganisationNameEn|FundingOrganisationTypeOfOrganisationSv"
            "|FundingOrganisationTypeOfOrganisationEn|FundingYear|FundingStartDate|FundingEndDate"
            "|TypeOfAwardId|TypeOfAwardDescrSv|TypeOfAwardDescrEn|InvolvedPeople|Scbs"
        ),
        # Headings and a record of the joint database of Swedish research funders.
        source="https://github.com/KTH-Library/swecris/blob/1d459517e436100319b4cb015fc204daffed4248/README.md",
        seen=date(2026, 11, 20),
        published_at="https://www.vr.se/",
    ),
)


_SHIPPED: Mapping[str, Profile] = {fold(profile.name): profile for profile in SHIPPED}


def shipped(name: str) -> Profile | None:
    return _SHIPPED.get(fold(name))


# How a `GrantListProfile` keeps what is no column of the first table.
_BASED_ON = "based_on"
_PART, _KEY, _ON = "beside.part", "beside.key", "beside.on"
_BESIDE = "beside."


def kept(
    columns: Mapping[str, str], given: Mapping[str, str], beside: Beside | None, based_on: str
) -> dict[str, dict[str, str]]:
    """The `columns` and `given` of a `GrantListProfile`, as `own` reads them."""
    told = {field: heading for field, heading in columns.items() if heading}
    if beside is not None:
        told |= {_PART: beside.part, _KEY: beside.key, _ON: beside.on}
        told |= {f"{_BESIDE}{field}": heading for field, heading in beside.columns.items() if heading}
    left_unsaid = {field: value for field, value in given.items() if value}
    return {"columns": told, "given": left_unsaid | ({_BASED_ON: based_on} if based_on else {})}


def own(row: GrantListProfile) -> Profile:
    """A profile that the municipality pointed out itself; what it leaves unsaid is the shipped one's it is based on.

    One that bears a shipped profile's name is told apart from it by its own.
    """
    columns = {field: heading for field, heading in row.columns.items() if not field.startswith(_BESIDE)}
    given = {field: value for field, value in row.given.items() if field != _BASED_ON}
    same_name = shipped(row.name)
    base = shipped(row.given.get(_BASED_ON, "")) or same_name
    beside = None
    if _KEY in row.columns:
        beside = Beside(
            part=row.columns[_PART],
            key=row.columns[_KEY],
            on=row.columns[_ON],
            columns={
                field.removeprefix(_BESIDE): heading
                for field, heading in row.columns.items()
                if field.startswith(_BESIDE) and field not in (_PART, _KEY, _ON)
            },
        )
    return Profile(
        gettext("%(name)s, own columns") % {"name": row.name} if same_name else row.name,
        columns=columns,
        given=({**base.given, **given} if base else given),
        needed=tuple(columns),
        part=base.part if base else "",
        beside=beside,
        numbered=base.numbered if base else {},
        programmes=base.programmes if base else {},
        others=base.others if base else (),
        published_at=row.source_url or (base.published_at if base else ""),
        based_on=base.name if base else "",
        own=row.pk,
    )


def known(rows: list[GrantListProfile]) -> dict[str, Profile]:
    """All profiles by name, the shipped ones first: the municipality's own stand beside them, never instead."""
    every = [*SHIPPED, *map(own, rows)]
    return {profile.name: profile for profile in every}


def recognised(headers: tuple[str, ...], profiles: Mapping[str, Profile]) -> Profile | None:
    """The profile whose needed columns are all there; of several the one that reads the most columns.

    A shipped one goes before the municipality's own, so that it recognises its own form whatever was pointed out.
    """
    fitting = [profile for profile in profiles.values() if not profile.missing(headers)]
    fitting = [profile for profile in fitting if profile.own is None] or fitting
    present = {fold(header) for header in headers}

    def read(profile: Profile) -> int:
        return len(profile.headings.keys() & present)

    return max(fitting, key=read, default=None)


def nearest(headers: tuple[str, ...], profiles: Mapping[str, Profile]) -> Profile | None:
    """The profile that a list in a changed form most likely belongs to: more than half of it is there."""
    present = {fold(header) for header in headers}

    def share(profile: Profile) -> float:
        wanted = profile.headings
        return len(wanted.keys() & present) / len(wanted) if wanted else 0.0

    best: Any = max(profiles.values(), key=share, default=None)
    return best if best is not None and share(best) > 0.5 else None
