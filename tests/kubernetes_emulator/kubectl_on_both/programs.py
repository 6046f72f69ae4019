"""kubectl, in each release that is to be tried, and what it prints, made comparable."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kubernetes_emulator.conftest import Cluster

LISTED = "FAULTBRIDGE_KUBECTL"
"""The variable that names further programs to try, separated as in PATH."""


def programs() -> list[Path]:
    """Find kubectl on the PATH, and those that the variable names.

    Where kubectl only chooses among releases that lie beside it, by the server's version, the one
    of the emulator's release is taken: both servers must be asked by the same program.
    """
    found = [Path(path) for path in os.environ.get(LISTED, "").split(os.pathsep) if path]
    if (here := shutil.which("kubectl")) is not None:
        program = Path(here).resolve()
        release = program.with_name("kubectl.1.32")
        found.insert(0, release if release.is_file() else program)
    return found


class Kubectl:
    """One kubectl in one namespace of one cluster; answers as they compare between clusters."""

    def __init__(self, program: Path, cluster: Cluster, namespace: str, home: Path) -> None:
        self._namespace = namespace
        asked = [str(program), "version", "--client", "--output=json"]
        version = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
        self._is_old = int(version["clientVersion"]["minor"].rstrip("+")) < _SINCE
        self._command = [
            str(program),
            *("--kubeconfig", str(cluster.kubeconfig)),
            *("--namespace", namespace),
        ]
        editor = home / "editor"
        editor.write_text('#!/bin/sh\nsed -i "$EDIT" "$1"\n')
        editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
        self._environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "KUBE_EDITOR": str(editor),
            "TMPDIR": str(home),
        }

    def __call__(self, *arguments: str, given: str = "", edit: str = "") -> list[str]:
        """Run it, and return its exit code and the lines of both outputs."""
        if arguments == ("PAUSE",):
            time.sleep(1.1)
            return []
        if self._is_old:
            arguments = tuple(word for word in arguments if word not in _NEWER)
        done = subprocess.run(
            [*self._command, *arguments],
            input=given.replace("NAMESPACE", self._namespace),
            capture_output=True,
            text=True,
            timeout=60,
            env={**self._environment, "EDIT": edit},
            check=False,
        )
        return [f"exit {done.returncode}", *self.lines(done.stdout), *self.lines(done.stderr)]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it without waiting for it; it prints to one pipe."""
        return subprocess.Popen(
            [*self._command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
        )

    def lines(self, text: str) -> list[str]:
        """Write a text without what is new in each run: names, moments, versions, widths."""
        text = text.replace(self._namespace, "NAMESPACE")
        for pattern, instead in _FLEETING:
            text = pattern.sub(instead, text)
        return [line.rstrip() for line in text.splitlines() if line.strip()]


_NEWER = frozenset({"--output=plaintext-openapiv2", "--subresource=status"})
"""Options that kubectl has since 1.27; before, it has no other way of explaining."""
_SINCE = 27

_FLEETING = tuple(
    (re.compile(pattern, re.MULTILINE), instead)
    for pattern, instead in (
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w+ \d{4} \d\d:\d\d:\d\d [-+]\d{4}", "TIME"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [-+]\d{4}", "TIME"),
        (r'("?resourceVersion"?: ")\d+', r"\1VERSION"),
        (r"^(\s*Resource Version:\s+)\d+", r"\1VERSION"),
        (r'^\s*("selfLink"|selfLink|Self Link):.*\n', ""),
        (r"(?<= )(\d+[smhd])+(?=\s|$)|<unknown>", "AGE"),
        (r"/\S*?/(LIVE|MERGED)-\d+", r"/\1"),
        (r"\b10\.\d+\.\d+\.\d+\b", "ADDRESS"),
        (r"-edit-\w+\.yaml", "-edit.yaml"),
        (r"^[WIE]\d{4} \d\d:\d\d:\d\d.*\n", ""),
        (r"(?<=\S) {2,}", " "),
    )
)
