"""Ninth stage: from numbers to pictures. Figures, tables and the one style they share."""

from realtime_kit.plots.race import race_figure
from realtime_kit.plots.save import check_picture_path, save_figure
from realtime_kit.plots.sequence import draw_sequence, sequence_figure
from realtime_kit.plots.sequence_table import sequence_html, sequence_table
from realtime_kit.plots.style import DARK, LIGHT, Theme
from realtime_kit.plots.table import race_html, race_table
from realtime_kit.plots.words import format_bytes, format_rate, format_seconds, format_share

__all__ = [
    "DARK",
    "LIGHT",
    "Theme",
    "check_picture_path",
    "draw_sequence",
    "format_bytes",
    "format_rate",
    "format_seconds",
    "format_share",
    "race_figure",
    "race_html",
    "race_table",
    "save_figure",
    "sequence_figure",
    "sequence_html",
    "sequence_table",
]
