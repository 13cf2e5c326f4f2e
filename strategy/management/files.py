"""Why a command cannot read or write a file, in a sentence of our own: the system's words are English."""

from __future__ import annotations

import errno
from pathlib import Path

from django.utils.translation import gettext as _


def unreadable(path: Path, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return _("There is no file %(file)s. Check how the path is written.") % {"file": path}
        case errno.EISDIR:
            return _("%(file)s is a folder. Give a file in it.") % {"file": path}
        case errno.EACCES | errno.EPERM:
            return _("The file %(file)s may not be read by the account that runs the command.") % {
                "file": path
            }
    return _("The file %(file)s cannot be read (%(code)s).") % {"file": path, "code": _code(error)}


def unwritable(path: Path, error: OSError) -> str:
    """`-o` is the option that names the file."""
    told = {"file": path, "folder": path.parent}
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return _("There is no folder %(folder)s. Make it first, or choose another place with -o.") % told
        case errno.EISDIR:
            return _("%(file)s is a folder. Name a file in it with -o.") % told
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return (
                _(
                    "The account that runs the command may not write in %(folder)s. "
                    "Choose another place with -o."
                )
                % told
            )
        case errno.ENOSPC | errno.EDQUOT:
            return (
                _(
                    "The disk is full, and %(file)s was not written. Make room, or choose another place with -o."
                )
                % told
            )
    return _("The file %(file)s could not be written (%(code)s). Choose another place with -o.") % {
        "file": path,
        "code": _code(error),
    }


def _code(error: OSError) -> str:
    """ "EIO": what IT can look up, whatever the language."""
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
