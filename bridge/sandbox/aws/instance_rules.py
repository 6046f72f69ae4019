"""When EC2 changes an instance's state, and in which words it refuses to.

The states and the changes between them: EC2 User Guide, "Amazon EC2 instance state
changes". Codes: EC2 API reference, InstanceState.
"""

from __future__ import annotations

import re
from typing import Any

from moto.ec2.models.instances import Instance, InstanceState

from bridge.sandbox.aws.errors import AwsError

STATE_CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
GONE = ("shutting-down", "terminated")
_INSTANCE_ID = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})")


def known_instances(backend: Any, instance_ids: list[str]) -> list[Instance]:
    """Answer the instances, or refuse the whole batch for one id that is not there.

    Nothing is changed for the valid ids (EC2 API reference, TerminateInstances: "if the
    request fails, for example because of a single incorrect instance ID, none"). Codes
    and wording: EC2 API error codes, ``InvalidInstanceID.Malformed`` and ``.NotFound``.
    """
    if not instance_ids:
        message = "The request must contain the parameter InstanceId"
        raise AwsError("MissingParameter", message)
    for instance_id in instance_ids:
        if not _INSTANCE_ID.fullmatch(instance_id):
            raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
    wanted = list(dict.fromkeys(instance_ids))
    known = {instance.id: instance for instance in backend.all_instances()}
    missing = [instance_id for instance_id in wanted if instance_id not in known]
    if len(missing) == 1:
        message = f"The instance ID '{missing[0]}' does not exist"
        raise AwsError("InvalidInstanceID.NotFound", message)
    if missing:
        message = f"The instance IDs '{', '.join(missing)}' do not exist"
        raise AwsError("InvalidInstanceID.NotFound", message)
    return [known[instance_id] for instance_id in wanted]


def refuse_unstoppable(instance: Instance, never_ran: set[str]) -> None:
    """Refuse to stop what is going away, or has not come up for the first time.

    EC2 API error codes, ``IncorrectInstanceState``. The wording for a first ``pending`` is
    from error reports of users; a ``pending`` after a start can be stopped.
    """
    if instance.state in GONE:
        message = f"This instance '{instance.id}' is not in a state from which it can be stopped."
        raise AwsError("IncorrectInstanceState", message)
    if instance.state == "pending" and instance.id in never_ran:
        message = (
            f"Instance '{instance.id}' cannot be stopped as it has never reached the "
            "'running' state."
        )
        raise AwsError("IncorrectInstanceState", message)
    if instance.disable_api_stop:
        message = (
            f"The instance '{instance.id}' may not be stopped. Modify its 'disableApiStop' "
            "instance attribute and try again."
        )
        raise AwsError("OperationNotPermitted", message)


def refuse_unstartable(instance: Instance) -> None:
    """Refuse to start what is still stopping or going away: it must not come back to life.

    EC2 API error codes, ``IncorrectInstanceState``; EC2 User Guide, "Stop and start": the
    instance must be in the ``stopped`` state.
    """
    if instance.state in (*GONE, "stopping"):
        message = f"The instance '{instance.id}' is not in a state from which it can be started."
        raise AwsError("IncorrectInstanceState", message)


def refuse_rootless(instance: Instance) -> None:
    """Refuse to start an instance whose root volume was detached.

    EC2 User Guide, "Troubleshoot instance launch issues": start needs a volume at the root
    device name. The wording is EC2's (also quoted in the VM Import/Export guide).
    """
    if instance.root_device_name not in instance.block_device_mapping:
        message = (
            f"Invalid value '{instance.id}' for instanceId. Instance does not have a volume "
            f"attached at root ({instance.root_device_name})"
        )
        raise AwsError("InvalidParameterValue", message)


def refuse_unrebootable(instance: Instance) -> None:
    """Refuse to reboot what is not up.

    "Requests to reboot terminated instances are ignored" (EC2 API reference,
    RebootInstances), so those pass, and are left alone by the caller. The code for a stopped
    one is in no document that we know; it follows EC2's for the same situation elsewhere.
    """
    if instance.state in ("stopping", "stopped"):
        message = f"The instance '{instance.id}' is not in the 'running' state."
        raise AwsError("IncorrectInstanceState", message)


def unprotected_zones(instances: list[Instance]) -> list[Instance]:
    """Answer the instances of those Availability Zones in which none is protected.

    EC2 API reference, TerminateInstances: a protected instance saves the others of the
    batch in its zone, and those of other zones are terminated although the request fails.
    """
    guarded = {i.availability_zone for i in instances if i.disable_api_termination}
    return [i for i in instances if i.availability_zone not in guarded]


def enter(instance: Instance, state: str) -> None:
    """Put ``instance`` into ``state`` with the code that belongs to it."""
    instance._state = InstanceState(state, STATE_CODES[state])  # noqa: SLF001 - moto has no other way


def give_reason(instance: Instance, reason: str) -> None:
    """Set what DescribeInstances shows as ``StateTransitionReason``."""
    instance._reason = reason  # noqa: SLF001 - moto has no other way
