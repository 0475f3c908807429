"""Lines over time as an SVG, a panel each: what the soak draws of its samples."""

import html

WIDTH, HEIGHT, LEFT, GAP = 900, 150, 80, 34


def nice(value):
    """1234567 as a person reads it."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.4g}{unit}"
    return f"{value:.4g}"


def columns(times, values):
    """{column of the panel: the greatest of the values there}: hours are as many points as minutes."""
    span = times[-1] - times[0] or 1
    tops = {}
    for time, value in zip(times, values):
        column = round((time - times[0]) / span * (WIDTH - LEFT - 10))
        tops[column] = max(value, tops.get(column, value))
    return tops


def panel(top, title, times, values):
    """One line, with the scale from 0 to its maximum at the left."""
    most = max(values) or 1
    points = " ".join(f"{LEFT + column},{top + HEIGHT * (1 - value / most):.0f}" for column, value in columns(times, values).items())
    return (f'<text x="{LEFT}" y="{top - 6}">{html.escape(title)}</text>'
            f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - 10}" height="{HEIGHT}" fill="none" stroke="#ccc"/>'
            f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{nice(most)}</text>'
            f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>'
            f'<polyline points="{points}" fill="none" stroke="#1f5fa8" stroke-width="1.2"/>')


def write_svg(path, times, series):
    """series: {title: values}, as many as times, which are seconds."""
    height = GAP + len(series) * (HEIGHT + GAP)
    panels = [panel(GAP + i * (HEIGHT + GAP), title, times, values) for i, (title, values) in enumerate(series.items())]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">'
                   f'<rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}'
                   f'<text x="{WIDTH - 10}" y="{height - 8}" text-anchor="end">{times[-1] - times[0]:.0f} s</text></svg>\n')
