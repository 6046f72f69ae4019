"""What `faultbridge lint` is made of: which documents there are, what is wrong, how it is told."""

from __future__ import annotations
