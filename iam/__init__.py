"""Who is calling, what they may do, and as whom the bridge acts in each cloud.

What must be stored is stated here as protocols, which `bridge.store` implements. Cloud SDKs may be
imported here, lazily, for credentials and nothing else.
"""
