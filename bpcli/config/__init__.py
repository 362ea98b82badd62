"""Strict YAML, the one component grammar, and the errors every layer raises."""
