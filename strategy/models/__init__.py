from strategy.models.files import BatchState, ImportBatch, RememberedWord, StoredFile
from strategy.models.messages import Message
from strategy.models.organisation import (
    OWNING_KINDS,
    BoardService,
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
    "ImportBatch",
    "Message",
    "Municipality",
    "MunicipalityKind",
    "MunicipalityMember",
    "Person",
    "Population",
    "RememberedWord",
    "Role",
    "StoredFile",
    "Unit",
    "UnitKind",
    "UnitName",
    "UnitNameKind",
]
