"""The messages of the kinds that clients send in protobuf: fields and numbers.

They are those of Kubernetes' published `generated.proto` files; whole numbers and flags that the
encoding always writes are absent in JSON where they say nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from bridge.sandbox.kubernetes.protobuf import Message, Read, fields_in, number, read_message, text


def _bytes(value: Any) -> str:
    return base64.b64encode(value).decode()


def _nothing(_value: Any) -> None:
    return None


def _message(fields: Message) -> Read:
    return lambda value: read_message(value, fields)


def _pair(value: Read) -> Read:
    def read(data: Any) -> Any:
        pair = dict(fields_in(data))
        return text(pair.get(1, b"")), value(pair.get(2, b""))

    return read


def _one(name: str, read: Read = text) -> tuple[str, Read, bool]:
    return name, read, False


def _many(name: str, read: Read = text) -> tuple[str, Read, bool]:
    return name, read, True


def _map(name: str, read: Read = text) -> tuple[str, Read, bool]:
    return f"{name}{{}}", _pair(read), True


def _flag(value: Any) -> bool | None:
    """Read a flag that JSON leaves out where it is not set."""
    return True if value else None


def _number_or_text(value: Any) -> int | str:
    """Read an IntOrString: which of the two, the number, the text."""
    read = dict(fields_in(value))
    return text(read.get(3, b"")) if read.get(1) else int(read.get(2, 0))


_OWNER: Message = {
    1: _one("kind"),
    3: _one("name"),
    4: _one("uid"),
    5: _one("apiVersion"),
    6: _one("controller", bool),
    7: _one("blockOwnerDeletion", bool),
}
_METADATA: Message = {
    1: _one("name"),
    2: _one("generateName"),
    3: _one("namespace"),
    4: _one("selfLink"),
    5: _one("uid"),
    6: _one("resourceVersion"),
    7: _one("generation", int),
    8: _one("creationTimestamp", _nothing),
    11: _map("labels"),
    12: _map("annotations"),
    13: _many("ownerReferences", _message(_OWNER)),
    14: _many("finalizers"),
}
_META = _one("metadata", _message(_METADATA))
_RULE: Message = {
    1: _many("verbs"),
    2: _many("apiGroups"),
    3: _many("resources"),
    4: _many("resourceNames"),
    5: _many("nonResourceURLs"),
}
_SUBJECT: Message = {
    1: _one("kind"),
    2: _one("apiGroup"),
    3: _one("name"),
    4: _one("namespace"),
}
_ROLE_REFERENCE: Message = {1: _one("apiGroup"), 2: _one("kind"), 3: _one("name")}
_ROLE: Message = {1: _META, 2: _many("rules", _message(_RULE))}
_BINDING: Message = {
    1: _META,
    2: _many("subjects", _message(_SUBJECT)),
    3: _one("roleRef", _message(_ROLE_REFERENCE)),
}
_NAMED: Message = {1: _one("name")}
_ASKED: Message = {
    1: _one("namespace"),
    2: _one("verb"),
    3: _one("group"),
    4: _one("version"),
    5: _one("resource"),
    6: _one("subresource"),
    7: _one("name"),
}
_ASKED_PATH: Message = {1: _one("path"), 2: _one("verb")}
_SELF_REVIEW: Message = {
    1: _one("resourceAttributes", _message(_ASKED)),
    2: _one("nonResourceAttributes", _message(_ASKED_PATH)),
}

_EXPRESSION: Message = {1: _one("key"), 2: _one("operator"), 3: _many("values")}
_SELECTOR: Message = {
    1: _map("matchLabels"),
    2: _many("matchExpressions", _message(_EXPRESSION)),
}
_CONTAINER_PORT: Message = {
    1: _one("name"),
    2: _one("hostPort", int),
    3: _one("containerPort", int),
    4: _one("protocol"),
    5: _one("hostIP"),
}
_VARIABLE: Message = {1: _one("name"), 2: _one("value")}
_QUANTITY = _message({1: _one("string")})


def _amount(value: Any) -> str:
    return str(_QUANTITY(value).get("string", "0"))


_CONTAINER: Message = {
    1: _one("name"),
    2: _one("image"),
    3: _many("command"),
    4: _many("args"),
    5: _one("workingDir"),
    6: _many("ports", _message(_CONTAINER_PORT)),
    7: _many("env", _message(_VARIABLE)),
    8: _one("resources", _message({1: _map("limits", _amount), 2: _map("requests", _amount)})),
    13: _one("terminationMessagePath"),
    14: _one("imagePullPolicy"),
    16: _one("stdin", _flag),
    17: _one("stdinOnce", _flag),
    18: _one("tty", _flag),
    20: _one("terminationMessagePolicy"),
}
_POD_SPEC: Message = {
    2: _many("containers", _message(_CONTAINER)),
    3: _one("restartPolicy"),
    4: _one("terminationGracePeriodSeconds", number),
    5: _one("activeDeadlineSeconds", number),
    6: _one("dnsPolicy"),
    7: _map("nodeSelector"),
    8: _one("serviceAccountName"),
    9: _one("serviceAccount"),
    10: _one("nodeName"),
    11: _one("hostNetwork", _flag),
    12: _one("hostPID", _flag),
    13: _one("hostIPC", _flag),
    15: _many("imagePullSecrets", _message(_NAMED)),
    16: _one("hostname"),
    17: _one("subdomain"),
    19: _one("schedulerName"),
    20: _many("initContainers", _message(_CONTAINER)),
    24: _one("priorityClassName"),
}
_TEMPLATE: Message = {1: _META, 2: _one("spec", _message(_POD_SPEC))}
_DEPLOYMENT_SPEC: Message = {
    1: _one("replicas", number),
    2: _one("selector", _message(_SELECTOR)),
    3: _one("template", _message(_TEMPLATE)),
    4: _one("strategy", _message({1: _one("type")})),
    5: _one("minReadySeconds", int),
    6: _one("revisionHistoryLimit", number),
    7: _one("paused", _flag),
    9: _one("progressDeadlineSeconds", number),
}
_SERVICE_PORT: Message = {
    1: _one("name"),
    2: _one("protocol"),
    3: _one("port", int),
    4: _one("targetPort", _number_or_text),
    5: _one("nodePort", int),
    6: _one("appProtocol"),
}
_SERVICE_SPEC: Message = {
    1: _many("ports", _message(_SERVICE_PORT)),
    2: _map("selector"),
    3: _one("clusterIP"),
    4: _one("type"),
    5: _many("externalIPs"),
    7: _one("sessionAffinity"),
    8: _one("loadBalancerIP"),
    9: _many("loadBalancerSourceRanges"),
    10: _one("externalName"),
    11: _one("externalTrafficPolicy"),
    12: _one("healthCheckNodePort", int),
    13: _one("publishNotReadyAddresses", _flag),
    17: _one("ipFamilyPolicy"),
    18: _many("clusterIPs"),
    19: _many("ipFamilies"),
    22: _one("internalTrafficPolicy"),
}

KINDS: Mapping[tuple[str, str], Message] = {
    ("v1", "Namespace"): {
        1: _META,
        2: _one("spec", _message({1: _many("finalizers")})),
        3: _one("status", _nothing),
    },
    ("v1", "ConfigMap"): {
        1: _META,
        2: _map("data"),
        3: _map("binaryData", _bytes),
        4: _one("immutable", bool),
    },
    ("v1", "Secret"): {
        1: _META,
        2: _map("data", _bytes),
        3: _one("type"),
        4: _map("stringData"),
        5: _one("immutable", bool),
    },
    ("v1", "ServiceAccount"): {
        1: _META,
        3: _many("imagePullSecrets", _message(_NAMED)),
        4: _one("automountServiceAccountToken", bool),
    },
    ("v1", "Service"): {
        1: _META,
        2: _one("spec", _message(_SERVICE_SPEC)),
        3: _one("status", _nothing),
    },
    ("apps/v1", "Deployment"): {
        1: _META,
        2: _one("spec", _message(_DEPLOYMENT_SPEC)),
        3: _one("status", _nothing),
    },
    ("rbac.authorization.k8s.io/v1", "Role"): _ROLE,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): _ROLE,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): _BINDING,
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview"): {
        1: _META,
        2: _one("spec", _message(_SELF_REVIEW)),
        3: _one("status", _nothing),
    },
    ("authentication.k8s.io/v1", "SelfSubjectReview"): {
        1: _META,
        2: _one("status", _nothing),
    },
    ("authorization.k8s.io/v1", "SelfSubjectRulesReview"): {
        1: _META,
        2: _one("spec", _message({1: _one("namespace")})),
        3: _one("status", _nothing),
    },
}
