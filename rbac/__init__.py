"""What an identity is inside a cluster: mappings, manifests and access reviews.

Builds on `iam` and the Kubernetes provider, and knows nothing of runs or storage.
"""
