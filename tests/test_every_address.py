"""Every address as every role, on own and on another municipality's objects: nothing leaks, nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from projects.models import (
    EffectFollowUp,
    GrantListProfile,
    GroupMeeting,
    GroupMember,
    ListedGrant,
    Project,
    ProjectGroup,
    ProjectNumber,
    ReportedProject,
)
from strategy.models import (
    Assignment,
    BoardService,
    Document,
    Handover,
    ImportBatch,
    MailDomain,
    Municipality,
    Person,
    Role,
    SavedView,
    Unit,
)
from strategy.permissions import ROLES
from strategy.walls import scope
from tests import factories
from tests.everything import Everything, everything

pytestmark = pytest.mark.django_db

# Which object the number in an address means, by the beginning of the name of the address.
OBJECTS = {
    "saved_view": SavedView,
    "projects:import": ImportBatch,
    "projects:codes_": ImportBatch,
    "projects:code_": ProjectNumber,
    "projects:grants_": ImportBatch,
    "projects:grant_": ListedGrant,
    "projects:list_profile": GrantListProfile,
    "projects:group_add": Project,
    "projects:group": ProjectGroup,
    "projects:member": GroupMember,
    "projects:meeting": GroupMeeting,
    "projects:follow_up": EffectFollowUp,
    "projects:": Project,
    "reports_in:": ReportedProject,
    "document": Document,
    "assignment": Assignment,
    "unit": Unit,
    "board_service_end": BoardService,
    "board_service_add": Unit,
    "person": Person,
    "handover_cancel": Handover,
    "handover": Person,
    "mail_domain": MailDomain,
    "installation_administrator": Municipality,
}
# Addresses without an object of ours: packages' own, files, and what a role cannot be asked about.
ELSEWHERE = ("account_", "javascript", "set_language", "styleguide", "health")


def addresses() -> Iterator[tuple[str, str]]:
    """Name and address pattern of each of our own pages, `{pk}` standing for the object."""

    def below(patterns, prefix, namespace):
        for entry in patterns:
            if isinstance(entry, URLResolver):
                inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
                yield from below(entry.url_patterns, prefix + str(entry.pattern), inner)
            elif isinstance(entry, URLPattern) and entry.name:
                yield f"{namespace}{entry.name}", prefix + str(entry.pattern)

    for name, pattern in below(get_resolver().url_patterns, "", ""):
        if not name.startswith(ELSEWHERE) and "^" not in pattern and "(" not in pattern:
            address = pattern.replace("<int:pk>", "{pk}").replace("<int:year>", "2026")
            address = address.replace("<slug:state>", "decided_to_apply").replace("<slug:kind>", "anchoring")
            yield name, "/" + address.replace("<slug:slug>", "projektlista")


ALL = sorted(set(addresses()))


def object_of(name: str, whole: Everything) -> int:
    model = next(model for beginning, model in OBJECTS.items() if name.startswith(beginning))
    key: int = whole.row(model).pk
    return key


def test_the_addresses_are_found_by_themselves():
    names = {name for name, _address in ALL}
    assert {"home", "projects:list", "projects:change", "projects:import_undo", "unit_end", "report"} <= names
    assert len(ALL) > 35


@pytest.fixture
def two(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    return everything("Egen"), everything("Annan")


@pytest.mark.parametrize("role", ROLES)
def test_no_role_reads_or_writes_another_municipalitys_object_and_no_address_breaks(client, two, role):
    own, foreign = two
    with scope(own.place.pk):
        who = factories.person(own.place)
        at = own.row(Unit) if role in {Role.CONTACT_PERSON, Role.HEAD} else None
        factories.assignment(
            who, role, own.place, at, **({"subject": "Prov"} if role == Role.CONTACT_PERSON else {})
        )
    factories.login(client, who)
    wrong: list[tuple[object, ...]] = []
    for name, address in ALL:
        for whole in (own, foreign) if "{pk}" in address else (own,):
            place = address.format(pk=object_of(name, whole)) if "{pk}" in address else address
            for method, answer in (
                ("get", client.get(place)),
                ("post", client.post(place, {"reason": "Prov"})),
            ):
                status = answer.status_code
                if status >= 500:
                    wrong.append((name, method, status))
                if whole is foreign and status not in (403, 404, 405):
                    wrong.append((name, method, "foreign", status))
                if whole is foreign and status == 200:
                    wrong.append((name, method, "leaks"))
    assert wrong == []


def test_without_a_login_every_address_asks_for_one(client, two):
    own, _foreign = two
    open_to_all = {
        name
        for name, address in ALL
        if client.get(address.format(pk=object_of(name, own)) if "{pk}" in address else address).status_code
        == 200
    }
    # How an amount is read says nothing of anybody.
    assert open_to_all == {"help", "reports_in:amount"}
