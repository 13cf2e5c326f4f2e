from projects.models.funding import Funder, FunderKind, Programme
from projects.models.registry import (
    FINISHED,
    Accounting,
    CoFinancingKind,
    ImportedAction,
    ImportedProject,
    PartyRole,
    Project,
    ProjectParty,
    ProjectRole,
    ProjectShare,
    ProjectUnit,
    State,
)

__all__ = [
    "FINISHED",
    "Accounting",
    "CoFinancingKind",
    "Funder",
    "FunderKind",
    "ImportedAction",
    "ImportedProject",
    "PartyRole",
    "Programme",
    "Project",
    "ProjectParty",
    "ProjectRole",
    "ProjectShare",
    "ProjectUnit",
    "State",
]
