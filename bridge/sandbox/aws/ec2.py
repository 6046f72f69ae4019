"""The emulated EC2 as a whole."""

from __future__ import annotations

from moto.ec2.responses import EC2Response

from bridge.sandbox.aws.cloud import Cloud
from bridge.sandbox.aws.errors import RuledResponse
from bridge.sandbox.aws.instances import InstanceRules
from bridge.sandbox.aws.network import NetworkRules
from bridge.sandbox.aws.tags import TagRules
from bridge.sandbox.aws.volumes import VolumeRules


class SandboxEc2(InstanceRules, VolumeRules, NetworkRules, TagRules, RuledResponse, EC2Response):
    """moto's EC2 with the real rules where moto is kinder."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.cloud = cloud
