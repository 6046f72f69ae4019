"""Our limits are botocore's, one by one; where they differ, the difference is listed here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel

from bridge.api.fis.router import HANDLERS
from bridge.dialects.fis.errors import ConflictError, NotFoundError, ValidationError
from bridge.dialects.fis.operations import OPERATIONS, Operation
from bridge.dialects.fis.requests import LONGEST_SPEC, REQUESTS
from bridge.dialects.fis.shapes import (
    ANYTHING,
    Entries,
    Items,
    Refused,
    Shape,
    Structure,
    Text,
    Whole,
)

MODEL = botocore.session.get_session().get_service_model("fis")

REFUSED = {
    "CreateExperimentTemplate.logConfiguration",
    "CreateExperimentTemplate.experimentReportConfiguration",
    "CreateExperimentTemplate.experimentOptions.accountTargeting=multi-account",
    "UpdateExperimentTemplate.logConfiguration",
    "UpdateExperimentTemplate.experimentReportConfiguration",
}


def our_limits(shape: Shape, path: str) -> Iterator[tuple[str, object]]:
    """Yield the limits of each place in a shape of ours."""
    match shape:
        case Structure():
            yield path, ("structure", set(shape.members), set(shape.required))
            for name, member in shape.members.items():
                yield from our_limits(member, f"{path}.{name}")
        case Items():
            yield path, ("list", shape.most)
            yield from our_limits(shape.item, f"{path}[]")
        case Entries():
            yield path, ("map", shape.most)
            yield from our_limits(shape.key, f"{path}.key")
            yield from our_limits(shape.value, f"{path}.value")
        case Whole():
            yield path, ("integer", shape.least, shape.most)
        case Text():
            yield path, ("string", shape.least, shape.most, shape.pattern, shape.choices)
        case Refused():
            yield path, "refused"


def their_limits(shape: Any, path: str) -> Iterator[tuple[str, object]]:
    """Yield the same of a shape of botocore's."""
    limits = shape.metadata
    match shape.type_name:
        case "structure":
            yield path, ("structure", set(shape.members), set(shape.required_members))
            for name, member in shape.members.items():
                yield from their_limits(member, f"{path}.{name}")
        case "list":
            yield path, ("list", limits.get("max"))
            yield from their_limits(shape.member, f"{path}[]")
        case "map":
            yield path, ("map", limits.get("max"))
            yield from their_limits(shape.key, f"{path}.key")
            yield from their_limits(shape.value, f"{path}.value")
        case "integer":
            yield path, ("integer", limits.get("min"), limits.get("max"))
        case "string":
            pattern, choices = limits.get("pattern", ANYTHING), tuple(limits.get("enum", ()))
            yield path, ("string", limits.get("min", 0), limits.get("max"), pattern, choices)


def differences(ours: Shape, theirs: Any) -> set[str]:
    """Return the places whose limits are not the same."""
    left, right = dict(our_limits(ours, "")), dict(their_limits(theirs, ""))
    refused = [path for path, limits in left.items() if limits == "refused"]
    return {
        path
        for path in left.keys() | right.keys()
        if left.get(path) != right.get(path)
        and not any(path == name or path.startswith(f"{name}.") for name in refused)
    }


def walk(shape: Shape, path: str) -> Iterator[tuple[str, Shape]]:
    """Yield a shape of ours and all within it."""
    yield path, shape
    if isinstance(shape, Structure):
        for name, member in shape.members.items():
            yield from walk(member, f"{path}.{name}")
    elif isinstance(shape, Entries):
        yield from walk(shape.value, path)
    elif isinstance(shape, Items):
        yield from walk(shape.item, path)


def refusals(shape: Shape, path: str) -> Iterator[str]:
    """Yield what is refused by name: members, and choices of members."""
    for where, part in walk(shape, path):
        if isinstance(part, Refused):
            yield where
        elif isinstance(part, Text):
            yield from (f"{where}={choice}" for choice in part.refused)


def _model(name: str) -> OperationModel:
    return MODEL.operation_model(name)


def test_there_are_26_operations_and_each_is_found_where_the_model_says() -> None:
    assert set(OPERATIONS) == set(MODEL.operation_names)
    assert len(OPERATIONS) == 26


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_method_path_labels_and_query(operation: Operation) -> None:
    model = _model(operation.name)
    assert (operation.method, operation.path) == (model.http["method"], model.http["requestUri"])
    assert model.input_shape is not None
    places = {
        name: (shape.serialization.get("location"), shape.serialization.get("name", name))
        for name, shape in model.input_shape.members.items()
    }
    assert operation.labels == {
        label: name for name, (place, label) in places.items() if place == "uri"
    }
    query = {name: label for name, (place, label) in places.items() if place == "querystring"}
    assert set(operation.query) == set(query)
    assert all(name == label for name, label in query.items())


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_limits_of_requests(name: str) -> None:
    assert differences(REQUESTS[name], _model(name).input_shape) == set()


def test_the_comparison_sees_a_difference() -> None:
    theirs = _model("GetAction").input_shape
    ours = REQUESTS["GetAction"]
    for changed in (
        Structure({"id": Text(127, r"[\S]+")}, ours.required),
        Structure({"id": Text(128, r"[\s\S]+")}, ours.required),
        Structure({"id": Text(128, r"[\S]+", least=1)}, ours.required),
        Structure({"id": Text(128, r"[\S]+", choices=("a",))}, ours.required),
        Structure(ours.members),
        Structure({**ours.members, "x": Text()}, ours.required),
    ):
        assert differences(changed, theirs)


def test_one_parameter_may_be_longer_than_in_the_model() -> None:
    longer = {}
    for name, shape in REQUESTS.items():
        for path, part in walk(shape, name):
            if isinstance(part, Entries):
                longer.update({f"{path}.{key}": text for key, text in part.exceptions.items()})
    assert {path: text.most for path, text in longer.items()} == {
        "CreateExperimentTemplate.actions.parameters.kubernetesSpec": LONGEST_SPEC,
        "UpdateExperimentTemplate.actions.parameters.kubernetesSpec": LONGEST_SPEC,
    }


def test_what_is_refused_by_name() -> None:
    assert {path for name, shape in REQUESTS.items() for path in refusals(shape, name)} == REFUSED


def test_each_supported_operation_has_a_handler() -> None:
    assert set(HANDLERS) == set(REQUESTS)


@pytest.mark.parametrize("error", [ValidationError, ConflictError, NotFoundError])
def test_error_codes_are_the_models(error: type[ValidationError]) -> None:
    shape: Any = MODEL.shape_for(error.code)
    assert shape.metadata["exception"]
    assert shape.metadata["error"]["httpStatusCode"] == error.status
