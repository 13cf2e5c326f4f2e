"""Files: stored under their SHA-256, written once and before the commit, handed out by permission alone."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from strategy.models import Municipality, StoredFile
from values.text import nfc


class LimitedUploadHandler(FileUploadHandler):
    """Stops reading an upload that is larger than any file we take, and says so in `request.upload_too_large`."""

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: bytes, encoding: str | None = None
    ) -> None:
        self.refused = content_length > settings.REGISTER_FILE_LIMIT + 1024 * 1024

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.received += len(raw_data)
        if self.refused or self.received > settings.REGISTER_FILE_LIMIT:
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


def contents(file: StoredFile) -> bytes:
    """The bytes as they came. Raises FileDamaged when they no longer are."""
    try:
        data = path_of(file.sha256).read_bytes()
    except OSError as error:
        raise FileDamaged(file.name) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise FileDamaged(file.name)
    return data


class FileDamaged(Exception):
    """The stored file is missing or is not what was stored."""
