"""Runs in virtual time: what the machine and advance promise."""
