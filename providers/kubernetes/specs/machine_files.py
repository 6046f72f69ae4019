"""What actions on disks and files of physical machines are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from bridge.model.problem import Problem
from providers.kubernetes.specs.base import Integer, Unsigned8, Unsigned32
from providers.kubernetes.specs.findings import field_path
from providers.kubernetes.specs.machine_config import MachineConfig, Size, known_size


class DiskFill(MachineConfig):
    """A disk that fills up."""

    needed: ClassVar[tuple[str, ...]] = ("size",)

    size: Size | None = Field(
        default=None, description="Data that is written or read, with a unit."
    )
    path: str | None = Field(
        default=None,
        description="File that is written or read; a temporary one without it.",
        json_schema_extra={"example": "/var/lib/data/fill"},
    )
    fill_by_fallocate: bool | None = Field(
        default=None, description="Whether space is reserved instead of written."
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """The size and its unit."""
        yield from super().refusals(path)
        yield from known_size(self.size, field_path(self, "size", path))


class DiskPayload(MachineConfig):
    """A disk that is busy."""

    needed: ClassVar[tuple[str, ...]] = ("payload_process_num", "size")

    size: Size | None = Field(
        default=None, description="Data that is written or read, with a unit."
    )
    path: str | None = Field(
        default=None, description="File that is written or read; a temporary one without it."
    )
    payload_process_num: Unsigned8 | None = Field(
        default=None,
        description="Number of processes that write or read, 1 to 255.",
        json_schema_extra={"example": 1},
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """The size and its unit."""
        yield from super().refusals(path)
        yield from known_size(self.size, field_path(self, "size", path))


FileName = Annotated[str, Field(json_schema_extra={"example": "/var/lib/data/example"})]


class FileOrDirectory(MachineConfig):
    """A file or a directory that is created or deleted."""

    file_name: FileName | None = Field(default=None, description="Path of the file.")
    dir_name: FileName | None = Field(default=None, description="Path of the directory.")

    def refusals(self, path: str) -> Iterator[Problem]:
        """One of both."""
        if not self.file_name and not self.dir_name:
            yield self.missing("file_name", path, "or dir-name is required")


class FileModify(MachineConfig):
    """A file whose permissions change."""

    needed: ClassVar[tuple[str, ...]] = ("file_name", "privilege")

    file_name: FileName | None = Field(default=None, description="Path of the file.")
    privilege: Unsigned32 | None = Field(
        default=None,
        description="Permissions as three digits, like chmod reads them.",
        json_schema_extra={"example": 644},
    )


class FileRename(MachineConfig):
    """A file that is renamed."""

    needed: ClassVar[tuple[str, ...]] = ("source_file", "dest_file")

    source_file: FileName | None = Field(default=None, description="Path of the file.")
    dest_file: FileName | None = Field(default=None, description="Path that it gets.")


class FileAppend(MachineConfig):
    """A file that data is appended to."""

    needed: ClassVar[tuple[str, ...]] = ("file_name", "data")

    file_name: FileName | None = Field(default=None, description="Path of the file.")
    data: str | None = Field(default=None, description="Text that is appended.")
    count: Integer | None = Field(default=None, description="How many times it is appended.")


class FileReplace(MachineConfig):
    """A file in which text is replaced."""

    needed: ClassVar[tuple[str, ...]] = ("file_name", "origin_string", "dest_string")

    file_name: FileName | None = Field(default=None, description="Path of the file.")
    origin_string: str | None = Field(default=None, description="Text that is replaced.")
    dest_string: str | None = Field(default=None, description="Text that takes its place.")
    line: Integer | None = Field(
        default=None, description="The line it is replaced in; all without."
    )
