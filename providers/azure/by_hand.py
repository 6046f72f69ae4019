"""The faults of Azure, undone by hand with the Azure CLI."""

from __future__ import annotations

from typing import Final

from providers.by_hand import ByHand

PASSED: Final = ByHand(
    says="The machine comes up by itself; nothing can be undone. Watch its power state.",
    undo=("az vm get-instance-view --ids {id} --query instanceView.statuses[].code --output tsv",),
)
STOPPED: Final = ByHand(
    says="Start only what was running before.",
    undo=("az vm start --ids {id}",),
    note=("az vm get-instance-view --ids {id} --query instanceView.statuses[].code --output tsv",),
)
STOPPED_IN_SET: Final = ByHand(
    says="Start only what was running before.",
    undo=(
        (
            "az vmss start --subscription {subscription} --resource-group {group} --name {outer} "
            "--instance-ids {name}"
        ),
    ),
    note=(
        (
            "az vmss get-instance-view --subscription {subscription} --resource-group {group} "
            "--name {outer} --instance-id {name} --query statuses[].code --output tsv"
        ),
    ),
)
DETACHED: Final = ByHand(
    says="VM is the machine's id, LUN and CACHING as the disk had them there.",
    undo=("az vm disk attach --ids VM --name {id} --lun LUN --caching CACHING",),
    note=(
        "az disk show --ids {id} --query managedBy --output tsv",
        "az vm show --ids VM --query 'storageProfile.dataDisks[].[name,lun,caching]' --output tsv",
    ),
)
ISOLATED: Final = ByHand(
    says="Give each INTERFACE its own GROUP back; where it had none, use the second command. "
    'Then delete the security group whose name begins with "fb-".',
    undo=(
        "az network nic update --ids INTERFACE --network-security-group GROUP",
        "az network nic update --ids INTERFACE --remove networkSecurityGroup",
    ),
    note=(
        "az vm show --ids {id} --query 'networkProfile.networkInterfaces[].id' --output tsv",
        "az network nic show --ids INTERFACE --query networkSecurityGroup.id --output tsv",
    ),
)
