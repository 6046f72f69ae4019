"""The verdict of a ChaosEngine of Litmus: completed is no success, the verdict Pass is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from providers.contract import Effect, Observation
from providers.kubernetes.resource import CustomResource, metadata
from providers.kubernetes.verdicts.status import Around, line, object_of, objects_of

_BAD: Final = frozenset({"Fail", "Stopped", "Error"})


def judge(
    resource: CustomResource,
    manifest: Mapping[str, Any],
    now: datetime,  # noqa: ARG001 - Litmus keeps the time
    around: Around,
) -> Observation:
    """Judge a ChaosEngine, by its ChaosResults where they can be read."""
    status = object_of(manifest.get("status"))
    experiments = objects_of(status.get("experiments"))
    for experiment in experiments:
        if experiment.get("status") == "ChaosExperiment Not Found":
            return Observation(
                Effect.FAILED,
                f"the ChaosExperiment {line(experiment.get('name'))} is not installed in the "
                "namespace of the ChaosEngine; install it there",
            )
    match status.get("engineStatus"):
        case "completed":
            return _completed(resource, experiments, around)
        case "stopped":
            return Observation(Effect.FAILED, "the ChaosEngine was stopped before it completed")
        case "initialized":
            return Observation(Effect.PRESENT)
        case _:
            return Observation(
                Effect.APPLYING,
                "Litmus has not taken it up yet; if it stays so, its operator does not run",
            )


def results(resource: CustomResource, manifest: Mapping[str, Any]) -> list[str]:
    """Name the ChaosResults that its experiments write."""
    status = object_of(manifest.get("status"))
    return [
        f"{resource.name}-{line(experiment.get('name'))}"
        for experiment in objects_of(status.get("experiments"))
        if experiment.get("name")
    ]


def outcome(result: Mapping[str, Any]) -> dict[str, str]:
    """Return what a ChaosResult says: phase, verdict, error code and probes."""
    status = object_of(object_of(result.get("status")).get("experimentStatus"))
    error = object_of(status.get("errorOutput"))
    told = {
        "phase": line(status.get("phase")),
        "verdict": line(status.get("verdict")),
        "error": line(error.get("errorCode")),
        "reason": line(error.get("reason") or status.get("failStep")),
        "probes": line(status.get("probeSuccessPercentage")),
    }
    return {key: value for key, value in told.items() if value}


def _completed(
    resource: CustomResource, experiments: list[dict[str, Any]], around: Around
) -> Observation:
    """Completed is no success with Litmus; the verdict of each experiment is."""
    told = {line(e.get("name")): {"verdict": line(e.get("verdict"))} for e in experiments}
    for result in around.parts or ():
        name = str(metadata(result).get("name", "")).removeprefix(f"{resource.name}-")
        if name in told:
            # What the result has not been told yet, the engine may know already.
            found = outcome(result)
            verdict = found.get("verdict")
            if verdict in {None, "Awaited"}:
                found["verdict"] = told[name]["verdict"]
            told[name] = found
    bad = [_words(name, found) for name, found in told.items() if found.get("verdict") in _BAD]
    if bad:
        return Observation(Effect.FAILED, f"the verdict of Litmus is {', '.join(bad)}")
    if told and all(found.get("verdict") == "Pass" for found in told.values()):
        return Observation(Effect.ENDED)
    return Observation(Effect.PRESENT, "completed, its verdict is awaited")


def _words(name: str, found: Mapping[str, str]) -> str:
    more = [
        f"error {found['error']}" if found.get("error") else "",
        found.get("reason", ""),
        f"{found['probes']} % of its probes succeeded" if found.get("probes") else "",
    ]
    because = ", ".join(filter(None, more))
    return f"{name}: {found.get('verdict', '')}" + (f" ({because})" if because else "")
