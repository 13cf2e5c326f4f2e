"""What may not be, the database refuses by name: one bad row for every rule of our own tables."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model

from pages import forms
from projects.models import (
    EffectFollowUp,
    Funder,
    GrantListProfile,
    GroupMeeting,
    GroupMember,
    ImportedProject,
    ListedGrant,
    Programme,
    Project,
    ProjectDocument,
    ProjectGate,
    ProjectGroup,
    ProjectNumber,
    ProjectParty,
    ProjectShare,
    ProjectStep,
    ProjectUnit,
    ReportedProject,
)
from strategy.hardening import event_models
from strategy.models import (
    Account,
    Assignment,
    BoardService,
    Document,
    Handover,
    ImportBatch,
    MailDomain,
    Message,
    Municipality,
    MunicipalityMember,
    Person,
    Population,
    Reading,
    RememberedWord,
    Role,
    SavedView,
    StoredFile,
    Unit,
    UnitName,
)
from strategy.walls import scope
from tests import factories
from tests.everything import everything

NOON = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("Europe/Stockholm"))
EARLY = date(1960, 1, 1)


def change(model: type[Model], **fields):
    """The municipality's row of the model, changed past all Python."""

    def bad(here, there):
        values = {name: given(here, there) if callable(given) else given for name, given in fields.items()}
        model._base_manager.filter(pk=here.row(model).pk).update(**values)

    return bad


def another(model: type[Model], **fields):
    """A second row of the model, the same but for the fields."""

    def bad(here, there):
        row = model._base_manager.get(pk=here.row(model).pk)
        row.pk = None
        for name, given in fields.items():
            setattr(row, name, given(here, there) if callable(given) else given)
        model._base_manager.bulk_create([row])

    return bad


def foreign(model: type[Model]):
    return lambda here, there: there.row(model).pk


def own(model: type[Model]):
    return lambda here, there: here.row(model).pk


def second_contact_person(here, there):
    unit, place = here.row(Unit), here.place
    factories.assignment(here.row(Person), Role.CONTACT_PERSON, place, unit, ends_on=date(2021, 6, 30))
    factories.assignment(
        factories.person(place), Role.CONTACT_PERSON, place, unit, starts_on=date(2021, 6, 30)
    )


def ring_of_units(here, there):
    Unit.objects.filter(pk=here.board.pk).update(parent=here.row(Unit))


def ring_of_parts(here, there):
    above = factories.project(here.place, "Program", part_of=here.row(Project))
    Project.objects.filter(pk=here.row(Project).pk).update(part_of=above)


def ring_of_followers(here, there):
    later = factories.project(here.place, "Fortsättning", follows=here.row(Project))
    Project.objects.filter(pk=here.row(Project).pk).update(follows=later)


def manager_from_elsewhere(here, there):
    Project.objects.filter(pk=here.row(Project).pk).update(project_manager=there.row(Person))


def two_lead_partners(here, there):
    for name in ("Ett universitet", "Ett annat"):
        ProjectParty.objects.create(
            municipality=here.place, project=here.row(Project), name=name, role="lead"
        )


def owned_by_a_department(here, there):
    department = factories.unit(here.place, "Enheten", kind="department", parent=here.row(Unit))
    Project.objects.filter(pk=here.row(Project).pk).update(owner_unit=department)


def step(**fields):
    """A further step of the municipality's project, which is being anchored."""
    given = {"from_state": "anchoring", "to_state": "decided_to_apply", **fields}
    return another(ProjectStep, **given)


def gate_after_its_step(here, there):
    step(gates=["anchoring"])(here, there)
    change(ProjectGate, done_on=date(2027, 1, 1))(here, there)


def another_document(place, person, file):
    return Document.objects.create(municipality=place, file=file, kind="plan", title="Plan", added_by=person)


def of_another_project(here, there):
    """A document of the other municipality that belongs to no project yet."""
    with scope(there.place.pk):
        return another_document(there.place, there.row(Person), there.row(StoredFile)).pk


def another_of_project(**fields):
    def bad(here, there):
        document = another_document(here.place, here.row(Person), here.row(StoredFile))
        another(ProjectDocument, document_id=document.pk, **fields)(here, there)

    return bad


# Name of the rule -> a row that breaks it (and, as far as can be, nothing else).
BAD_ROWS = {
    # Municipalities
    "strategy_municipality_name_key": change(Municipality, name=lambda here, there: there.place.name),
    "strategy_municipality_code_key": change(Municipality, code=lambda here, there: there.place.code),
    "strategy_municipality_organisation_number_key": lambda here, there: (
        change(Municipality, organisation_number="212000-0530")(here, there),
        another(Municipality, name="En till", code="0002")(here, there),
    ),
    "municipality_code_has_four_digits": change(Municipality, code="68a"),
    "a_municipality_has_a_code": change(Municipality, code=None),
    "organisation_number_has_its_check_digit": change(Municipality, organisation_number="212000-0531"),
    "municipality_has_a_name": change(Municipality, name=""),
    "municipality_kind_is_known": change(Municipality, kind="county"),
    "nobody_is_a_member_of_itself": change(MunicipalityMember, member_id=lambda here, there: here.place.pk),
    "membership_ends_after_it_starts": change(MunicipalityMember, valid_to=EARLY),
    "one_membership_at_a_time": another(MunicipalityMember, valid_from=date(2020, 1, 1)),
    "one_population_a_year": another(Population),
    "population_year_is_a_year": change(Population, year=1899),
    # Units
    "unit_parent_in_same_municipality": change(Unit, parent_id=foreign(Unit)),
    "unit_ends_after_it_starts": change(Unit, valid_to=EARLY),
    "executive_board_is_a_board": change(Unit, is_executive_board=True),
    "unit_has_a_name": change(Unit, name=""),
    "unit_kind_is_known": another(Unit, name="Utskottet", kind="committee"),
    "unit_name_is_taken": another(Unit, name="SOCIALFÖRVALTNINGEN"),
    "unit_tree_has_no_cycle": ring_of_units,
    "unit_stays_what_it_is": change(Unit, kind="department"),
    "unit_name_in_same_municipality": change(UnitName, unit_id=foreign(Unit)),
    "unit_has_the_name_once": another(UnitName, name="SOCIALKONTORET"),
    "unit_name_is_not_empty": change(UnitName, name=""),
    "unit_name_kind_is_known": change(UnitName, kind="short"),
    "board_service_unit_in_same_municipality": change(BoardService, unit_id=foreign(Unit)),
    "board_service_board_in_same_municipality": change(
        BoardService, board_id=lambda here, there: there.board.pk
    ),
    "a_board_does_not_serve_itself": change(BoardService, unit_id=lambda here, there: here.board.pk),
    "board_service_ends_after_it_starts": change(BoardService, valid_to=EARLY),
    "one_board_service_at_a_time": another(BoardService, valid_from=date(2020, 1, 1)),
    "board_service_is_to_a_board": change(BoardService, board_id=own(Unit)),
    # People
    "one_person_an_address": another(Person, email=lambda here, there: there.row(Person).email.upper()),
    "no_personal_identity_number_about_a_person": change(Person, title="640823-3234"),
    "person_has_a_name": change(Person, name=""),
    "account_address_is_in_lower_case": change(Account, email="Stor@example.org"),
    "strategy_account_email_key": another(
        Account, person_id=lambda here, there: factories.person(here.place).pk
    ),
    "strategy_account_person_id_key": another(Account, email="annan@example.org"),
    "assignment_unit_in_same_municipality": change(Assignment, unit_id=foreign(Unit)),
    "assignment_role_is_known": change(Assignment, role="king"),
    "assignment_ends_after_it_starts": change(Assignment, ends_on=EARLY),
    "auditor_has_an_end_date": change(Assignment, role="auditor", unit=None),
    "role_needs_a_unit": change(Assignment, role="contact_person", unit=None),
    "role_is_for_the_whole_municipality": change(Assignment, role="administrator"),
    "only_a_contact_person_has_a_subject": change(Assignment, subject="Ungdomar"),
    "one_ordinary_contact_person_at_a_time": second_contact_person,
    "an_assignment_is_given_once": another(Assignment, starts_on=date(2021, 1, 1)),
    # Files and imports
    "stored_file_has_a_sha256": another(StoredFile, sha256="A" * 64),
    "import_batch_file_in_same_municipality": change(ImportBatch, file_id=foreign(StoredFile)),
    "import_batch_state_has_its_time": change(ImportBatch, state="confirmed"),
    "uploaded_by_works_here": change(ImportBatch, uploaded_by_id=foreign(Person)),
    "a_word_is_remembered_once": another(RememberedWord),
    # Funders and programmes
    "funder_stands_once": another(Funder, name="STIFTELSEN SJÖSTAD"),
    "funder_has_a_name": change(Funder, name=""),
    "funder_kind_is_known": change(Funder, kind="bank"),
    "programme_stands_once": another(Programme, name="sjöstads program"),
    "programme_has_a_name": change(Programme, name=""),
    "funder_is_shared_or_own": change(Programme, funder_id=foreign(Funder)),
    "programme_is_shared_or_own": change(Project, programme_id=foreign(Programme)),
    # Projects
    "register_id_is_used_once": another(Project),
    "project_owner_unit_in_same_municipality": change(Project, owner_unit_id=foreign(Unit)),
    "project_follows_in_same_municipality": change(Project, follows_id=foreign(Project)),
    "project_part_of_in_same_municipality": change(Project, part_of_id=foreign(Project)),
    "project_has_a_title": change(Project, title=""),
    "project_title_is_nfc": change(Project, title="A\u0308ldreomsorg"),
    "project_ends_after_it_starts": change(Project, starts_on=date(2026, 2, 2), ends_on=date(2026, 2, 1)),
    "month_start_is_its_first_day": change(Project, starts_on=date(2026, 2, 2), starts_precision="month"),
    "month_end_is_its_last_day": change(Project, ends_on=date(2026, 2, 27), ends_precision="month"),
    "project_precision_is_day_or_month": change(Project, starts_precision="year"),
    "total_budget_is_not_negative": change(Project, total_budget=-1),
    "own_share_is_not_negative": change(Project, own_share=-1),
    "own_share_within_total_budget": change(Project, total_budget=100, own_share=101),
    "project_currency_has_three_letters": change(Project, total_budget_currency="kr"),
    "project_state_is_known": another(Project, register_number=900, state="dream"),
    "project_role_is_known": change(Project, role="friend"),
    "project_co_financing_is_known": change(Project, co_financing="love"),
    "project_accounting_is_known": change(Project, accounting="somewhere"),
    "accounted_by_another_is_elsewhere": change(
        Project, accounting="here", accounted_by="Region Jönköpings län"
    ),
    "project_recorded_year_is_a_year": change(Project, recorded_for_year=17),
    "project_is_withdrawn_with_a_reason": change(Project, withdrawn_at=NOON),
    "project_does_not_follow_itself": ring_of_followers,
    "project_is_no_part_of_itself": ring_of_parts,
    "owner_unit_may_own": owned_by_a_department,
    "project_manager_works_here": manager_from_elsewhere,
    "project_unit_project_in_same_municipality": change(ProjectUnit, project_id=foreign(Project)),
    "project_unit_unit_in_same_municipality": change(ProjectUnit, unit_id=foreign(Unit)),
    "a_unit_takes_part_once": another(ProjectUnit),
    "project_party_in_same_municipality": change(ProjectParty, project_id=foreign(Project)),
    "party_is_a_name_or_a_count": change(ProjectParty, name="Elva universitet", number=11),
    "party_country_has_two_letters": change(ProjectParty, country="S"),
    "party_role_is_known": change(ProjectParty, role="boss"),
    "a_party_stands_once": another(
        ProjectParty, name=lambda here, there: here.row(ProjectParty).name.upper()
    ),
    "a_project_has_one_lead_partner": two_lead_partners,
    "a_project_is_shared_once_with_each": another(ProjectShare),
    "a_project_is_shared_with_others": another(
        ProjectShare, municipality_id=lambda here, there: here.place.pk
    ),
    "share_project_of_its_owner": another(
        ProjectShare, project_id=foreign(Project), municipality_id=lambda here, there: there.place.pk
    ),
    "share_unit_in_same_municipality": change(ProjectShare, unit_id=own(Unit)),
    "shared_own_share_is_not_negative": change(ProjectShare, own_share=-1),
    "share_role_is_known": change(ProjectShare, role="friend"),
    "share_co_financing_is_known": change(ProjectShare, co_financing="love"),
    "share_currency_has_three_letters": change(ProjectShare, own_share_currency="kr"),
    "imported_project_batch_in_same_municipality": change(ImportedProject, batch_id=foreign(ImportBatch)),
    "imported_project_in_same_municipality": change(ImportedProject, project_id=foreign(Project)),
    "a_batch_touches_a_project_once": another(ImportedProject),
    "imported_action_is_known": change(ImportedProject, action="removed"),
    # What a project is told of beside
    "project_kept_up_by_in_same_municipality": change(Project, kept_up_by_id=foreign(Unit)),
    "project_level_is_known": change(Project, level="cosmic"),
    "project_kind_is_known": change(Project, kind="hobby"),
    "project_source_is_known": change(Project, source="rumour"),
    "research_is_told_of_research_projects": change(Project, kind="investment", doctoral_students=2),
    "no_personal_identity_number_about_who_started": change(Project, initiated_by="Lärare 800101-1234"),
    "state_is_reached_by_a_step": change(Project, state="ongoing"),
    # Steps
    "a_step_follows_a_way": step(to_state="archived"),
    "a_step_leads_somewhere": step(
        kind="correction",
        project_id=lambda here, there: factories.project(here.place).pk,
        from_state="",
        to_state="",
        comment="Fel",
    ),
    "a_correction_has_a_reason": step(kind="correction", to_state="idea"),
    "a_correction_leads_back": step(kind="correction", to_state="ongoing", comment="Fel"),
    "step_state_is_known": step(kind="correction", to_state="dream", comment="Fel"),
    "step_starts_where_the_project_stands": step(from_state="idea", to_state="decided_to_apply"),
    "step_project_in_same_municipality": step(project_id=foreign(Project)),
    "taken_by_works_here": step(taken_by_id=foreign(Person)),
    "gates_are_passed_before_the_step": step(gates=["anchoring"], taken_on=EARLY),
    # Gates
    "a_gate_is_passed_once": another(ProjectGate),
    "gate_kind_is_known": another(ProjectGate, kind="luck"),
    "a_gate_has_evidence": change(ProjectGate, evidence=""),
    "gate_project_in_same_municipality": another(ProjectGate, project_id=foreign(Project), kind="budget"),
    "gate_document_in_same_municipality": change(ProjectGate, document_id=foreign(Document)),
    "done_by_works_here": change(ProjectGate, done_by_id=foreign(Person)),
    "a_gate_stands_before_its_step": gate_after_its_step,
    # Groups
    "a_group_stands_once": another(ProjectGroup),
    "group_kind_is_known": change(ProjectGroup, kind="band"),
    "group_project_in_same_municipality": another(ProjectGroup, project_id=foreign(Project), kind="working"),
    "a_member_is_ours_or_anothers": change(GroupMember, organisation="Ett universitet"),
    "member_ends_after_beginning": change(GroupMember, starts_on=date(2026, 2, 1), ends_on=date(2026, 1, 1)),
    "no_personal_identity_number_about_a_member": change(GroupMember, function="800101-1234"),
    "member_group_in_same_municipality": another(GroupMember, group_id=foreign(ProjectGroup)),
    "member_unit_in_same_municipality": change(GroupMember, unit_id=foreign(Unit)),
    "person_works_here": change(GroupMember, person_id=foreign(Person)),
    "a_group_meets_once_a_day": another(GroupMeeting),
    "meeting_group_in_same_municipality": another(
        GroupMeeting, group_id=foreign(ProjectGroup), held_on=EARLY
    ),
    "meeting_minutes_in_same_municipality": change(GroupMeeting, minutes_id=foreign(Document)),
    # Effects
    "followed_up_once_a_day": another(EffectFollowUp),
    "a_follow_up_done_says_what_was_found": change(EffectFollowUp, done_on=date(2026, 1, 1)),
    "follow_up_project_in_same_municipality": another(
        EffectFollowUp, project_id=foreign(Project), due_on=EARLY
    ),
    # Documents
    "document_has_a_title": change(Document, title=""),
    "document_kind_is_known": change(Document, kind="secret"),
    "secrecy_has_a_legal_ground": change(Document, is_secret=True),
    "kept_until_a_day_has_its_day": change(Document, retention="until"),
    "document_is_withdrawn_with_a_reason": change(Document, withdrawn_at=NOON),
    "document_file_in_same_municipality": another(Document, file_id=foreign(StoredFile)),
    "added_by_works_here": another(Document, added_by_id=foreign(Person)),
    "project_document_project_in_same_municipality": another_of_project(project_id=foreign(Project)),
    "project_document_in_same_municipality": another(ProjectDocument, document_id=of_another_project),
    "projects_projectdocument_document_id_key": another(ProjectDocument),
    "reading_document_in_same_municipality": another(Reading, document_id=foreign(Document)),
    "reading_kind_is_known": another(Reading, kind="glance", document_id=None),
    "a_document_read_is_named": another(Reading, document_id=None),
    # What is reported, coded and listed
    "reported_project_has_a_title": another(ReportedProject, title=""),
    "reported_project_ends_after_it_starts": another(
        ReportedProject, starts_on=date(2026, 2, 1), ends_on=date(2026, 1, 1)
    ),
    "reported_amount_is_not_negative": another(ReportedProject, amount=-1),
    "reported_currency_has_three_letters": another(ReportedProject, amount_currency="kr"),
    "a_report_is_settled_whole": change(ReportedProject, state="declined"),
    "reported_file_in_same_municipality": another(ReportedProject, file_id=foreign(StoredFile)),
    "reported_unit_in_same_municipality": change(ReportedProject, unit_id=foreign(Unit)),
    "reported_project_in_same_municipality": change(ReportedProject, project_id=foreign(Project)),
    "reported_by_works_here": another(ReportedProject, reported_by_id=foreign(Person)),
    "settled_by_works_here": change(ReportedProject, settled_by_id=foreign(Person)),
    "a_code_stands_once_in_its_accounts": another(ProjectNumber),
    "a_project_number_has_a_code": change(ProjectNumber, code=""),
    "external_is_known": change(ProjectNumber, external="maybe", project_id=None),
    "a_code_closes_after_it_opens": change(
        ProjectNumber, opened_on=date(2026, 2, 1), closed_on=date(2026, 1, 1)
    ),
    "an_answer_has_who_and_when": change(ProjectNumber, answered_at=None),
    "a_code_with_a_project_is_external": change(ProjectNumber, external="no"),
    "number_project_in_same_municipality": change(ProjectNumber, project_id=foreign(Project)),
    "number_batch_in_same_municipality": change(ProjectNumber, batch_id=foreign(ImportBatch)),
    "answered_by_works_here": change(ProjectNumber, answered_by_id=foreign(Person)),
    "a_profile_stands_once": another(GrantListProfile),
    "a_profile_has_a_name": change(GrantListProfile, name=""),
    "a_grant_is_listed_once": another(ListedGrant),
    "a_grant_is_settled_whole": change(ListedGrant, outcome="set_aside"),
    "grant_currency_has_three_letters": change(ListedGrant, amount_currency="kr"),
    "grant_batch_in_same_municipality": change(ListedGrant, batch_id=foreign(ImportBatch)),
    "grant_unit_in_same_municipality": change(ListedGrant, unit_id=foreign(Unit)),
    "grant_project_in_same_municipality": change(ListedGrant, project_id=foreign(Project)),
    # The municipality's own ways
    "strategy_maildomain_domain_key": another(MailDomain),
    "mail_domain_is_a_domain": change(MailDomain, domain="@kommun"),
    "handed_over_to_somebody_else": change(Handover, receiver_id=lambda here, there: here.row(Person).pk),
    "handover_has_a_reason": change(Handover, reason=""),
    "a_cancelled_handover_is_not_done": change(Handover, done_at=NOON, cancelled_at=NOON),
    "receiver_works_here": change(Handover, receiver_id=foreign(Person)),
    "ordered_by_works_here": change(Handover, ordered_by_id=foreign(Person)),
    "a_view_is_saved_once": another(SavedView),
    "what_is_always_seen_has_no_filters": change(SavedView, name="", shared=True),
}

# Unique with the primary key alone: there for the references that carry the municipality.
NOT_TO_BE_BROKEN = {
    "unit_key_with_municipality",
    "stored_file_key_with_municipality",
    "import_batch_key_with_municipality",
    "project_key_with_municipality",
    "document_key_with_municipality",
    "group_key_with_municipality",
}

# A person cannot come upon these through a page, or a form's own field says it first; each with the reason.
WITHOUT_A_MESSAGE = {
    **dict.fromkeys(
        [
            "municipality_kind_is_known",
            "unit_kind_is_known",
            "unit_name_kind_is_known",
            "assignment_role_is_known",
            "funder_kind_is_known",
            "project_state_is_known",
            "project_role_is_known",
            "project_co_financing_is_known",
            "project_accounting_is_known",
            "project_precision_is_day_or_month",
            "party_role_is_known",
            "share_role_is_known",
            "share_co_financing_is_known",
            "imported_action_is_known",
            "project_level_is_known",
            "project_kind_is_known",
            "project_source_is_known",
            "step_state_is_known",
            "gate_kind_is_known",
            "group_kind_is_known",
            "document_kind_is_known",
            "reading_kind_is_known",
            "external_is_known",
        ],
        "A choice field offers the known ones and says so itself.",
    ),
    **dict.fromkeys(
        [
            "unit_parent_in_same_municipality",
            "unit_name_in_same_municipality",
            "board_service_unit_in_same_municipality",
            "board_service_board_in_same_municipality",
            "assignment_unit_in_same_municipality",
            "import_batch_file_in_same_municipality",
            "uploaded_by_works_here",
            "project_unit_project_in_same_municipality",
            "project_party_in_same_municipality",
            "imported_project_batch_in_same_municipality",
            "imported_project_in_same_municipality",
            "share_project_of_its_owner",
            "share_unit_in_same_municipality",
            "a_project_is_shared_with_others",
            "project_kept_up_by_in_same_municipality",
            "step_project_in_same_municipality",
            "gate_project_in_same_municipality",
            "gate_document_in_same_municipality",
            "group_project_in_same_municipality",
            "member_group_in_same_municipality",
            "member_unit_in_same_municipality",
            "meeting_group_in_same_municipality",
            "meeting_minutes_in_same_municipality",
            "follow_up_project_in_same_municipality",
            "document_file_in_same_municipality",
            "project_document_project_in_same_municipality",
            "project_document_in_same_municipality",
            "projects_projectdocument_document_id_key",
            "reading_document_in_same_municipality",
            "reported_file_in_same_municipality",
            "reported_unit_in_same_municipality",
            "reported_project_in_same_municipality",
            "number_project_in_same_municipality",
            "number_batch_in_same_municipality",
            "grant_batch_in_same_municipality",
            "grant_unit_in_same_municipality",
            "grant_project_in_same_municipality",
            "taken_by_works_here",
            "done_by_works_here",
            "added_by_works_here",
            "answered_by_works_here",
            "reported_by_works_here",
            "settled_by_works_here",
            "ordered_by_works_here",
            "person_works_here",
        ],
        "Set by the program, or chosen from the municipality's own rows alone.",
    ),
    **dict.fromkeys(
        [
            "stored_file_has_a_sha256",
            "import_batch_state_has_its_time",
            "a_word_is_remembered_once",
            "a_batch_touches_a_project_once",
            "register_id_is_used_once",
            "project_title_is_nfc",
            "project_recorded_year_is_a_year",
            "month_start_is_its_first_day",
            "month_end_is_its_last_day",
            "account_address_is_in_lower_case",
            "strategy_account_email_key",
            "strategy_account_person_id_key",
            "a_document_read_is_named",
            "an_answer_has_who_and_when",
            "a_cancelled_handover_is_not_done",
            "what_is_always_seen_has_no_filters",
        ],
        "Written by the program.",
    ),
    **dict.fromkeys(
        [
            "strategy_municipality_name_key",
            "strategy_municipality_code_key",
            "strategy_municipality_organisation_number_key",
            "municipality_code_has_four_digits",
            "a_municipality_has_a_code",
            "organisation_number_has_its_check_digit",
            "municipality_has_a_name",
            "nobody_is_a_member_of_itself",
            "membership_ends_after_it_starts",
            "one_membership_at_a_time",
            "one_population_a_year",
            "population_year_is_a_year",
        ],
        "Municipalities, members and populations have no page yet; commands say the rule's name.",
    ),
    **dict.fromkeys(
        ["shared_own_share_is_not_negative", "share_currency_has_three_letters"],
        "The other municipality's share has no page yet; AmountField refuses both.",
    ),
    **dict.fromkeys(
        [
            "party_country_has_two_letters",
            "funder_stands_once",
            "funder_has_a_name",
            "programme_stands_once",
            "programme_has_a_name",
        ],
        "Countries, funders and programmes come from the reference files and imports, which look first.",
    ),
}

# Rules that are triggers without a name of their own: table, statement, what is said.
PROTECTED = [
    *(
        (model, f"DELETE FROM {model._meta.db_table} WHERE id = %s", "delete rows from")
        for model in (
            Municipality,
            Unit,
            Person,
            Assignment,
            StoredFile,
            ImportBatch,
            Message,
            Funder,
            Programme,
            Project,
            Document,
            Handover,
            ReportedProject,
            ProjectNumber,
            ListedGrant,
        )
    ),
    *(
        (model, f"{verb} {model._meta.db_table}{said} WHERE id = %s", "update or delete rows")
        for model in (ProjectStep, Reading)
        for verb, said in (("DELETE FROM", ""), ("UPDATE", " SET id = id"))
    ),
    (Document, "UPDATE strategy_document SET added_at = now() WHERE id = %s", "Cannot update rows"),
    (ReportedProject, "UPDATE projects_reportedproject SET title = 'x' WHERE id = %s", "Cannot update rows"),
    (ProjectGate, "UPDATE projects_projectgate SET kind = 'budget' WHERE id = %s", "Cannot update rows"),
    (StoredFile, "UPDATE strategy_storedfile SET size = 2 WHERE id = %s", "update or delete rows"),
    (Project, "UPDATE projects_project SET register_number = 99 WHERE id = %s", "Cannot update rows"),
    (Project, "UPDATE projects_project SET register_year = 2001 WHERE id = %s", "Cannot update rows"),
    (ProjectShare, "UPDATE projects_projectshare SET project_id = 1 WHERE id = %s", "Cannot update rows"),
]


@pytest.fixture
def two(db):
    return everything("Sjöstad"), everything("Bergstad")


def own_tables():
    return [
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in {"strategy", "projects", "reporting"} and model not in event_models()
    ]


def ask(sql, params=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def rules():
    """The names of all rules that stand in the database for our own tables."""
    tables = own_tables()
    named = {
        name
        for (name,) in ask(
            "SELECT conname FROM pg_constraint WHERE conrelid = ANY (%s::regclass[]) AND (contype IN ('u', 'x')"
            " OR (contype = 'f' AND array_length(conkey, 1) = 2) OR (contype = 'c' AND conname NOT LIKE %s))"
            " UNION SELECT i.indexrelid::regclass::text FROM pg_index i"
            " WHERE i.indrelid = ANY (%s::regclass[]) AND i.indisunique AND NOT i.indisprimary",
            [tables, "%\\_check", tables],
        )
    }
    for (source,) in ask(
        "SELECT p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = ANY (%s::regclass[])",
        [tables],
    ):
        named |= set(re.findall(r"CONSTRAINT = '(\w+)'", source))
    return named


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_refused_by_the_name_of_its_rule(two, name):
    here, there = two
    # Reading the other's rows too, as in a joint list: the rule must hold even where they are seen.
    with scope(here.place.pk, reads=[there.place.pk], installation=name.startswith("strategy_municipality")):
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            BAD_ROWS[name](here, there)
            ask("SET CONSTRAINTS ALL IMMEDIATE")
        assert forms.constraint_name(error.value) == name


def test_every_rule_of_the_database_has_a_bad_row(db):
    assert rules() == BAD_ROWS.keys() | NOT_TO_BE_BROKEN


def test_numbers_that_cannot_be_negative_are_not(two):
    here, _there = two
    checks = ask(
        "SELECT conrelid::regclass::text, a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid"
        " AND a.attnum = c.conkey[1] WHERE c.contype = 'c' AND c.conname LIKE %s AND c.conrelid = ANY (%s::regclass[])",
        ["%\\_check", own_tables()],
    )
    assert len(checks) >= 10
    with scope(here.place.pk):
        for table, column in checks:
            if table == "strategy_storedfile" or column in {"version", "register_year", "register_number"}:
                continue  # never changed by hand: other rules refuse first, or a trigger counts
            with pytest.raises(DatabaseError, match="check constraint"), transaction.atomic():
                ask(f"UPDATE {table} SET {column} = -1 WHERE id = %s", [here.rows[table].pk])


@pytest.mark.parametrize(("model", "statement", "said"), PROTECTED)
def test_what_is_kept_for_good_is_neither_changed_nor_deleted(two, model, statement, said):
    here, _there = two
    with (
        scope(here.place.pk, installation=model is Municipality),
        pytest.raises(DatabaseError, match=said),
        transaction.atomic(),
    ):
        ask(statement, [here.row(model).pk])


def test_versions_are_counted_by_the_database_whoever_writes(two):
    here, _there = two
    with scope(here.place.pk):
        for table, row in here.rows.items():
            if not any(field.name == "version" for field in row._meta.concrete_fields):
                continue
            before = ask(f"SELECT version FROM {table} WHERE id = %s", [row.pk])[0][0]
            ask(f"UPDATE {table} SET version = 1 WHERE id = %s", [row.pk])
            assert (table, ask(f"SELECT version FROM {table} WHERE id = %s", [row.pk])) == (
                table,
                [(before + 1,)],
            )


def test_decomposed_letters_find_the_same_row(two):
    here, _there = two
    with scope(here.place.pk):
        with pytest.raises(DatabaseError, match="funder_stands_once"), transaction.atomic():
            Funder.objects.bulk_create([Funder(municipality=here.place, name="Stiftelsen Sjo\u0308stad")])
        with pytest.raises(DatabaseError, match="unit_name_is_taken"), transaction.atomic():
            factories.unit(here.place, "Socialfo\u0308rvaltningen")
        unit = factories.unit(here.place, "A\u0308ldreomsorgen")
        unit.refresh_from_db()
        assert unit.name == "Äldreomsorgen"


def test_what_is_allowed_is_allowed(two):
    """Beside the refusals: neighbours of the bad rows that must pass."""
    here, _there = two
    with scope(here.place.pk):
        unit, place = here.row(Unit), here.place
        factories.assignment(here.row(Person), Role.CONTACT_PERSON, place, unit, ends_on=date(2021, 6, 30))
        factories.assignment(
            factories.person(place), Role.CONTACT_PERSON, place, unit, starts_on=date(2021, 7, 1)
        )
        factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit, subject="Ungdomar")
        change(Project, total_budget=100, own_share=100)(here, _there)
        change(Project, own_share=200, own_share_currency="EUR")(here, _there)
        change(Project, starts_on=date(2026, 2, 1), ends_on=date(2026, 2, 28), ends_precision="month")(
            here, _there
        )
        change(Project, withdrawn_at=NOON + timedelta(days=1), withdrawn_reason="Dubblett")(here, _there)
        ask("SET CONSTRAINTS ALL IMMEDIATE")


def test_every_rule_that_a_person_can_meet_has_a_sentence():
    assert BAD_ROWS.keys() - WITHOUT_A_MESSAGE.keys() - forms._messages.keys() == set()
    # Neither list outlives its rules.
    assert WITHOUT_A_MESSAGE.keys() - BAD_ROWS.keys() == set()
    assert all(reason for reason in WITHOUT_A_MESSAGE.values())
