"""Train, select, explain and ship neural networks from one YAML file and one CSV."""

__version__ = "0.1.0"
