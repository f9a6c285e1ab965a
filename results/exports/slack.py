"""A message for chat: Slack's JSON for incoming webhooks, which Mattermost, Rocket.Chat and others read, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainband.results.exports.figures import as_json
from trainband.results.exports.markdown import counted, sign
from trainband.results.exports.rows import ExportRow

# Slack refuses a section of more than 3,000 characters; one long reason must not push the other cells out.
_LONGEST_SECTION = 3000
_LONGEST_REASON = 300
_MOST_CELLS = 20


def render(rows: Sequence[ExportRow]) -> dict[str, bytes]:
    """The message as a file."""
    return {"slack.json": as_json(message(rows))}


def message(rows: Sequence[ExportRow], *, place: str | None = None) -> dict[str, Any]:
    """How many of what, then the runs that need somebody, errors first.

    Args:
      place: where more is to be read.
    """
    order = ("error", "failed", "open", "waived")
    told = sorted((row for row in rows if row.result in order), key=lambda row: order.index(row.result))
    title = f"trainband: {counted(rows)}"
    blocks = [_section(f"*{_escaped(title)}*")]
    lines = [f"{sign(row)} `{_escaped(row.cell)}` {row.verdict}: {_reason(row)}" for row in told[:_MOST_CELLS]]
    if len(told) > _MOST_CELLS:
        lines.append(f"and {len(told) - _MOST_CELLS} more")
    blocks += map(_section, _packed(lines))
    facts = [*dict.fromkeys(f"sweep {row.sweep_id}" for row in rows if row.sweep_id), *([place] if place else [])]
    if facts:
        elements = [{"type": "mrkdwn", "text": _escaped("; ".join(facts))[:_LONGEST_SECTION]}]
        blocks.append({"type": "context", "elements": elements})
    return {"text": _escaped(title), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _packed(lines: Sequence[str]) -> list[str]:
    """The lines in as few texts as Slack allows."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= _LONGEST_SECTION:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def _reason(row: ExportRow) -> str:
    text = "; ".join(row.story.splitlines())
    return _escaped(text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…")


def _escaped(text: str) -> str:
    """Slack's three control characters; a log can so name nobody and link nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
