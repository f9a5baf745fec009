"""Pictures of the demo website, drawn here: a radio with its waves, a net of places, a wordless logo."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

PETROL, SOFT, PALE, DARK, SAND = "#0b6870", "#9ccbd0", "#e3f2f3", "#18232b", "#f1b95c"


def _png(image: Image.Image, width: int) -> bytes:
    """Drawn at twice the size, so that edges are smooth."""
    out = io.BytesIO()
    image.resize((width, image.height * width // image.width), Image.Resampling.LANCZOS).quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def radio() -> bytes:
    image = Image.new("RGB", (1680, 1360), PALE)
    draw = ImageDraw.Draw(image)
    for radius, colour in ((620, "#d3eaec"), (470, "#bcdde0"), (320, SOFT)):
        draw.ellipse((980 - radius, 470 - radius, 980 + radius, 470 + radius), fill=colour)
    draw.rounded_rectangle((610, 120, 660, 520), 24, fill=DARK)
    draw.rounded_rectangle((560, 440, 1010, 1280), 84, fill=DARK)
    draw.rounded_rectangle((620, 520, 950, 800), 32, fill="#ffffff")
    for index, width in enumerate((250, 180, 220)):
        draw.rounded_rectangle((655, 570 + index * 70, 655 + width, 600 + index * 70), 14, fill=PETROL if index == 0 else SOFT)
    for row in range(4):
        for column in range(5):
            draw.ellipse((650 + column * 62, 890 + row * 78, 684 + column * 62, 924 + row * 78), fill="#46535d")
    draw.rounded_rectangle((500, 600, 564, 860), 26, fill=SAND)
    for number, radius in enumerate((180, 300, 420)):
        draw.arc((980 - radius, 280 - radius, 980 + radius, 280 + radius), -50, 50, fill=PETROL, width=34 - number * 6)
    return _png(image, 840)


def net() -> bytes:
    image = Image.new("RGB", (1680, 840), PALE)
    draw = ImageDraw.Draw(image)
    places = [(220, 560), (520, 260), (820, 600), (1100, 240), (1380, 520), (700, 130), (1500, 180)]
    for start, end in ((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 3), (3, 6), (4, 6), (0, 2), (2, 4)):
        draw.line((places[start], places[end]), fill=SOFT, width=14)
    for index, (x, y) in enumerate(places):
        size = 74 if index == 2 else 46
        draw.ellipse((x - size, y - size, x + size, y + size), fill=SAND if index == 2 else PETROL)
        draw.ellipse((x - size // 3, y - size // 3, x + size // 3, y + size // 3), fill="#ffffff")
    return _png(image, 840)
