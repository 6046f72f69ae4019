"""What conditions of policies ask about a request: the resource's tags, the request's, the place.

Service Authorization Reference, "Condition keys" of EC2 and Auto Scaling; IAM User Guide, "AWS
global condition context keys".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.autoscaling import autoscaling_backends
from moto.ec2.models import ec2_backends
from moto.eks.models import eks_backends

from bridge.sandbox.aws.cloud import ACCOUNT_ID
from bridge.sandbox.aws.rights import Asked, Right

Context = dict[str, list[str]]

_TAG = re.compile(r"((?:.*\.)?Tags?(?:\.member)?\.\d+)\.Key")
_CREATES = ("CreateSecurityGroup", "CreateVolume", "CreateNetworkInterface", "RunInstances")


def context_of(asked: Asked, right: Right) -> Context:
    """Return the condition keys of one right, in lower case; the caller holds the lock."""
    found: Context = {
        "aws:currenttime": [datetime.now(UTC).isoformat()],
        "aws:requestedregion": [asked.region],
        "aws:resourceaccount": [ACCOUNT_ID],
    }
    if asked.service == "ec2":
        found["ec2:region"] = [asked.region]
    for key, value in _tags_of(asked, right.resource or ""):
        for prefix in ("aws", asked.service):
            _add(found, f"{prefix}:resourcetag/{key}", value)
    given = dict(_given(asked))
    for key, value in given.items():
        _add(found, f"aws:requesttag/{key}", value)
    if given:
        found["aws:tagkeys"] = list(given)
    if right.action == "ec2:CreateTags" and asked.operation in _CREATES:
        found["ec2:createaction"] = [asked.operation]
    return found


def _add(found: Context, key: str, value: str) -> None:
    # Tags whose keys differ in case only are one condition key with several values.
    found.setdefault(key.lower(), []).append(value)


def _given(asked: Asked) -> Iterator[tuple[str, str]]:
    for name, key in asked.form.items():
        if match := _TAG.fullmatch(name):
            yield key, asked.form.get(f"{match[1]}.Value", "")


def _tags_of(asked: Asked, arn: str) -> Iterator[tuple[str, str]]:
    resource = arn.rpartition("/")[2]
    if asked.service == "ec2":
        backend: Any = ec2_backends[ACCOUNT_ID][asked.region]
        yield from backend.tags.get(resource, {}).items()
    elif asked.service == "autoscaling":
        groups: Any = autoscaling_backends[ACCOUNT_ID][asked.region].autoscaling_groups
        group = groups.get(resource)
        for tag in group.tags if group else ():
            yield tag.get("key", tag.get("Key", "")), tag.get("value", tag.get("Value", ""))
    elif asked.service == "eks":
        clusters: Any = eks_backends[ACCOUNT_ID][asked.region].clusters
        cluster = clusters.get(resource)
        yield from ((cluster.tags or {}).items() if cluster else ())
