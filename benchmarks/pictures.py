"""Draw the pictures of docs/methods.md, as SVG, from the estimators themselves.

    python benchmarks/pictures.py

`two_wikis.svg`: two populations that look alike at 10 % and differ at 50 %. `widths.svg`: how wide the interval of the
number of visitors is to be expected, by sampling rate and number of visitors.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from jobs.estimation.identifiability import HALF_WIDTHS, N_USERS, RATES
from jobs.estimation.kernels import thin_whole, users_edges, users_types
from jobs.estimation.mixture import solve

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
FONT = "font-family='sans-serif' fill='#222'"
BLUE, ORANGE, GREY = "#2a6fb0", "#e08a1e", "#999"


def text(x: float, y: float, words: str, size: int = 13, anchor: str = "middle", extra: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' {FONT} {extra}>{words}</text>"


def box(x: float, y: float, width: float, height: float, colour: str, extra: str = "") -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{colour}' {extra}/>"


def line(points: Iterable[tuple[float, float]], colour: str, width: float = 2.0, extra: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='{width}' {extra}/>"


def save(name: str, width: int, height: int, title: str, parts: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    body = "\n".join([f"<title>{title}</title>", box(0, 0, width, height, "white"), *parts])
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img'>"
    (FOLDER / name).write_text(f"{head}\n{body}\n</svg>\n")


def two_populations() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Types, and users per type, of a wiki with 10,000 visitors and of its likeliest double with 13,500 at 10 %."""
    rate, largest = 0.1, 12
    edges, types = users_edges(largest), users_types("int", 0.1, largest)
    one = np.where(types <= 40, 0.5**types, 0.0)
    one = 10_000 * one / one.sum()
    counts = thin_whole(types, rate, edges) @ one
    users = 13_500.0
    counts[0] = users - counts[1:].sum()
    return types, one, users * solve(thin_whole(types, rate, edges), counts, tolerance=1e-6).weights


PANEL, HEIGHT = 300.0, 175.0  # of one wiki pair's bars, in points
STEP = 2000  # users between two lines of the axis


def bars(
    origin: tuple[float, float], tables: list[np.ndarray], scale: Callable[[float], float], title: str
) -> list[str]:
    """Pairs of bars: users seen once, twice, ..., six times or more, in either wiki."""
    x0, y0 = origin
    parts = [text(x0 + PANEL / 2, y0 - HEIGHT - 25, title, 14, extra="font-weight='bold'")]
    for place in range(6):
        for which, (cells, colour) in enumerate(zip(tables, (BLUE, ORANGE), strict=True)):
            height = scale(cells[place])
            parts.append(box(x0 + 8 + 49 * place + 18 * which, y0 - height, 17, height, colour))
        parts.append(text(x0 + 26 + 49 * place, y0 + 16, str(place + 1) if place < 5 else "6+", 12))
    parts.append(line([(x0, y0), (x0 + PANEL, y0)], "#222", 1))
    return [*parts, text(x0 + PANEL / 2, y0 + 36, "times seen", 12)]


def axis(origin: tuple[float, float], highest: float, scale: Callable[[float], float], *, labelled: bool) -> list[str]:
    """Lines across a panel at round numbers of users, the same in both panels."""
    x0, y0 = origin
    parts = []
    for users in range(0, int(highest) + STEP, STEP):
        y = y0 - scale(users)
        parts.append(line([(x0, y), (x0 + PANEL, y)], "#ddd", 1))
        if labelled:
            parts.append(text(x0 - 8, y + 4, f"{users:,}", 12, "end"))
    return parts


def draw_two_wikis() -> None:
    types, one, other = two_populations()
    edges = np.arange(0, 7)
    panels = {}
    for rate in (0.1, 0.5):
        kernel = thin_whole(types, rate, edges)
        panels[rate] = [(kernel @ wiki)[1:7] for wiki in (one, other)]
    highest = max(float(cells.max()) for tables in panels.values() for cells in tables)
    top = STEP * np.ceil(highest / STEP)

    def scale(users: float) -> float:
        return float(HEIGHT * users / top)

    parts = [text(390, 24, "Two wikis, sampled: who can tell them apart?", 16, extra="font-weight='bold'")]
    for origin, (rate, tables) in zip(((85.0, 280.0), (440.0, 280.0)), panels.items(), strict=True):
        parts += axis(origin, highest, scale, labelled=rate == 0.1)
        parts += bars(origin, tables, scale, f"kept: {100 * rate:.0f} % of pageviews")
    parts.append(text(26, 195, "users seen so often", 12, extra="transform='rotate(-90 26 195)'"))
    parts += [box(190, 338, 14, 14, BLUE), text(210, 350, "wiki A: 10,000 visitors", 13, "start")]
    parts += [box(430, 338, 14, 14, ORANGE), text(450, 350, "wiki B: 13,500 visitors", 13, "start")]
    title = "Visitors by how often they are seen, for two wikis: alike at 10 percent, different at 50 percent"
    save("two_wikis.svg", 780, 368, title, parts)


def draw_widths() -> None:
    left, right, bottom, top, widest = 80.0, 640.0, 340.0, 50.0, 0.6

    def x(rate: float) -> float:
        return left + (right - left) * rate

    def y(width: float) -> float:
        return bottom - (bottom - top) * min(width, widest) / widest

    parts = [
        box(left, y(widest), right - left, y(0.25) - y(widest), "#f6dcd6"),
        box(left, y(0.25), right - left, y(0.10) - y(0.25), "#fbf0cf"),
        box(left, y(0.10), right - left, bottom - y(0.10), "#dcefdc"),
        box(left, top, x(0.1) - left, bottom - top, "#f6dcd6"),
        text(360, 26, "How precisely the number of visitors can be known", 16, extra="font-weight='bold'"),
        text(right - 8, y(0.29), "bounds only", 13, "end"),
        text(right - 8, y(0.165), "caution", 13, "end"),
        text(right - 8, y(0.065), "publish", 13, "end"),
        text(x(0.05), top + 14, "bounds", 11),
        text(x(0.05), top + 27, "only", 11),
        text((left + right) / 2, bottom + 38, "share of pageviews kept", 13),
        text(24, (top + bottom) / 2, "half-width of the 95 % interval", 13, extra=f"transform='rotate(-90 24 {195})'"),
    ]
    for rate in (0.1, 0.25, 0.5, 0.75, 1.0):
        parts += [
            line([(x(rate), bottom), (x(rate), bottom + 5)], "#222", 1),
            text(x(rate), bottom + 19, f"{100 * rate:.0f} %", 12),
        ]
    for width in (0.0, 0.1, 0.25, 0.4, 0.6):
        parts.append(text(left - 8, y(width) + 4, f"±{100 * width:.0f} %", 12, "end"))
    for place, (n_users, colour) in enumerate(((200, GREY), (1000, ORANGE), (10_000, BLUE), (100_000, "#3b3b3b"))):
        column = N_USERS.index(n_users)
        curve = [(rate, row[column]) for rate, row in zip(RATES, HALF_WIDTHS["users"], strict=True)]
        shown = [(x(rate), y(width)) for rate, width in [*curve, (1.0, 0.0)] if width <= widest]
        parts.append(line(shown, colour, 2.5))
        height = y(0.56) + 18 * place
        parts.append(line([(430.0, height), (460.0, height)], colour, 2.5))
        parts.append(text(468, height + 4, f"{n_users:,} visitors", 12, "start"))
    title = "Half-width of the interval of the number of visitors, by sampling rate, for 200 to 100,000 visitors"
    save("widths.svg", 700, 392, title, parts)


if __name__ == "__main__":
    draw_two_wikis()
    draw_widths()
