"""Projects in and out as tables."""

from projects.exchange.batches import (
    BatchMovedOn,
    Undone,
    answer,
    batches_visible_to,
    cancel,
    confirm,
    preview_of,
    undo,
    upload,
)
from projects.exchange.columns import COLUMNS, ProjectResource, export_projects, read_projects
from projects.exchange.judge import KIND, Judge, with_answers

__all__ = [
    "COLUMNS",
    "KIND",
    "BatchMovedOn",
    "Judge",
    "ProjectResource",
    "Undone",
    "answer",
    "batches_visible_to",
    "cancel",
    "confirm",
    "export_projects",
    "preview_of",
    "read_projects",
    "undo",
    "upload",
    "with_answers",
]
