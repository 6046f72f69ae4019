"""What the page on lint shows is what the commands print."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.cli import main
from tests.docs.pages import ROOT, blocks

MISTAKES = (("onne", "one"), ("90 ms", "90ms"), ("duratoin", "duration"))


def shown(language: str, begin: str) -> str:
    (found,) = [
        block.text
        for block in blocks(language)
        if block.page == ROOT / "docs/lint.md" and block.text.startswith(begin)
    ]
    return found


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("FAULTBRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    path = Path("slow-carts.yaml")
    path.write_text(shown("yaml", "apiVersion: "))
    return path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().out


def test_what_lint_says(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = shown("text", "slow-carts.yaml:8")
    assert printed(capsys, "lint", manifest.name) == (2, expected)


def test_what_convert_makes(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = manifest.read_text()
    for wrong, right in MISTAKES:
        assert wrong in text
        text = text.replace(wrong, right)
    manifest.write_text(text)
    assert printed(capsys, "lint", manifest.name) == (0, "1 file: 0 errors, 0 warnings\n")
    expected = shown("json", '{\n  "slow-carts"')
    assert printed(capsys, "convert", manifest.name) == (0, expected)
