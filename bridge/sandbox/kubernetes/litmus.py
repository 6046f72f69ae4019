"""Litmus' operator, simulated: an engine runs its experiments, one runner, one result each.

Nothing happens to any pod: an experiment "runs" for its TOTAL_CHAOS_DURATION and passes, unless the
engine's annotation ``sandbox.faultbridge/verdict`` says another verdict. As with Litmus, completed
is no success, and an abort (`engineState: stop`, or a deletion) ends the experiments by force.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.control_loop import Reconciler
from bridge.sandbox.kubernetes.objects import Key, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

GROUP = "litmuschaos.io"
FINALIZER = "chaosengine.litmuschaos.io/finalizer"
VERDICT_ANNOTATION = "sandbox.faultbridge/verdict"
_DEFAULT_LENGTH = 30


class Litmus(Reconciler):
    """The operator over one object store."""

    def __init__(self, store: ObjectStore, *, now: Callable[[], datetime]) -> None:
        super().__init__(store, now, lambda key: key[:2] == (GROUP, "chaosengines"))

    def _reconcile(self, key: Key) -> None:
        engine = self._store.get(key)
        if engine is None:
            return
        about, spec = engine["metadata"], engine.get("spec") or {}
        state = engine.get("status", {}).get("engineStatus", "")
        if "deletionTimestamp" in about:
            if state == "initialized":
                self._stop(key, engine)
            stored = self._store.get(key)
            if stored is not None and FINALIZER in (stored["metadata"].get("finalizers") or ()):
                stored["metadata"]["finalizers"].remove(FINALIZER)
                self._store.update(key, stored)
        elif not state and spec.get("engineState", "active") == "active":
            self._begin(key, engine)
        elif state == "initialized":
            if spec.get("engineState") == "stop":
                self._stop(key, engine)
            else:
                self._go_on(key, engine)

    def _begin(self, key: Key, engine: Object) -> None:
        engine["metadata"]["finalizers"] = [FINALIZER]
        now = timestamp(self._now())
        engine["status"] = {
            "engineStatus": "initialized",
            "experiments": [
                {
                    "name": experiment["name"],
                    "runner": f"{key.name}-runner",
                    "experimentPod": "",
                    "status": self._first_state(key, experiment),
                    "verdict": "N/A" if not self._is_installed(key, experiment) else "Awaited",
                    "lastUpdateTime": now,
                }
                for experiment in engine["spec"].get("experiments") or ()
            ],
        }
        for experiment in engine["status"]["experiments"]:
            if experiment["status"] == "Running":
                self._write_result(key, experiment["name"], "Running", "Awaited")
        self._store.update(key, engine)

    def _is_installed(self, key: Key, experiment: dict[str, Any]) -> bool:
        place = (GROUP, "chaosexperiments", key.namespace, experiment["name"])
        return self._store.get(place) is not None

    def _first_state(self, key: Key, experiment: dict[str, Any]) -> str:
        found = self._is_installed(key, experiment)
        return "Running" if found else "ChaosExperiment Not Found"

    def _go_on(self, key: Key, engine: Object) -> None:
        """End the experiments whose time is over, and the engine with the last."""
        wanted = {one["name"]: _length(one) for one in engine["spec"].get("experiments") or ()}
        verdict = (engine["metadata"].get("annotations") or {}).get(VERDICT_ANNOTATION, "Pass")
        now = self._now()
        for experiment in engine["status"]["experiments"]:
            if experiment["status"] != "Running":
                continue
            begun = datetime.fromisoformat(experiment["lastUpdateTime"]).astimezone(UTC)
            end = begun + wanted.get(experiment["name"], timedelta())
            if now < end:
                self._due[key] = min(end, self._due.get(key, end))
                continue
            experiment |= {
                "status": "Completed", "verdict": verdict, "lastUpdateTime": timestamp(now),
            }  # fmt: skip
            self._write_result(key, experiment["name"], "Completed", verdict)
        open_ = [one for one in engine["status"]["experiments"] if one["status"] == "Running"]
        if not open_:
            engine["status"]["engineStatus"] = "completed"
            engine["spec"]["engineState"] = "stop"
        self._store.update(key, engine)

    def _stop(self, key: Key, engine: Object) -> None:
        for experiment in engine["status"]["experiments"]:
            if experiment["status"] == "Running":
                experiment |= {"status": "Forcefully Aborted", "verdict": "Stopped"}
                self._write_result(key, experiment["name"], "Stopped", "Stopped")
        engine["status"]["engineStatus"] = "stopped"
        self._store.update(key, engine)

    def _write_result(self, key: Key, experiment: str, phase: str, verdict: str) -> None:
        place = (GROUP, "chaosresults", key.namespace, f"{key.name}-{experiment}")
        status: dict[str, Any] = {"phase": phase, "verdict": verdict}
        if verdict == "Fail":
            status["errorOutput"] = {
                "errorCode": "GENERIC_ERROR",
                "reason": "the sandbox was told to fail here",
            }
        if verdict in ("Pass", "Fail"):
            status["probeSuccessPercentage"] = "100" if verdict == "Pass" else "0"
        body = {
            "apiVersion": f"{GROUP}/v1alpha1",
            "kind": "ChaosResult",
            "metadata": {"labels": {"chaosUID": ""}},
            "spec": {"engine": key.name, "experiment": experiment},
            "status": {"experimentStatus": status},
        }
        present = self._store.get(place)
        if present is None:
            self._store.create(place, body)
        else:
            self._store.update(place, {**present, "status": body["status"]})


def _length(experiment: dict[str, Any]) -> timedelta:
    components = (experiment.get("spec") or {}).get("components") or {}
    for variable in components.get("env") or ():
        if variable.get("name") == "TOTAL_CHAOS_DURATION" and str(variable.get("value")).isdigit():
            return timedelta(seconds=int(variable["value"]))
    return timedelta(seconds=_DEFAULT_LENGTH)
