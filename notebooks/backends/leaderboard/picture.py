"""The board as a figure."""

import json

from matplotlib.figure import Figure


def board_figure(body: str) -> Figure:
    players = json.loads(body)[::-1]
    figure = Figure(figsize=(6, 2.4), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([player["name"] for player in players], [player["score"] for player in players])
    axes.bar_label(bars, padding=3)
    axes.set_xlabel("score")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.1)
    return figure
