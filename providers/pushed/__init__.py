"""Stop conditions of systems that push: nobody asks them, they are heard through `/v1/signals`.

No cloud's SDK is needed for that, and no credentials.
"""
