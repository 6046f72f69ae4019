"""A Kubernetes API server in memory, for the sandbox and for tests."""
