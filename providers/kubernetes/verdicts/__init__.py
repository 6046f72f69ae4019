"""What the status of a chaos resource is taken for: one module per family of kinds.

Each judges from the resource as it was read, and from what stands around it (`Around`), without
any request of its own.
"""
