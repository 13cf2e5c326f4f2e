"""Projects in and out as tables."""

from projects.exchange.batches import (
    BatchMovedOn,
    Progress,
    Undone,
    UndoneFirst,
    answer,
    batches_visible_to,
    cancel,
    choose_sheet,
    confirm,
    is_long,
    preview_of,
    progress,
    sheets_of,
    undo,
    upload,
)
from projects.exchange.columns import COLUMNS, ProjectResource, export_projects, read_projects
from projects.exchange.jobs import confirm_later
from projects.exchange.judge import KIND, Judge, with_answers
from projects.exchange.template import write_template

__all__ = [
    "COLUMNS",
    "KIND",
    "BatchMovedOn",
    "Judge",
    "Progress",
    "ProjectResource",
    "Undone",
    "UndoneFirst",
    "answer",
    "batches_visible_to",
    "cancel",
    "choose_sheet",
    "confirm",
    "confirm_later",
    "export_projects",
    "is_long",
    "preview_of",
    "progress",
    "read_projects",
    "sheets_of",
    "undo",
    "upload",
    "with_answers",
    "write_template",
]
