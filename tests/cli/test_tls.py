"""A bridge that speaks HTTPS, and the certificate that is replaced while it runs."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trustme

from bridge.api.process import StartError
from bridge.cli.tls import Certificate
from tests.cli.conftest import Running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def write(authority: trustme.CA, folder: Path) -> tuple[Path, Path]:
    """Put a new certificate into a folder, as a Secret is mounted: by replacing the files."""
    made = authority.issue_cert("localhost", "127.0.0.1")
    files = folder / "tls.crt", folder / "tls.key"
    (folder / "new.crt").write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
    made.private_key_pem.write_to_path(folder / "new.key")
    for new, file in zip(("new.crt", "new.key"), files, strict=True):
        (folder / new).replace(file)
    return files


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def shown(certificate: Certificate, trust: ssl.SSLContext) -> bytes | None:
    """Return the certificate that a new connection sees."""
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=certificate.context
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        seen: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
    return seen


def test_a_bridge_with_a_certificate_answers_https_only(
    start: Callable[..., Running],
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate, key = write(authority, tmp_path)
    monkeypatch.setenv("FAULTBRIDGE_TLS_CERTIFICATE", str(certificate))
    monkeypatch.setenv("FAULTBRIDGE_TLS_KEY", str(key))
    bridge = start("serve", "--port", "0")
    url = bridge.until(" ready on ").split(" ready on ")[1].split()[0]
    assert url.startswith("https://127.0.0.1:")
    assert httpx.get(f"{url}/healthz", verify=trusting(authority)).json() == {"status": "ok"}
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url.replace('https', 'http')}/healthz")


async def test_a_new_certificate_is_shown_without_a_restart(
    authority: trustme.CA, tmp_path: Path
) -> None:
    certificate = Certificate(*write(authority, tmp_path))
    before = await shown(certificate, trusting(authority))
    certificate.renew()
    assert await shown(certificate, trusting(authority)) == before
    write(authority, tmp_path)
    certificate.renew()
    assert await shown(certificate, trusting(authority)) not in (before, None)


async def test_files_that_do_not_fit_leave_the_certificate_before(
    authority: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = write(authority, tmp_path)
    certificate = Certificate(*files)
    before = await shown(certificate, trusting(authority))
    first_key = files[1].read_bytes()
    write(authority, tmp_path)
    second_key = files[1].read_bytes()
    files[1].write_bytes(first_key)  # half of a replacement
    certificate.renew()
    assert await shown(certificate, trusting(authority)) == before
    assert "the one before stays" in caplog.text
    assert "PRIVATE" not in caplog.text
    files[1].write_bytes(second_key)
    certificate.renew()
    assert await shown(certificate, trusting(authority)) != before


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda files: files[0].unlink(), "FAULTBRIDGE_TLS_CERTIFICATE: .* cannot be read"),
        (lambda files: files[1].unlink(), "FAULTBRIDGE_TLS_KEY: .* cannot be read"),
        (lambda files: files[1].write_text("no key"), "do not fit"),
        (lambda files: os.truncate(files[0], 0), "do not fit"),
    ],
)
def test_files_of_no_use_are_refused_at_the_start(
    authority: trustme.CA,
    tmp_path: Path,
    spoil: Callable[[tuple[Path, Path]], None],
    words: str,
) -> None:
    files = write(authority, tmp_path)
    spoil(files)
    with pytest.raises(StartError, match=words):
        Certificate(*files)


def test_one_file_alone_is_refused(
    command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_TLS_KEY", "key.pem")
    code, _, errors = command("serve")
    assert (code, "set both" in errors) == (2, True)
