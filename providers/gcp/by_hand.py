"""The faults of Google Cloud, undone by hand with gcloud."""

from __future__ import annotations

from typing import Final

from providers.by_hand import ByHand

_INSTANCE: Final = "{name} --project {project} --zone {zone}"
_STATUS: Final = f"gcloud compute instances describe {_INSTANCE} --format 'value(status)'"

PASSED: Final = ByHand(
    says="The instance comes up by itself; nothing can be undone. Watch its status.",
    undo=(_STATUS,),
)
STOPPED: Final = ByHand(
    says="Start only what was running before.",
    undo=(f"gcloud compute instances start {_INSTANCE}",),
    note=(_STATUS,),
)
SUSPENDED: Final = ByHand(
    says="Resume only what was running before.",
    undo=(f"gcloud compute instances resume {_INSTANCE}",),
    note=(_STATUS,),
)
DETACHED: Final = ByHand(
    says="INSTANCE is the one that used the disk, DEVICE the name it had there; add --boot for a "
    "boot disk and --disk-scope regional for a regional one.",
    undo=(
        (
            "gcloud compute instances attach-disk INSTANCE --project {project} --zone {zone} "
            "--disk {name} --device-name DEVICE"
        ),
    ),
    note=(
        "gcloud compute disks describe {name} --project {project} {place} --format 'value(users)'",
        (
            "gcloud compute instances describe INSTANCE --project {project} --zone {zone} "
            "--format 'yaml(disks)'"
        ),
    ),
)
ISOLATED: Final = ByHand(
    says='TAG is the network tag that begins with "fb-"; the RULES of the same name go last.',
    undo=(
        f"gcloud compute instances remove-tags {_INSTANCE} --tags TAG",
        "gcloud compute firewall-rules delete RULES --project {project}",
    ),
    note=(
        f"gcloud compute instances describe {_INSTANCE} --format 'value(tags.items)'",
        (
            "gcloud compute firewall-rules list --project {project} --filter 'name~^fb-' "
            "--format 'value(name)'"
        ),
    ),
)
RECREATED: Final = ByHand(
    says="The group makes the instance anew; what was on its boot disk is lost. Look whether it "
    "runs.",
    undo=(_STATUS,),
)
DELETED: Final = ByHand(
    says="A deleted instance is gone; its GROUP gets others with its former SIZE. A regional "
    "group wants --region in place of --zone.",
    undo=(
        (
            "gcloud compute instance-groups managed resize GROUP --project {project} --zone {zone} "
            "--size SIZE"
        ),
    ),
    note=(
        (
            f"gcloud compute instances describe {_INSTANCE} "
            "--format 'value(metadata.items.created-by)'"
        ),
        (
            "gcloud compute instance-groups managed describe GROUP --project {project} "
            "--zone {zone} --format 'value(targetSize)'"
        ),
    ),
)
