"""`kubernetesStatus`: where the state of any kind stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract import Effect
from providers.kubernetes.lifecycle import verdict
from providers.kubernetes.status_path import read_path, status_problems
from tests.kubernetes_faults.one_run import FAULT
from tests.kubernetes_faults.test_verdicts import START, resource

Start = Callable[..., Any]
STATUS = {
    "path": ".status.phase",
    "inEffect": ["Running"],
    "ended": ["Completed"],
    "failed": ["Error"],
}
MANIFEST = {
    "metadata": {"annotations": {"a.b/c": "yes"}},
    "status": {
        "phase": "Running",
        "done": True,
        "count": 3,
        "conditions": [
            {"type": "Ready", "status": "False"},
            {"type": "Done", "status": "True", "reason": None},
        ],
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".status.phase", ["Running"]),
        ("status.phase", ["Running"]),
        ("{.status.phase}", ["Running"]),
        ("$.status.phase", ["Running"]),
        (".status['phase']", ["Running"]),
        ('.metadata.annotations["a.b/c"]', ["yes"]),
        (".status.conditions[1].status", ["True"]),
        (".status.conditions[?(@.type=='Done')].status", ["True"]),
        ('.status.conditions[?(@.type == "Ready")].status', ["False"]),
        (".status.conditions[?(@.type=='Nothing')].status", []),
        (".status.conditions[7].status", []),
        (".status.conditions[1].reason", []),
        (".status", []),
        (".status.phase.deeper", []),
        (".status.done", [True]),
    ],
)
def test_a_path_leads_to_values(path: str, found: list[Any]) -> None:
    assert read_path(path, MANIFEST) == found


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".status..phase", 'cannot be read at "..phase"'),
        (".status.*", 'cannot be read at ".*"'),
        (".status[-1]", "cannot be read"),
        (".status.conditions[?(@.a!='b')]", "cannot be read"),
        (".status.phase | x", "cannot be read"),
        ("." + ".a" * 17, "cannot be read"),
        (".a" * 17, "more than 16 steps"),
    ],
)
def test_a_path_that_is_not_understood_says_what_is(path: str, words: str) -> None:
    (problem,) = status_problems({**STATUS, "path": path}, "p")
    assert problem.path == "p.path"
    assert words in problem.message


@pytest.mark.parametrize(
    ("written", "path", "words"),
    [
        ({"path": ".a", "ended": []}, "p", "names no value"),
        ({"path": ".a", "ended": ["x"], "failed": ["x"]}, "p", 'the value "x" stands twice'),
        ({"ended": ["x"]}, "p.path", "is required"),
        ({"path": ".a", "end": ["x"]}, "p.end", 'did you mean "ended"?'),
        ({"path": ".a", "ended": "x"}, "p.ended", 'write it like ["Running"]'),
        ({"path": ".a", "ended": [1]}, "p.ended[0]", "is not text"),
        ({"path": ".a", "ended": [""]}, "p.ended[0]", "is empty"),
        ({"path": 1, "ended": ["x"]}, "p.path", "is not text"),
        ({"path": ".a", "ended": ["x"] * 40}, "p.ended", "longer than 32"),
        ({"path": ".a" * 200, "ended": ["x"]}, "p.path", "longer than 256"),
        ("{", "p", "is not JSON"),
        ("[]", "p", "is not an object"),
    ],
)
def test_what_is_wrong_is_told_by_path(written: Any, path: str, words: str) -> None:
    problems = status_problems(written, "p")
    assert [problem.path for problem in problems if words in problem.message] == [path], problems


def test_it_may_be_yaml_or_json_text() -> None:
    assert status_problems("path: .status.phase\nended: [Completed]", "p") == []
    assert status_problems('{"path": ".status.phase", "ended": ["Completed"]}', "p") == []


@pytest.mark.parametrize(
    ("phase", "effect"),
    [
        ("Running", Effect.PRESENT),
        ("Completed", Effect.ENDED),
        ("Error", Effect.FAILED),
        ("Pending", Effect.APPLYING),
        (None, Effect.APPLYING),
    ],
)
def test_the_value_decides(phase: str | None, effect: Effect) -> None:
    manifest = {"metadata": {}, "status": {"phase": phase} if phase else {}}
    seen = verdict(resource("Gadget", "example.com", status=STATUS), manifest, START)
    assert seen.effect is effect
    assert bool(seen.reason) == (effect in {Effect.FAILED, Effect.APPLYING})


def test_without_values_for_it_what_exists_is_in_effect() -> None:
    status = {"path": ".status.done", "ended": ["true"]}
    what = resource("Gadget", "example.com", status=status)
    assert verdict(what, {"metadata": {}}, START).effect is Effect.PRESENT
    assert verdict(what, MANIFEST, START).effect is Effect.ENDED  # a boolean, as JSON has it


def parameters(**more: Any) -> Any:
    return FAULT.Parameters.model_validate(
        {
            "kubernetesApiVersion": "example.com/v1",
            "kubernetesKind": "Gadget",
            "kubernetesNamespace": "default",
            "kubernetesSpec": {"a": 1},
            "kubernetesStatus": STATUS,
            "maxDuration": "PT5M",
        }
        | more
    )


def test_it_is_a_parameter_of_the_fault() -> None:
    assert FAULT.check(parameters(), "p") == []
    (problem,) = [
        one
        for one in FAULT.check(parameters(kubernetesStatus={"path": ".a"}), "p")
        if one.severity == "error"
    ]
    assert problem.path == "p.kubernetesStatus"


def test_of_a_kind_that_is_known_it_is_refused() -> None:
    known = parameters(kubernetesApiVersion="litmuschaos.io/v1alpha1", kubernetesKind="ChaosEngine")
    problems = FAULT.check(known, "p")
    assert any(
        problem.path == "p.kubernetesStatus" and "is known; leave it out" in problem.message
        for problem in problems
    )


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    refusals = status_problems({"path": text, "ended": ["x"]}, "p")
    if refusals:
        assert refusals[0].path == "p.path"
    else:
        assert isinstance(read_path(text, MANIFEST), list)


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["path", "inEffect", "ended", "failed", "x"]), inner, max_size=4
            )
        ),
        max_leaves=10,
    )
)
def test_anything_written_is_judged(written: Any) -> None:
    problems = status_problems(written if isinstance(written, dict) else str(written), "p")
    assert all(problem.path.startswith("p") and problem.message for problem in problems)
