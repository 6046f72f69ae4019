"""IOChaos: delays, errors, wrong attributes and wrong data in file operations on a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.base import (
    ChaosModel,
    ChaosSpec,
    GoDuration,
    Int64,
    Integer,
    Unsigned16,
    Unsigned32,
    Unsigned64,
)
from providers.kubernetes.specs.findings import (
    ignored_with,
    odd_delay,
    unknown_word,
    unknown_words,
    warning,
)
from providers.kubernetes.specs.selector import ContainerSelection

Action = Literal["latency", "fault", "attrOverride", "mistake"]

_METHODS: Final = (
    "lookup", "forget", "getattr", "setattr", "readlink", "mknod", "mkdir", "unlink", "rmdir",
    "symlink", "rename", "link", "open", "read", "write", "flush", "release", "fsync", "opendir",
    "readdir", "releasedir", "fsyncdir", "statfs", "setxattr", "getxattr", "listxattr",
    "removexattr", "access", "create", "getlk", "setlk", "bmap",
)  # fmt: skip
_FILE_KINDS: Final = (
    "namedPipe", "charDevice", "blockDevice", "directory", "regularFile", "symlink", "socket",
)  # fmt: skip
_DETAILS: Final = {
    "latency": "delay",
    "fault": "errno",
    "attrOverride": "attr",
    "mistake": "mistake",
}
_LIKE: Final = {
    "latency": '"100ms"',
    "attrOverride": '{"perm": 72}',
    "mistake": '{"filling": "zero", "maxOccurrences": 1, "maxLength": 10}',
}
_PERCENT: Final = 100
# Linux's numbers, which are the same on the architectures that Chaos Mesh runs on.
_ERRORS: Final = {
    "EPERM": 1, "ENOENT": 2, "EINTR": 4, "EIO": 5, "ENXIO": 6, "EAGAIN": 11, "ENOMEM": 12,
    "EACCES": 13, "EBUSY": 16, "EEXIST": 17, "ENODEV": 19, "ENOTDIR": 20, "EISDIR": 21,
    "EINVAL": 22, "ENFILE": 23, "EMFILE": 24, "EFBIG": 27, "ENOSPC": 28, "EROFS": 30,
    "ETIMEDOUT": 110, "EDQUOT": 122,
}  # fmt: skip


def _error_number(value: Any) -> Any:
    if isinstance(value, str) and (number := _ERRORS.get(value.upper())):
        raise ValueError(f"is the name of an error where its number is wanted, write {number}")
    return value


class Timespec(ChaosModel):
    """A time since 1970."""

    sec: Int64 = Field(description="Seconds.")
    nsec: Int64 = Field(description="Nanoseconds beyond the seconds.")


class Attributes(ChaosModel):
    """What stands in place of the files' own attributes."""

    ino: Unsigned64 | None = Field(default=None, description="Inode number.")
    size: Unsigned64 | None = Field(default=None, description="Size in bytes.")
    blocks: Unsigned64 | None = Field(default=None, description="Number of 512-byte blocks.")
    atime: Timespec | None = Field(default=None, description="Time of the last access.")
    mtime: Timespec | None = Field(default=None, description="Time of the last modification.")
    ctime: Timespec | None = Field(default=None, description="Time of the last status change.")
    kind: str | None = Field(
        default=None, description="File type.", json_schema_extra={"choices": list(_FILE_KINDS)}
    )
    perm: Unsigned16 | None = Field(
        default=None,
        description="Permissions as a decimal number: 420 for 0644, 493 for 0755.",
        json_schema_extra={"example": 420},
    )
    nlink: Unsigned32 | None = Field(default=None, description="Number of hard links.")
    uid: Unsigned32 | None = Field(default=None, description="User id of the owner.")
    gid: Unsigned32 | None = Field(default=None, description="Group id of the owner.")
    rdev: Unsigned32 | None = Field(default=None, description="Device id of a device file.")

    def findings(self, path: str) -> Iterator[Problem]:
        """Permissions that were written in octal, and file types that no file system has."""
        digits = str(self.perm)
        if self.perm is not None and len(digits) == 3 and digits[0] >= "4" and _is_octal(digits):  # noqa: PLR2004 - rwx for three classes
            message = (
                f"{digits} is read as a decimal number, which is {self.perm:#o} in octal; "
                f"write {int(digits, 8)} for 0{digits}"
            )
            yield warning(child(path, "perm"), message)
        if self.kind:
            yield from unknown_word(
                self.kind, _FILE_KINDS, child(path, "kind"), "so the injection fails"
            )


def _is_octal(digits: str) -> bool:
    return all(digit in "01234567" for digit in digits)


class Mistake(ChaosModel):
    """Wrong data in what is read or written."""

    filling: Literal["zero", "random"] | None = Field(
        default=None, description="What the wrong data consists of."
    )
    max_occurrences: Annotated[Int64, Field(ge=1)] | None = Field(
        default=None, description="The most wrong segments in one operation."
    )
    max_length: Annotated[Int64, Field(ge=1)] | None = Field(
        default=None, description="The most bytes of one wrong segment."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The documentation wants all three; neither CRD nor webhook asks for any."""
        for name in ("filling", "max_occurrences", "max_length"):
            if getattr(self, name) is None:
                where = child(path, type(self).model_fields[name].alias or name)
                message = (
                    "is missing, and the documentation of Chaos Mesh wants it, so it is not sure "
                    f"that anything is injected; write it like {_LIKE['mistake']}"
                )
                yield warning(where, message)


class IOChaosSpec(ChaosSpec, ContainerSelection):
    """The `spec` of an IOChaos."""

    action: Action = Field(
        description="latency delays operations, fault lets them fail, attrOverride changes the "
        "attributes of files, mistake changes the data."
    )
    volume_path: str = Field(
        description="Where the volume is mounted in the container.",
        json_schema_extra={"example": "/var/run/etcd"},
    )
    path: str | None = Field(
        default=None,
        description="Pattern of the files, with the volume's path before it; all without it.",
        json_schema_extra={"example": "/var/run/etcd/**/*"},
    )
    methods: list[str] | None = Field(
        default=None, description="File system operations such as read and write; all without it."
    )
    percent: Integer | None = Field(
        default=None,
        description="Percentage of the operations, 0 to 100.",
        json_schema_extra={"default": 100},
    )
    delay: GoDuration | None = Field(
        default=None,
        description="How long each operation is held back, for latency.",
        json_schema_extra={"example": "100ms"},
    )
    errno: Annotated[Unsigned32, BeforeValidator(_error_number)] | None = Field(
        default=None,
        description="The number of the error that operations fail with, for fault: 5 is EIO.",
        json_schema_extra={"example": 5},
    )
    attr: Attributes | None = Field(
        default=None, description="The attributes that files appear to have, for attrOverride."
    )
    mistake: Mistake | None = Field(default=None, description="The wrong data, for mistake.")

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rules for percent and errno, and actions without their details."""
        yield from super().findings(path)
        yield from self._extent(path)
        if self.action == "fault":
            if not self.errno:
                message = (
                    'must not be 0 with action "fault", write the number of an error, '
                    "such as 5 (EIO) or 28 (ENOSPC)"
                )
                yield Problem(child(path, "errno"), message)
        else:
            yield from self._details(path)
        others = [name for action, name in _DETAILS.items() if action != self.action]
        yield from ignored_with(self, self.action, others, path)

    def _details(self, path: str) -> Iterator[Problem]:
        name = _DETAILS[self.action]
        given = getattr(self, name)
        where = child(path, name)
        if not given:
            message = (
                f'is missing, and action "{self.action}" does nothing without it, '
                f"write it like {_LIKE[self.action]}"
            )
            yield warning(where, message)
        elif isinstance(given, ChaosModel) and not given.model_fields_set:
            message = f'is empty, so action "{self.action}" does nothing, write it like '
            yield warning(where, message + _LIKE[self.action])
        elif name == "delay":
            yield from odd_delay(self.delay, where)

    def _extent(self, path: str) -> Iterator[Problem]:
        percent = child(path, "percent")
        if self.percent is not None and not 0 <= self.percent <= _PERCENT:
            yield Problem(percent, f"{self.percent} is not a percentage, write 0 to 100")
        elif self.percent == 0:
            yield warning(percent, "0 percent of the operations is none, write 1 to 100")
        where = child(path, "methods")
        yield from unknown_words(self.methods, _METHODS, where, "so no operation is hit by it")
        volume = self.volume_path.rstrip("/")
        if not self.volume_path.startswith("/"):
            message = 'is not the path of a mount, so no volume is found, write it like "/data"'
            yield warning(child(path, "volumePath"), message)
        elif self.path and self.path.startswith("/") and not _inside(self.path, volume):
            message = (
                f"is outside volumePath, so no file is hit; it is the pattern of the files with "
                f'the volume\'s path before it, write it like "{volume}/**/*"'
            )
            yield warning(child(path, "path"), message)


def _inside(pattern: str, volume: str) -> bool:
    """Whether the fixed beginning of a pattern may lie in the volume."""
    fixed = pattern.split("*", 1)[0].split("?", 1)[0].split("[", 1)[0]
    return fixed.startswith(f"{volume}/") or f"{volume}/".startswith(fixed) or pattern == volume
