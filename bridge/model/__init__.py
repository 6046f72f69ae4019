"""The vocabulary: templates, experiments, records, events. No I/O, imports nothing of ours."""
