"""Run folders and model files: the only place that writes."""
