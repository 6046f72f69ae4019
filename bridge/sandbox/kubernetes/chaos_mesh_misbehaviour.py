"""Telling the simulated Chaos Mesh to fail, the ways a real one does.

In a test of the same process by `ChaosMesh.misbehave`; over HTTP by an annotation,
`sandbox.faultbridge/misbehave`, on the chaos resource or on its namespace (which must be there
first for a resource that is never to be injected). Its value is a comma-separated list of
`never-inject`, `never-recover`, `stuck-finalizer`, `target-gone` and `delay=5s`. The API server
itself writes it where it is told to `fail_late`. That controllers, webhooks and daemons are gone is
seen of their pods (`chaos_mesh_installation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from bridge.sandbox.kubernetes.chaos_mesh_kinds import GROUP
from bridge.sandbox.kubernetes.go_duration import parse_go_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.sandbox.kubernetes.objects import Key, Object, ObjectStore

MISBEHAVE_ANNOTATION = "sandbox.faultbridge/misbehave"
_LATE_FAILURES = {"create": "never-inject", "delete": "never-recover"}


@dataclass(frozen=True)
class Misbehaviour:
    """How chaos resources that match the patterns go wrong.

    `never_inject` and `never_recover`: each attempt fails with an event, and is tried again.
    `stuck_finalizer`: all is recovered, but the finalizer stays. `target_gone`: what is to be
    recovered from a pod that no longer exists fails for ever, instead of being over. `delay`: how
    long each injection and each recovery takes. Patterns are shell patterns of kind, namespace
    and name.
    """

    never_inject: bool = False
    never_recover: bool = False
    stuck_finalizer: bool = False
    target_gone: bool = False
    delay: timedelta = timedelta(0)
    kind: str = "*"
    namespace: str = "*"
    name: str = "*"

    def concerns(self, chaos: Object) -> bool:
        """Tell whether it holds for this chaos resource."""
        metadata = chaos["metadata"]
        return (
            fnmatchcase(chaos["kind"], self.kind)
            and fnmatchcase(metadata["namespace"], self.namespace)
            and fnmatchcase(metadata["name"], self.name)
        )


def let_fail(store: ObjectStore, key: Key, obj: Object, verb: str) -> None:
    """Annotate a chaos resource so that what a verb has just begun with it never comes about.

    A created one is never injected, a deleted one never recovers. All other objects and verbs
    begin nothing that could fail later.
    """
    word = _LATE_FAILURES.get(verb)
    name = key.name or obj.get("metadata", {}).get("name", "")
    stored = store.get(key._replace(name=name)) if key.group == GROUP and word else None
    if stored is None or word is None:
        return
    annotations = stored["metadata"].setdefault("annotations", {})
    words = [annotations[MISBEHAVE_ANNOTATION]] if MISBEHAVE_ANNOTATION in annotations else []
    annotations[MISBEHAVE_ANNOTATION] = ",".join([*words, word])
    store.update(key._replace(name=name), stored)


def misbehaviour_of(
    store: ObjectStore, chaos: Object, told: Iterable[Misbehaviour]
) -> Misbehaviour:
    """Sum up all that goes wrong with a chaos resource: what was told, and its annotations."""
    concerned = [each for each in told if each.concerns(chaos)]
    namespace = store.get(("", "namespaces", "", chaos["metadata"]["namespace"])) or {}
    for annotated in (chaos, namespace):
        annotations = annotated.get("metadata", {}).get("annotations") or {}
        if MISBEHAVE_ANNOTATION in annotations:
            concerned.append(_read(annotations[MISBEHAVE_ANNOTATION]))
    return Misbehaviour(
        never_inject=any(each.never_inject for each in concerned),
        never_recover=any(each.never_recover for each in concerned),
        stuck_finalizer=any(each.stuck_finalizer for each in concerned),
        target_gone=any(each.target_gone for each in concerned),
        delay=max((each.delay for each in concerned), default=timedelta(0)),
    )


def _read(text: str) -> Misbehaviour:
    words = [word.strip() for word in text.split(",")]
    delay = timedelta(0)
    for word in words:
        if word.startswith("delay="):
            try:
                delay = parse_go_duration(word.removeprefix("delay="))
            except ValueError:
                continue
    return Misbehaviour(
        never_inject="never-inject" in words,
        never_recover="never-recover" in words,
        stuck_finalizer="stuck-finalizer" in words,
        target_gone="target-gone" in words,
        delay=delay,
    )
