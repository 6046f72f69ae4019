"""What the tree as a whole may not hold: rooms without a subject, and traces of a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("bridge", "iam", "providers", "rbac", "tests")

SUBJECTLESS = {"common", "helper", "helpers", "manager", "managers", "util", "utils"}
"""Names that say nothing of what is inside, and so gather everything."""


def dotted(*labels: str) -> str:
    """Return a pattern for a host name, which this file thereby does not contain."""
    return re.escape(".".join(labels))


def absolute(*parts: str) -> str:
    """Return a pattern for a path from the root, not as the middle of a longer one or of a URL."""
    return r"(?<![\w.~/}$-])" + re.escape("/" + "/".join(parts)) + r"(?![\w-])"


TRACES = re.compile(
    "|".join(
        (
            # Package registries: which one is used is the reader's setting.
            dotted("pypi", "org"),
            dotted("pythonhosted", "org"),
            dotted("registry", "npmjs", "org"),
            dotted("registry", "yarnpkg", "com"),
            dotted("proxy", "golang", "org"),
            # Places on the machine of whoever wrote it.
            *(absolute(place) for place in ("home", "root", "tmp", "work", "Users")),
            absolute("opt", "pypi"),
            absolute("opt", "wheels"),
        )
    )
)


def in_the_repository() -> list[Path]:
    """Return the files that git tracks, or would with the next `git add`."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    files = (ROOT / name for name in listed.split("\0") if name)
    return [file for file in files if file.is_file()]


def test_every_name_has_a_subject() -> None:
    nameless = [
        str(path.relative_to(ROOT))
        for folder in CODE
        for path in sorted((ROOT / folder).rglob("*"))
        if (path.is_dir() or path.suffix == ".py") and SUBJECTLESS & set(path.stem.split("_"))
    ]
    assert not nameless, "named after no subject of the field"


def test_no_trace_of_a_machine_or_registry() -> None:
    traces = [
        f"{file.relative_to(ROOT)}:{number}: {found[0]}"
        for file in in_the_repository()
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1)
        if (found := TRACES.search(line)) and "mountPath:" not in line  # in a container
    ]
    assert not traces


def test_pins_name_no_address() -> None:
    # Only names, versions and hashes: pip takes them from wherever the reader's settings say.
    pins = sorted((ROOT / ".ci" / "requirements").glob("*.txt"))
    assert pins
    addresses = [
        f"{file.relative_to(ROOT)}:{number}: {line}"
        for file in pins
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if not re.match(r"#| {4}(--hash=sha256:|#)|[a-z0-9]", line) or "://" in line
    ]
    assert not addresses


def test_a_developer_has_what_a_run_has() -> None:
    # `make demo` and `make test` share one environment, which rests on this.
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / ".ci" / "requirements" / name).read_text()
        return dict(re.findall(r"^([a-z0-9.-]+)(?:\[.*?\])?==([^\s;]+)", text, re.MULTILINE))

    run = pins("run.txt")
    assert run
    assert run.items() <= pins("dev.txt").items()


def test_the_function_package_names_what_exists() -> None:
    function = (ROOT / "serverless.yml").read_text()
    patterns = re.findall(r'^ +- "([^"!*]+)/\*\*"$', function, re.MULTILINE)
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]
    built = {"build/lambda"}
    packages = [one for one in patterns if one not in built]
    assert packages == wheel["packages"]
    assert all((ROOT / package).is_dir() for package in packages)
