"""Where faults touch the world: the contract of a fault, and one package per cloud.

A provider implements the contract and knows nothing of runs, storage or HTTP; of the bridge it may
import `bridge.model`, `bridge.settings` and `bridge.client`. A cloud's SDK is imported inside the
function that needs it, since declarations must load without it.
"""
