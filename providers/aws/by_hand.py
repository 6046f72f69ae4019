"""The faults of AWS, undone by hand with the AWS CLI."""

from __future__ import annotations

from typing import Final

from providers.by_hand import ByHand

NOTHING: Final = ByHand(says="It touches nothing, so there is nothing to undo.")
REBOOTED: Final = ByHand(
    says="The instance comes up by itself; nothing can be undone. Watch its status checks.",
    undo=(
        (
            "aws ec2 describe-instance-status --region {region} --instance-ids {name} "
            "--include-all-instances"
        ),
    ),
)
TERMINATED: Final = ByHand(
    says="A terminated instance is gone, with every volume that was to be deleted with it. "
    "Launch another from the image and settings that you note.",
    note=("aws ec2 describe-instances --region {region} --instance-ids {name} --output json",),
)
REPLACED: Final = ByHand(
    says="A terminated instance is gone. Its group launches another; look whether it does.",
    undo=(
        (
            "aws autoscaling describe-scaling-activities --region {region} "
            "--auto-scaling-group-name GROUP --max-items 5"
        ),
    ),
    note=(
        (
            "aws autoscaling describe-auto-scaling-instances --region {region} "
            "--instance-ids {name} --output text "
            "--query 'AutoScalingInstances[].AutoScalingGroupName'"
        ),
    ),
)
STOPPED: Final = ByHand(
    says="Start only what was running before.",
    undo=("aws ec2 start-instances --region {region} --instance-ids {name}",),
    note=(
        (
            "aws ec2 describe-instances --region {region} --instance-ids {name} "
            "--query 'Reservations[].Instances[].State.Name' --output text"
        ),
    ),
)
DETACHED: Final = ByHand(
    says="INSTANCE and DEVICE are where the volume was attached.",
    undo=(
        (
            "aws ec2 attach-volume --region {region} --volume-id {name} --instance-id INSTANCE "
            "--device DEVICE"
        ),
    ),
    note=(
        (
            "aws ec2 describe-volumes --region {region} --volume-ids {name} --output text "
            "--query 'Volumes[].Attachments[].[InstanceId,Device,DeleteOnTermination]'"
        ),
    ),
)
ISOLATED: Final = ByHand(
    says="Give each INTERFACE its own GROUPS back, then delete the security group whose name "
    'begins with "fb-".',
    undo=(
        (
            "aws ec2 modify-network-interface-attribute --region {region} "
            "--network-interface-id INTERFACE --groups GROUPS"
        ),
    ),
    note=(
        (
            "aws ec2 describe-network-interfaces --region {region} "
            "--filters Name=attachment.instance-id,Values={name} "
            "--query 'NetworkInterfaces[].[NetworkInterfaceId,Groups[].GroupId]' --output text"
        ),
    ),
)
SUSPENDED: Final = ByHand(
    says="Leave out of PROCESSES what was suspended before. Without --scaling-processes all of "
    "them are resumed.",
    undo=(
        (
            "aws autoscaling resume-processes --region {region} --auto-scaling-group-name {name} "
            "--scaling-processes PROCESSES"
        ),
    ),
    note=(
        (
            "aws autoscaling describe-auto-scaling-groups --region {region} "
            "--auto-scaling-group-names {name} "
            "--query 'AutoScalingGroups[].SuspendedProcesses[].ProcessName' --output text"
        ),
    ),
)
