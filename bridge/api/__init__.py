"""The HTTP service: one router per dialect, the native `/v1`, events, health and metrics.

A router translates and delegates. What an experiment means is decided below, in the dialects, the
catalogue and the engine, so that every entrance behaves alike.
"""
