"""What the instances of a cluster have counted, side by side."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from html import escape
from typing import Any


@dataclass(frozen=True, slots=True)
class InstanceStatistics:
    """One instance.

    Attributes:
        url: Where its clients connect.
        state: Where it is in its life.
        restarts: How often it was started again.
        connections: Requests, holds and WebSockets that are open.
        subscriptions: Subscribers over all channels.
        messages: Messages that somebody there was subscribed to; since it was last started, as the next one is.
        receivers: Subscribers these were meant for.
    """

    url: str
    state: str
    restarts: int
    connections: int
    subscriptions: int
    messages: int
    receivers: int


_COLUMNS = tuple(field.name for field in fields(InstanceStatistics))


@dataclass(frozen=True, slots=True)
class ClusterStatistics:
    """All instances, in the cluster's order; it prints as a table, in a notebook too."""

    instances: tuple[InstanceStatistics, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for JSON."""
        return [asdict(instance) for instance in self.instances]

    def _rows(self) -> list[tuple[str, ...]]:
        rows = [tuple(_text(getattr(each, name)) for name in _COLUMNS) for each in self.instances]
        totals = [sum(getattr(each, name) for each in self.instances) for name in _COLUMNS[2:]]
        return [*rows, ("all", "", *(_text(total) for total in totals))]

    def __str__(self) -> str:
        rows = [_COLUMNS, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        lines = [
            "  ".join(
                text.ljust(width) if column < 2 else text.rjust(width)
                for column, (text, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in self._rows()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value
