"""What may be done with projects, added to the one table of strategy.permissions."""

from strategy.permissions import ALL, NONE, OWN, UNIT, declare

# fmt: off
declare({
    #                       admin strat contact manager owner econ  head  registr applic network reader auditor employee
    # The register level is public record, and doubles are avoided when all can see it.
    "project.read":          (ALL, ALL,  ALL,    ALL,    ALL,  ALL,  ALL,  ALL,    ALL,   ALL,    ALL,   ALL,    ALL),
    # Notes follow responsibility, beyond the register level; another municipality's are not read at all.
    "project.read_notes":    (ALL, ALL,  UNIT,   OWN,    OWN,  UNIT, UNIT, NONE,   NONE,  NONE,   NONE,  ALL,    NONE),
    "project.export":        (ALL, ALL,  ALL,    ALL,    ALL,  ALL,  ALL,  ALL,    ALL,   ALL,    ALL,   ALL,    NONE),
    "project.register":      (NONE, ALL, UNIT,   UNIT,   UNIT, NONE, UNIT, NONE,   UNIT,  NONE,   NONE,  NONE,   NONE),
    "project.change":        (NONE, ALL, UNIT,   OWN,    OWN,  NONE, UNIT, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    # The numbers by which the accounts and the registry know a project, given by who keeps them.
    "project.number":        (NONE, ALL, UNIT,   OWN,    OWN,  UNIT, UNIT, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    "project.dnr":           (NONE, ALL, UNIT,   OWN,    OWN,  NONE, UNIT, ALL,    NONE,  NONE,   NONE,  NONE,   NONE),
    "project.withdraw":      (NONE, ALL, UNIT,   NONE,   NONE, NONE, UNIT, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    "project.share":         (NONE, ALL, NONE,   NONE,   NONE, NONE, NONE, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    # Anybody may report what nobody registered; an auditor changes nothing.
    "report.make":           (ALL, ALL,  ALL,    ALL,    ALL,  ALL,  ALL,  ALL,    ALL,   ALL,    ALL,   NONE,   ALL),
    "report.read":           (NONE, ALL, UNIT,   NONE,   NONE, NONE, UNIT, NONE,   NONE,  NONE,   NONE,  ALL,    NONE),
    "report.settle":         (NONE, ALL, UNIT,   NONE,   NONE, NONE, UNIT, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    # The accounts' codes and the funders' public lists, gone through for what the register does not know.
    "code_list.read":        (NONE, ALL, NONE,   NONE,   NONE, ALL,  NONE, NONE,   NONE,  NONE,   NONE,  ALL,    NONE),
    "code_list.take":        (NONE, ALL, NONE,   NONE,   NONE, ALL,  NONE, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    "grant_list.read":       (NONE, ALL, NONE,   NONE,   NONE, ALL,  NONE, NONE,   NONE,  NONE,   NONE,  ALL,    NONE),
    "grant_list.take":       (NONE, ALL, NONE,   NONE,   NONE, NONE, NONE, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    "project.import":        (NONE, ALL, NONE,   NONE,   NONE, NONE, NONE, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    # Batches and their files are read by who takes in and who audits.
    "import.read":           (ALL, ALL,  NONE,   NONE,   NONE, NONE, NONE, NONE,   NONE,  NONE,   NONE,  ALL,    NONE),
})
# fmt: on
