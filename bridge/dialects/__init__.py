"""How each cloud writes an experiment down.

One module per dialect, which parses its document into `bridge.model` and renders the model back as
the cloud's clients expect it, errors included. A dialect neither stores nor runs anything: it may
import what lies below it, and never `bridge.store`, its sibling.
"""
