"""Guardrails: what no run may touch, how much, how long and when; and the switch."""
