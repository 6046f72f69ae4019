"""Functions that start and stop Faultbridge's experiments: deploy either by its name."""

from __future__ import annotations

import functions_framework

from bridge.triggers import gcp

http = functions_framework.http(gcp.http)
cloud_event = functions_framework.cloud_event(gcp.cloud_event)
