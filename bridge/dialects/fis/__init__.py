"""AWS FIS's way of writing experiments down, API version 2020-12-01.

No AWS SDK is used: the limits of the service model stand in `requests`, and tests hold them
against botocore's.
"""

from __future__ import annotations

from bridge.dialects.fis.files import wire_document
from bridge.dialects.fis.operations import OPERATIONS, Operation
from bridge.dialects.fis.templates import (
    DIALECT,
    Parsed,
    document_of,
    merged_document,
    parse_template,
    render_template,
)

__all__ = [
    "DIALECT",
    "OPERATIONS",
    "Operation",
    "Parsed",
    "document_of",
    "merged_document",
    "parse_template",
    "render_template",
    "wire_document",
]
