"""Files: stored under their SHA-256, written once and before the commit, handed out by permission alone."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, TypeVar

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from strategy.models import Municipality, StoredFile
from strategy.walls import scope
from values.text import nfc

# What a page takes where it says nothing of its own.
ORDINARY_LIMIT = "REGISTER_FILE_LIMIT"

V = TypeVar("V", bound=Callable[..., HttpResponseBase])


def takes_files(limit: str) -> Callable[[V], V]:
    """Says how large a file a page takes: the name of a setting, in bytes. Outermost of a view's decorators."""

    def mark(view: V) -> V:
        view.file_limit = limit  # type: ignore[attr-defined]
        return view

    return mark


class LimitedUploadHandler(FileUploadHandler):
    """Stops reading an upload that is larger than what the page takes, and says so in `request.upload_too_large`."""

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: str, encoding: str | None = None
    ) -> None:
        self.limit = self._limit()
        self.refused = content_length > self.limit + 1024 * 1024

    def _limit(self) -> int:
        match = self.request.resolver_match if self.request is not None else None
        limit: int = getattr(settings, getattr(match and match.func, "file_limit", ORDINARY_LIMIT))
        return limit

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.received += len(raw_data)
        if self.refused or self.received > self.limit:
            if self.request is not None:
                self.request.upload_too_large = True  # type: ignore[attr-defined]
            # The rest is read and thrown away, so that the browser gets an answer instead of a broken line.
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def upload_was_too_large(request: HttpRequest) -> bool:
    return bool(getattr(request, "upload_too_large", False))


def path_of(sha256: str) -> Path:
    return Path(settings.FILES_DIR) / sha256[:2] / sha256[2:4] / sha256


def store(municipality: Municipality, name: str, data: bytes, content_type: str = "") -> StoredFile:
    """Writes the file (if its contents are new) and its row. The file is there before the row commits.

    A row that never commits leaves a file that nothing names; the nightly sweep may take it.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    target = path_of(sha256)
    _hold_off_the_sweep()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o440)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return StoredFile.objects.create(
        municipality=municipality,
        sha256=sha256,
        name=nfc(Path(name.replace("\\", "/")).name)[:255],
        size=len(data),
        content_type=content_type[:100],
    )


def sweep(now: datetime, *, spared: timedelta = timedelta(days=1)) -> int:
    """Removes files that no row names (their transaction never committed); returns how many.

    What is younger than a day is spared. Nothing is removed while a transaction that stores a file is open:
    it may have found its contents in a file that is about to be removed. Then the next night will do.
    """
    places = list(Municipality.objects.values_list("pk", flat=True))
    removed = 0
    with scope(reads=places):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('medel.files'))")
            if not cursor.fetchone()[0]:
                return 0
        named = set(StoredFile.objects.values_list("sha256", flat=True))
        named |= set(Municipality.objects.exclude(arms="").values_list("arms", flat=True))
        for path in Path(settings.FILES_DIR).glob("??/??/*"):
            if path.name not in named and path.stat().st_mtime < (now - spared).timestamp():
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def _hold_off_the_sweep() -> None:
    """Until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext('medel.files'))")


def contents(file: StoredFile) -> bytes:
    """The bytes as they came. Raises FileDamaged when they no longer are."""
    try:
        data = path_of(file.sha256).read_bytes()
    except OSError as error:
        raise FileDamaged(file.name) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise FileDamaged(file.name)
    return data


def opened(file: StoredFile) -> IO[bytes]:
    """The file open at its beginning, read through once to see that it is what was stored. Raises FileDamaged.

    For large files, which are handed out piece by piece; whoever calls closes it.
    """
    try:
        stream = path_of(file.sha256).open("rb")
    except OSError as error:
        raise FileDamaged(file.name) from error
    try:
        if hashlib.file_digest(stream, "sha256").hexdigest() != file.sha256:
            raise FileDamaged(file.name)
        stream.seek(0)
    except OSError as error:
        stream.close()
        raise FileDamaged(file.name) from error
    except FileDamaged:
        stream.close()
        raise
    return stream


class FileDamaged(Exception):
    """The stored file is missing or is not what was stored."""
