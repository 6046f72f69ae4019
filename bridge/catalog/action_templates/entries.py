"""An action template as the catalogue shows it: an action like any other."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.catalog.entries import ActionEntry, ParameterEntry, action_entry
from bridge.model.action_template import ActionTemplateVersion, ParameterType, TemplateParameter
from bridge.model.wording import quoted_list
from providers.contract import Fault
from providers.kubernetes.resource import FAULT
from providers.kubernetes.specs import NATIVE, is_native

_LIMIT = "The action fails when the chaos has not ended by then; {} where it is left out."
_EXECUTOR = (
    "Who breaks the cloud's machines: faultbridge (no target Cluster is needed), or cluster, where "
    "the resource is created; {} where it is left out."
)


def action_template_entry(
    version: ActionTemplateVersion, faults: Mapping[str, Fault]
) -> ActionEntry | None:
    """Return a version of an action template as an action; None where nothing can carry it out."""
    fault = faults.get(FAULT)
    if fault is None:
        return None
    template = version.template
    entry = action_entry(fault)
    parameters = {
        name: ParameterEntry(_description(one), one.required)
        for name, one in template.parameters.items()
    }
    parameters["maxDuration"] = ParameterEntry(_LIMIT.format(template.max_duration), required=False)
    if template.kind in NATIVE:
        executor = template.carried_out_by or "faultbridge"
        parameters["carriedOutBy"] = ParameterEntry(_EXECUTOR.format(executor), required=False)
    native = is_native(template.api_version, template.kind, template.carried_out_by)
    return ActionEntry(
        id=version.reference.action_id,
        alias=version.reference.alias,
        description=template.description or f"{template.kind} from an action template.",
        parameters=parameters,
        targets={} if native else entry.targets,
        fault=fault,
    )


def _description(parameter: TemplateParameter) -> str:
    """Return what a parameter is for, what it may be, and what it is by default."""
    kind = parameter.type
    parts = [parameter.description] if parameter.description else []
    if kind is ParameterType.ENUM:
        parts.append(f"One of {quoted_list(parameter.values)}.")
    elif parameter.minimum is not None and parameter.maximum is not None:
        parts.append(f"A {kind} from {parameter.minimum} to {parameter.maximum}.")
    elif parameter.minimum is not None:
        parts.append(f"A {kind} of {parameter.minimum} or more.")
    elif parameter.maximum is not None:
        parts.append(f"A {kind} of {parameter.maximum} or less.")
    else:
        parts.append(f"Type: {kind}.")
    if isinstance(parameter.default, dict):
        shown = ",".join(f"{key}={value}" for key, value in parameter.default.items())
        parts.append(f"Default: {shown}.")
    elif parameter.default is not None:
        parts.append(f"Default: {parameter.default}.")
    return " ".join(parts)
