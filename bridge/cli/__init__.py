"""The command line: Typer commands, their output and their exit codes.

The top of the house: it may import every other room, and none imports it. Commands speak HTTP to a
running bridge, or embed one where none is configured.
"""
