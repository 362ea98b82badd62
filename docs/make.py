"""Write the generated pages of docs/, or say with --check which of them are stale.

    docs/make.py [--check] [PAGE ...]

Each page is a function of the program: its registry, its schema, its help, one run. The picture
of a run holds numbers that may differ between machines, so only its words are checked.
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import bpcli.experiment.config as root
from bpcli.cli.app import app
from bpcli.config.component import Component
from bpcli.config.describe import ComponentHelp, FieldHelp, describe, families
from bpcli.config.errors import BpcliError
from bpcli.config.schema import json_schema

DOCS = Path(__file__).resolve().parent
PROJECT = DOCS.parent
MADE = "<!-- Written by docs/make.py; do not edit. -->\n"
Schema = dict[str, Any]

# ---- components.md ------------------------------------------------------------------------------

COMPONENTS = """\
# Components

Everything that a config can name. The same lists come from `bpcli list`.

A component is written as a bare name; as a name with its first field; or as a name with fields:

```yaml
network:
  - relu                               # a bare name
  - dense: 16                          # a name with its first field
  - dense: {units: 16, init: he}       # a name with fields
```

The bare name stands for all defaults, so it is there only where no field is required.
"""


def components_page() -> str:
    return "\n".join([COMPONENTS, *(_family(family) for family in families())])


def _family(family: str) -> str:
    uses = ", ".join(f"`{path}`" for path in _uses(family))
    where = f"Used in {uses}." if uses else "Not named in a config: all that fit are computed."
    members = [_component(family, one) for one in describe(family)]
    return "\n".join([f"## {family}\n\n{where}\n", *members])


def _component(family: str, one: ComponentHelp) -> str:
    member = Component.registry[family][one.name]
    paragraphs = [_prose(text) for text in re.split(r"\n\s*\n", one.text)]
    if member.model_fields:
        properties = _properties(json_schema(member))
        rows = (
            [_code(f.name), _kind(properties[f.name]), _default(f), _prose(f.description)]
            for f in one.fields
        )
        paragraphs.append(_table(["field", "type", "default", "meaning"], rows))
    if not family.endswith("metric"):
        paragraphs.append(f"Written {' or '.join(map(_code, written_forms(member)))}.")
    return f"### {one.name}\n\n" + "\n\n".join(paragraphs) + "\n"


def written_forms(member: type[Component]) -> list[str]:
    """The ways to write it in YAML: its bare name, with its first field, with all its fields."""
    fields = member.model_validate(member.example).model_dump(mode="json")
    required = {name for name, field in member.model_fields.items() if field.is_required()}
    main = member.main_field()
    forms = [] if required else [member.name]
    if main is not None and required <= {main}:
        forms.append(_flow({member.name: fields[main]}))
    return [*forms, _flow({member.name: fields})] if len(fields) > 1 else forms


def _uses(family: str) -> Iterator[str]:
    """The keys of a config that take a component of this family."""
    reference = f'"$ref": "#/$defs/{family}"'
    sections = dict(_sections())
    for owners in Component.registry.values():
        for name, member in owners.items():
            if member.model_fields:
                sections[name] = json_schema(member)
    for path, section in sections.items():
        for key, schema in _properties(section).items():
            if reference in json.dumps(schema):
                yield f"{path}.{key}" if path else key


def _properties(section: dict[str, Any]) -> dict[str, Any]:
    """The keys of a section; one that may hold itself is a reference to its definition."""
    if "$ref" in section:
        section = section["$defs"][section["$ref"].rsplit("/", 1)[-1]]
    properties: dict[str, Any] = section["properties"]
    return properties


# ---- config.md ----------------------------------------------------------------------------------

CONFIG = """\
# The config file

One YAML file describes one experiment. Only `data.path`, or `data.train`, is required.
`bpcli validate` reports every mistake at once, with its line and column;
`bpcli validate --expand` prints a config with every default filled in;
`bpcli schema` prints the JSON Schema of this page for an editor.

- YAML 1.2: `1e-3` is a number, `no` is text, `010` is 10. An unknown or repeated key is an error.
- Paths are relative to the config file.
- `--set path=value` overrides one key, for example `--set optimizer.adam.beta2=0.95` or
  `--set network.0.dense=64`. The value is read as YAML.
- A default of – means that the key may be left out; its meaning says what happens then.
- How a layer, loss, optimizer or scaler is written: [components.md](components.md).
"""

EXAMPLE = """\
## A complete example

`configs/iris.yaml` with every key filled in, as `bpcli validate configs/iris.yaml --expand`
prints it. Keys whose value is – are absent.

```yaml
{example}```
"""


def config_page() -> str:
    sections = [_section(path, part) for path, part in _sections()]
    example = run("validate", "configs/iris.yaml", "--expand", cwd=PROJECT)
    return "\n".join([CONFIG, *sections, EXAMPLE.format(example=example)])


def _sections() -> Iterator[tuple[str, Schema]]:
    """The root of the config, then each of its mappings, with their keys."""
    schema = json_schema(root.Config)
    yield "", schema
    yield from _inner_sections(schema["$defs"], schema)


def _inner_sections(defs: Schema, section: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    for key, value in section["properties"].items():
        for form in _forms(value):
            part = defs.get(_reference(form), {})
            if "properties" in part:
                yield path + key, part
                yield from _inner_sections(defs, part, f"{path}{key}.")


def _forms(schema: Schema) -> Iterator[Schema]:
    """A schema and its alternatives."""
    yield schema
    for form in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _forms(form)


def _section(path: str, part: Schema) -> str:
    head = f"## {path}" if path else "## Keys"
    required = part.get("required", [])
    rows = []
    for key, schema in part["properties"].items():
        named = _reference(_given(schema))
        is_section = named and named not in Component.registry
        anchor = f"{path}{key}".replace(".", "")  # as GitHub names it
        kind = _kind(schema).replace(MAPPING, f"[mapping](#{anchor})")
        filled = is_section and schema.get("default") is not None
        default = "see there" if filled else _shown(schema.get("default"))
        default = "required" if key in required else default
        rows.append([_code(key), kind, default, _prose(schema.get("description", ""))])
    table = _table(["key", "type", "default", "meaning"], rows)
    return f"{head}\n\n{_prose(part['description'])}\n\n{table}\n"


# ---- commands.md --------------------------------------------------------------------------------

COMMANDS = """\
# Commands

What `bpcli` and each command say with `--help`. Results go to standard output, all else to
standard error. Progress is drawn on a terminal only; elsewhere it is plain lines. `NO_COLOR` is
respected.
"""

EXIT_CODES = """\
## Exit codes

{table}

With `--json` an error is one JSON object on standard output, with the same facts.
"""


def commands_page() -> str:
    names = [command.name for command in app.registered_commands]
    helps = [_help("bpcli"), *(_help(f"bpcli {name}", name or "") for name in names)]
    return "\n".join([COMMANDS, *helps, EXIT_CODES.format(table=_exit_codes())])


def _help(title: str, *arguments: str) -> str:
    return f"## {title}\n\n```text\n{run(*arguments, '--help', cwd=PROJECT).strip()}\n```\n"


def _exit_codes() -> str:
    codes = {0: "Done.", 1: "A fault of bpcli itself; a crash file is named.", 2: "Wrong usage."}
    for error in BpcliError.__subclasses__():
        codes[error.exit_code] = _prose(error.__doc__ or "")
    ended = "after a clean stop: training goes on with `--resume`"
    for name, number in {"SIGHUP": 129, "SIGINT, Ctrl-C": 130, "SIGTERM": 143}.items():
        codes[number] = f"Ended by {name}, {ended}."
    rows = ([str(code), meaning] for code, meaning in sorted(codes.items()))
    return _table(["code", "meaning"], rows)


# ---- errors.md ----------------------------------------------------------------------------------

ERRORS = """\
# Messages

Every error and warning that bpcli can print, by its id. An id keeps its meaning for ever and is
never used again, so a program may rely on it; `--json` has it as `problems[].id`. The examples are
printed by the bad inputs in [tests/bad_inputs](../tests/bad_inputs), each run by a test. What the
exit codes mean: [commands.md](commands.md#exit-codes).
"""

MACHINE = {  # what another machine or moment would print otherwise
    r"[\d.,]+ GB are available": "… GB are available",
    r"process \d+ on \S+ is": "process 4321 on lab is",
    r"bpcli-crash-\w+\.txt": "bpcli-crash-1f2e3d4c.txt",
}


def errors_page() -> str:
    sys.path.insert(0, str(PROJECT / "tests"))
    from bad_inputs import CASES
    from bad_inputs.meanings import FAMILIES, MEANINGS

    examples = {case.id: case for case in reversed(CASES)}  # the first case of each id
    page = [ERRORS]
    for letter, family in FAMILIES.items():
        page.append(f"## {family}\n")
        ids = [id for id in sorted(MEANINGS) if id[3] == letter]
        page += [_message(id, MEANINGS[id], examples[id]) for id in ids]
    return "\n".join(page)


def _message(id: str, meaning: str, case: Any) -> str:
    """A message as its first case prints it."""
    from bad_inputs.case import run

    with tempfile.TemporaryDirectory() as folder:
        ending = run(case, Path(folder))
    lines = ending.err.splitlines()
    first = next(i for i, line in enumerate(lines) if f"[{id}]" in line)
    rest = next((i for i, line in enumerate(lines) if i > first and line[:1] != " "), len(lines))
    shown = "\n".join(line.rstrip() for line in lines[first:rest])
    for pattern, example in MACHINE.items():
        shown = re.sub(pattern, example, shown)
    code = f"Exit code {case.exit}." if case.exit else "A warning."
    return f"### {id}\n\n{meaning} {code}\n\n```text\n$ bpcli {case.command}\n{shown}\n```\n"


# ---- train.svg ----------------------------------------------------------------------------------

SHOWN = "train", "configs/iris.yaml"
WIDTH = 104


def picture() -> str:
    """A real run as it looks on a terminal, in whatever monospaced font the reader has."""
    import rich._export_format
    from rich.console import Console
    from rich.text import Text

    with tempfile.TemporaryDirectory() as folder:
        for name in ("configs", "data"):
            shutil.copytree(PROJECT / name, Path(folder, name))
        colour = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
        output = run(*SHOWN, cwd=Path(folder), stderr=subprocess.STDOUT, **colour)
    console = Console(record=True, file=io.StringIO(), width=WIDTH, color_system="truecolor")
    console.print(Text.assemble(("$ ", "green"), ("bpcli " + " ".join(SHOWN), "bold")))
    console.print(Text.from_ansi(output.rstrip()))
    form = re.sub(r" *@font-face {{.*?}}\n", "", rich._export_format.CONSOLE_SVG_FORMAT, flags=re.S)
    fonts = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
    form = form.replace("Fira Code, monospace", fonts)
    svg = console.export_svg(title="bpcli", code_format=form, unique_id="bpcli")
    return re.sub(r"[ \t]+$", "", svg, flags=re.M)


def _words(svg: str) -> str:
    """The size of a picture, and its text without numbers and curves."""
    text = html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)))
    return svg.partition("\n")[0] + " ".join(re.sub(r"[\d\u2800-\u28ff,.e+-]+", " ", text).split())


# ---- Markdown -----------------------------------------------------------------------------------


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _code(text: str) -> str:
    return f"`{text}`"


def _prose(text: str) -> str:
    """Text of the program as Markdown: one line, a sentence, with its signs taken literally."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(p if p.startswith("`") else re.sub(r"([*<~])", r"\\\1", p) for p in parts)


def _default(field: FieldHelp) -> str:
    return "required" if field.required else _shown(field.default)


def _shown(default: Any) -> str:
    return "–" if default is None else _code(_flow(default))


def _flow(value: Any) -> str:
    """A value as it is written in YAML, on one line."""
    match value:
        case dict():
            return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(map(_flow, value))}]"
        case str() if re.fullmatch(r"[A-Za-z][\w-]*", value):
            return value
        case float():
            return repr(value).replace("e-0", "e-")
    return json.dumps(value, ensure_ascii=False)


SIGNS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
NAMES = {"integer": "whole number", "number": "number", "string": "text"}


MAPPING = "[mapping]"  # until it has the anchor of its section


def _kind(schema: Schema) -> str:
    """What a value may be, in words."""
    *kinds, last = _kinds(schema)
    return f"{', '.join(kinds)} or {last}" if kinds else last


def _kinds(schema: Schema) -> list[str]:
    match schema:
        case {"anyOf": kinds} | {"oneOf": kinds}:
            return [one for kind in kinds if kind.get("type") != "null" for one in _kinds(kind)]
        case {"const": value}:
            return [_code(_flow(value))]
        case {"enum": values}:
            return [_code(_flow(value)) for value in values]
        case {"$ref": _}:
            family = _reference(schema)
            known = family in Component.registry
            return [f"[{family}](components.md#{family})" if known else MAPPING]
        case {"type": "array", "prefixItems": items}:
            return [f"[{', '.join(map(_kind, items))}]"]
        case {"type": "array", "items": items}:
            return [f"list of {_kind(items)}"]
        case {"type": "object", "additionalProperties": items}:
            return [f"mapping of names to {_kind(items)}"]
        case {"type": "boolean"}:
            return ["`true`", "`false`"]
    bounds = ", ".join(
        f"{sign} {'2⁶³' if schema[key] == 2**63 else _flow(schema[key])}"
        for key, sign in SIGNS.items()
        if key in schema
    )
    if "type" not in schema:
        return ["any value"]
    return [f"{NAMES[schema['type']]} {bounds}".strip()]


def _given(schema: Schema) -> Schema:
    """What a key may be that may also be left open."""
    given = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return given[0] if len(given) == 1 else schema


def _reference(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


# ---- the command --------------------------------------------------------------------------------


def run(*arguments: str, cwd: Path, stderr: int | None = None, **environment: str) -> str:
    """What a command prints at a fixed width, whatever the terminal and its settings."""
    steering = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TERMINAL_WIDTH", "_TYPER_FORCE")
    own = {key: value for key, value in os.environ.items() if not key.startswith(steering)}
    colour = {} if "FORCE_COLOR" in environment else {"NO_COLOR": "1"}
    if not colour:
        own.pop("NO_COLOR", None)
    fixed = {"COLUMNS": "80", "PYTHONUTF8": "1", "PYTHONPATH": str(PROJECT), **colour}
    done = subprocess.run(
        [sys.executable, "-m", "bpcli", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=stderr,
        encoding="utf-8",
        check=True,
        env={**own, **fixed, **environment},
    )
    return done.stdout


PAGES = {
    "components.md": lambda: MADE + components_page(),
    "config.md": lambda: MADE + config_page(),
    "commands.md": lambda: MADE + commands_page(),
    "errors.md": lambda: MADE + errors_page(),
    "train.svg": picture,
}


def is_stale(name: str, new: str) -> bool:
    """Whether a page differs from what the program says now."""
    path = DOCS / name
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    return _words(old) != _words(new) if name.endswith(".svg") else old != new


def main(arguments: list[str]) -> int:
    names = [name for name in arguments if name != "--check"] or list(PAGES)
    stale = {name: page for name in names if is_stale(name, page := PAGES[name]())}
    for name, page in stale.items():
        if "--check" in arguments:
            print(f"docs/{name} is stale; write it with: make docs", file=sys.stderr)
        else:
            (DOCS / name).write_text(page, encoding="utf-8")
            print(f"wrote docs/{name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
