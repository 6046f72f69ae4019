"""The Dockerfile copies what is there, installs what is pinned, and does not run as root."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement

from tests.containers.manifests import ROOT

LINES = [
    line
    for line in re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
    if line and not line.startswith("#")
]
PINS = (ROOT / ".ci/requirements/service.txt").read_text()


def test_everything_that_is_copied_is_there_and_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [
        word
        for line in LINES
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert copied
    for word in copied:
        assert (ROOT / word).exists()
        assert f"!{word}" in ignored


def test_the_package_has_all_that_it_is_built_from() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    needed = {*wheel["packages"], *(str(name) for name in wheel["force-include"])}
    copied = {word for line in LINES if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert all(any(name.startswith(word) for word in copied) for name in needed)


def test_only_pinned_libraries_are_installed() -> None:
    installs = [line for line in LINES if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)


def test_the_pins_hold_every_cloud_and_the_database_and_no_sandbox() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [
        Requirement(one).name
        for name in ("aws", "azure", "gcp", "kubernetes", "postgres")
        for one in (*extras[name], *project["dependencies"])
    ]
    assert all(re.search(rf"^{name}(\[\w+\])?==", PINS, re.MULTILINE) for name in wanted)
    assert not re.search(r"^(moto|trustme)\b", PINS, re.MULTILINE)


def test_the_service_is_nobody() -> None:
    stages = [number for number, line in enumerate(LINES) if line.startswith("FROM ")]
    last = LINES[stages[-1] :]
    (user,) = [line.split()[1] for line in last if line.startswith("USER ")]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert last.index(f"USER {user}") < last.index('ENTRYPOINT ["faultbridge"]')
