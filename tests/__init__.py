"""Tests, one folder per behaviour."""
