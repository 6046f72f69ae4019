"""Where the provider meets less in the real API server of the tests (1.20) than in the emulator.

This is the whole list; each entry says what the emulator (1.32) does, what 1.20 does, and why.
"""

from __future__ import annotations

from tests.kubernetes_emulator.differences import Difference

USER_NAME = Difference(
    "nobody",
    "USERNAME-OF-THE-IDENTITY",
    "a user may ask who it is (SelfSubjectReview) since 1.28: before, the grant has a gap to fill",
)
UNKNOWN_FIELD = Difference(
    "refused",
    "dropped",
    "?fieldValidation=Strict came with 1.23: before, a field without a schema is left out silently",
)
