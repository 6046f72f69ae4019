"""Faults in any Kubernetes cluster: custom resources, their life cycle and the cluster connection.

The same code serves every cloud's clusters; who the caller is there comes from `iam` and `rbac`,
through the session it is given. The Kubernetes client may be imported here, lazily.
"""
