"""Run an experiment of Faultbridge from Azure Automation: start, wait, branch on the verdict.

A runbook of type Python 3.10, with the Automation account's managed identity and nothing but the
standard library. Parameters, in this order: the bridge's URL, the audience of the bridge's tokens
(`api://...`), a template's id, and how many seconds the run may take at most (9,000 unless given).
The job fails unless the experiment completed. A job that is stopped says nothing to its script, so
to stop a run by hand give `stop` and the run's id in place of the template: see docs/runbooks.md.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from typing import Any
from urllib.parse import quote, urlencode

LONGEST = 9000
"""Seconds; Azure stops a job in its cloud after three hours, and that undoes nothing by itself."""

TRANSIENT = (429, 502, 503, 504)
PATIENCE = 12
"""Times in a row that the bridge may be away, with some seconds between: it is restarted."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the bridge and to nobody else."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def ask(url: str, headers: dict[str, str], method: str = "GET", body: Any = None) -> Any:
    """Send a request and return its JSON.

    Raises RuntimeError with the words of the answer, OSError where asking again may help.
    """
    request = urllib.request.Request(  # noqa: S310 - the bridge's address, or Azure's own
        url, None if body is None else json.dumps(body).encode(), headers, method=method
    )
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        words = error.read(2000).decode("utf-8", "replace")
        said = f"{method} {url.partition('?')[0]}: {error.code}: {words}"
        if error.code in TRANSIENT:
            raise ConnectionError(said) from None
        raise RuntimeError(said) from None


def token(audience: str) -> str:
    """Return a token of the managed identity, from the endpoint that Azure gives every job."""
    query = urlencode({"api-version": "2019-08-01", "resource": audience})
    own = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"], "Metadata": "true"}
    return str(ask(f"{os.environ['IDENTITY_ENDPOINT']}?{query}", own)["access_token"])


class Bridge:
    """The bridge, asked as the managed identity."""

    def __init__(self, url: str, audience: str) -> None:
        """Nothing is asked yet."""
        self._url, self._audience = url.rstrip("/"), audience

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Ask it; a token lasts shorter than a run, so each request has one of its own."""
        headers = {
            "Authorization": f"Bearer {token(self._audience)}",
            "Content-Type": "application/json",
        }
        return ask(self._url + path, headers, method, body)

    def start(self, template: str) -> str:
        """Start a run of a stored template; asked again, it finds the run of the first time."""
        body = {"templateId": template, "clientToken": str(uuid.uuid4())}
        for attempts_left in (2, 1, 0):
            try:
                return str(self.ask("/v1/experiments", "POST", body)["id"])
            except OSError:
                if not attempts_left:
                    raise
                time.sleep(5)
        raise AssertionError("not reached")

    def wait(self, run: str, seconds: float) -> dict[str, Any]:
        """Return how far a run has come when it ends, or when the time is up."""
        path = f"/v1/experiments/{quote(run, safe='')}/phase"
        until, lost = time.monotonic() + seconds, 0
        while True:
            left = min(20.0, max(0.0, until - time.monotonic()))
            try:
                found: dict[str, Any] = self.ask(f"{path}?wait={left:.1f}")
                lost = 0
            except OSError:
                lost += 1
                if lost > PATIENCE:
                    raise
                time.sleep(5)
                continue
            if found["ended"] or time.monotonic() >= until:
                return found

    def stop(self, run: str) -> dict[str, Any]:
        """Stop a run and wait until everything is undone."""
        reason = {"reason": "Stopped by Azure Automation."}
        self.ask(f"/v1/experiments/{quote(run, safe='')}/stop", "POST", reason)
        return self.wait(run, 600)


def main(url: str, audience: str, what: str, more: str = "") -> None:
    """Run, or stop. Raises RuntimeError unless it completed, or was stopped as asked."""
    bridge = Bridge(url, audience)
    if what == "stop":
        found = bridge.stop(more)
        print(f"{found['id']} {found['phase']}: {found['reason']}")
        if found["phase"] == "left-behind" or not found["ended"]:
            raise RuntimeError(f"{found['id']}: not everything is undone; run faultbridge rescue")
        return
    run = bridge.start(what)
    print(f"started {run}", flush=True)
    found = bridge.wait(run, float(more or LONGEST))
    if not found["ended"]:
        found = bridge.stop(run)
    print(f"{run} {found['phase']}: {found['reason']}")
    if found["phase"] != "completed":
        raise RuntimeError(f"{run} {found['phase']}: {found['reason']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
