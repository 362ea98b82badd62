"""A report as one HTML page: its template filled, with styles, charts and program inside."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.config.errors import Problem, ResourceError
from bpcli.display.report.charts import Svg
from bpcli.display.report.facts import facts_of
from bpcli.display.text import shown_lines

if TYPE_CHECKING:
    from bpcli.runs.report import Report

_HERE = Path(__file__).parent
_PROGRAM = ("net.js", "form.js")
_TAGS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def report_page(report: Report) -> str:
    """The page; the same run gives the same text.  Raises ResourceError without the extra."""
    try:
        import jinja2
        from markupsafe import Markup
    except ImportError:
        what, fix = "a report needs jinja2", "pip install 'bpcli[report]'"
        raise ResourceError(Problem("BP-S009", "bpcli report", what, fix)) from None
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = "".join((_HERE / name).read_text(encoding="utf-8") for name in _PROGRAM)
    facts = {name: _told(value, Markup) for name, value in facts_of(report).items()}
    template = environment.from_string((_HERE / "page.html.j2").read_text(encoding="utf-8"))
    network = None if report.network is None else Markup(_data(report.network))
    page: str = template.render(
        facts,
        css=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        network=network,
        script=Markup(script),
        policy=_policy(script),
        given=shown_lines(report.given),
        resolved=shown_lines(report.resolved),
    )
    return page + "\n"


def _policy(script: str) -> str:
    """What a browser may do for the page: nothing but its own styles and its one program."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _data(network: dict[str, Any]) -> str:
    """JSON that no tag can end."""
    return json.dumps(network, ensure_ascii=True, allow_nan=False).translate(_TAGS)


def _told(value: Any, markup: type[str]) -> Any:
    """Facts with every text safe to show; a chart is markup."""
    if isinstance(value, Svg):
        return markup(value)
    if isinstance(value, str):
        return shown_lines(value)
    if isinstance(value, dict):
        return {key: _told(one, markup) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_told(one, markup) for one in value]
    return value
