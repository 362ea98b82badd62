"""bpcli schema: the JSON Schema of the config, for editors."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON Schema of the config file.

    With an editor that speaks YAML, put this line at the top of a config:

      # yaml-language-server: $schema=bpcli.schema.json

    Example:

      bpcli schema > bpcli.schema.json
    """
    import json

    from bpcli.config.schema import json_schema
    from bpcli.experiment.config import Config

    typer.echo(json.dumps(json_schema(Config), indent=2, ensure_ascii=False))
