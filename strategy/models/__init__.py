from strategy.models.documents import Document, DocumentKind, Reading, ReadingKind, Retention
from strategy.models.files import BatchState, ImportBatch, RememberedWord, StoredFile
from strategy.models.handovers import Handover
from strategy.models.lists import SavedView
from strategy.models.messages import Message
from strategy.models.organisation import (
    OWNING_KINDS,
    BoardService,
    MailDomain,
    Municipality,
    MunicipalityKind,
    MunicipalityMember,
    Population,
    Unit,
    UnitKind,
    UnitName,
    UnitNameKind,
)
from strategy.models.people import Account, Assignment, Person, Role

__all__ = [
    "OWNING_KINDS",
    "Account",
    "Assignment",
    "BatchState",
    "BoardService",
    "Document",
    "DocumentKind",
    "Handover",
    "ImportBatch",
    "MailDomain",
    "Message",
    "Municipality",
    "MunicipalityKind",
    "MunicipalityMember",
    "Person",
    "Population",
    "Reading",
    "ReadingKind",
    "RememberedWord",
    "Retention",
    "Role",
    "SavedView",
    "StoredFile",
    "Unit",
    "UnitKind",
    "UnitName",
    "UnitNameKind",
]
