"""Handlers of functions: rules, platforms, credentials."""
