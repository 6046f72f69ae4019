"""The certificate that a bridge shows, followed as its files are replaced."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any, Final

from bridge.api.process import StartError
from bridge.settings import Settings

LOOK_EVERY: Final = 60.0
"""Seconds between two looks at the files: certificates live for hours, and are renewed early."""

_log = logging.getLogger(__name__)


class Certificate:
    """A certificate with its key, for new connections as the files are now.

    Raises StartError, naming the setting, where they are of no use.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read both files, PEM: the certificate with those that lead to its CA, and its key."""
        self._files = certificate, key
        self._stamp = self._stamps()
        self.context = self._loaded()

    async def follow(self) -> None:
        """Read the files anew whenever they have changed; what does not fit is left out."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.renew()

    def renew(self) -> None:
        """Take what the files hold, if that has changed."""
        try:
            stamp = self._stamps()
            if stamp == self._stamp:
                return
            self._stamp = stamp  # whatever comes of it: once is enough to say that it does not fit
            # On a context of its own first: one that refuses a key is of no use any more.
            self._loaded()
            self.context.load_cert_chain(*self._files, password=_no_password)
        except (StartError, OSError, ssl.SSLError) as error:
            _log.warning("the certificate is not replaced, the one before stays: %s", error)
            return
        _log.warning("the certificate was replaced")

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        # The inode as well: Kubernetes replaces a mounted Secret's folder, not what is in it.
        stats = [self._stat(number) for number in (0, 1)]
        return tuple((stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats)

    def _stat(self, number: int) -> Any:
        try:
            return self._files[number].stat()
        except OSError as error:
            msg = f"{_NAMES[number]}: {self._files[number]} cannot be read ({error.strerror})"
            raise StartError(msg) from None

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # TLS 1.2 at least, as Python has it
        try:
            context.load_cert_chain(*self._files, password=_no_password)
        except ssl.SSLError as error:
            reason = (error.reason or "no PEM").replace("_", " ").lower()
            msg = (
                f"{_NAMES[0]} and {_NAMES[1]} do not fit ({reason}): write the files of a "
                "certificate and of its key, both PEM, the key without a password"
            )
            raise StartError(msg) from None
        except OSError as error:
            msg = f"{_NAMES[0]} and {_NAMES[1]} cannot both be read ({error.strerror})"
            raise StartError(msg) from None
        return context


def certificate_of(settings: Settings) -> Certificate | None:
    """Return the certificate that the settings name; None where the bridge speaks plain HTTP.

    Raises StartError.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_certificate, settings.tls_key)


def _no_password() -> str:
    """Answer OpenSSL, which would else ask the terminal."""
    return ""


_NAMES: Final = ("FAULTBRIDGE_TLS_CERTIFICATE", "FAULTBRIDGE_TLS_KEY")
