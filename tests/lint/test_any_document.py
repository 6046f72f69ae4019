"""No document, however wrong, makes lint or convert crash."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.catalog import Catalog
from bridge.cli.conversion import read_source
from bridge.cli.exits import CommandError
from bridge.cli.files import TemplateFile
from bridge.cli.injection import template_of
from bridge.cli.linting.judging import Judge, Result
from bridge.cli.linting.manifests import manifest_problems
from bridge.cli.linting.sources import Source
from bridge.model.notation import read
from bridge.model.scope import Scope
from bridge.settings import Settings
from providers.kubernetes import specs
from providers.kubernetes.reach import selectors_of
from providers.kubernetes.served_schema import schema_problems
from tests.lint.conftest import CLUSTER, ROLE, SLOW, template
from tests.lint.test_lint import ACTION_TEMPLATE

MANIFEST = yaml.safe_load(SLOW)
SPEC = json.dumps(MANIFEST["spec"])
DOCUMENTS = (
    MANIFEST,
    {"apiVersion": "v1", "kind": "List", "items": [MANIFEST]},
    template(SPEC),
    template(SPEC)["actions"],
    template(SPEC)["actions"]["SlowCarts"],
    yaml.safe_load(ACTION_TEMPLATE),
)
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["{{ latency }}", "{{", "k8s:action-template/x@1", "one", SPEC, "[", "v1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "selector", "mode", "actionId", "é.x"]), inner)
    ),
    max_leaves=6,
)
JUDGE = Judge(Catalog(Settings()), Scope(cloud="aws", account="123456789012", region="us-east-1"))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inner = list(value.items()) if isinstance(value, dict) else []
    inner = list(enumerate(value)) if isinstance(value, list) else inner
    for key, part in inner:
        found += paths(part, (*path, key))
    return found


@st.composite
def damaged(draw: Any) -> Any:
    """A document with up to three of its parts replaced, removed, or joined by others."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(0, 3))):
        places = paths(document)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        place = document
        for key in way:
            place = place[key]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            place[last] = draw(ANY)
        elif change == "remove":
            del place[last]
        elif isinstance(place, dict):
            place[draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5))] = draw(ANY)
    return document


@given(damaged())
def test_lint_judges_any_document(document: Any) -> None:
    written = read(json.dumps(document))
    source = Source("a.json", (TemplateFile("a.json", written),), named=True)
    result = Result()
    JUDGE.learn(source)
    JUDGE.look_at(source, result)
    for finding in result.findings:
        finding.line().encode()
        json.dumps(finding.wire())
    for file, kind in result.documents:
        for created in JUDGE.created(file, kind):
            manifest = created.manifest
            assert created.at("spec.selector")
            selectors_of("chaos-mesh.org", str(manifest["kind"]), "a", manifest["spec"])
            list(schema_problems(specs.crd_schema("NetworkChaos"), manifest["spec"], "spec"))


@given(damaged())
def test_convert_takes_or_refuses_any_document(document: Any) -> None:
    with suppress(CommandError):
        source = read_source([document], {})
        for made in source.injections:
            json.dumps([made.action(as_text=True), made.manifest(), made.action_template()])
        template_of(source.injections, role=ROLE, cluster=CLUSTER, as_text=True)


@given(ANY)
def test_a_manifest_may_be_anything(value: Any) -> None:
    for part in MANIFEST:
        for problem in manifest_problems({**MANIFEST, part: value}):
            str(problem).encode()
