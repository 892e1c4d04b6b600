#!/usr/bin/env python3
"""Draws what `tmux capture-pane -e -p` prints as an SVG: the terminal as somebody saw it.

usage: tmux capture-pane -e -p -t PANE | picture.py TITLE > FILE.svg

Only what our screen uses is known: bold, dim, reversed, and the sixteen colours. Anything else ends in an error that names it, so
that no picture shows something that was not there.
"""

import html
import re
import sys

WIDTH, HEIGHT, MARGIN, BAR = 8.4, 18, 12, 30
PAPER, INK = "#11151c", "#d5dae3"
COLOURS = {
    30: "#11151c", 31: "#f2777a", 32: "#8fd18b", 33: "#f0c674", 34: "#81a2be", 35: "#b294bb", 36: "#78c5d6", 37: "#d5dae3",
    90: "#5c6370", 91: "#f2777a", 92: "#8fd18b", 93: "#f0c674", 94: "#81a2be", 95: "#b294bb", 96: "#78c5d6", 97: "#ffffff",
}
SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m|\x1b\(B|\x0f")


class Style:
    def __init__(self):
        self.bold = self.dim = self.reversed = False
        self.ink = self.paper = None

    def take(self, codes):
        codes = [int(part or 0) for part in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code in (38, 48) and len(codes) > 1 and codes[0] == 5 and codes[1] < 16:
                code += codes[1] - 8 if codes[1] < 8 else 52 + codes[1] - 8
                del codes[:2]
            if code == 0:
                self.__init__()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 22:
                self.bold = self.dim = False
            elif code == 7:
                self.reversed = True
            elif code == 27:
                self.reversed = False
            elif code == 39:
                self.ink = None
            elif code == 49:
                self.paper = None
            elif code in COLOURS:
                self.ink = COLOURS[code]
            elif code - 10 in COLOURS:
                self.paper = COLOURS[code - 10]
            else:
                sys.exit(f"picture.py: the code {code} of SGR is not known")

    def colours(self):
        ink, paper = self.ink or INK, self.paper
        return (paper or PAPER, ink) if self.reversed else (ink, paper)


def runs(line, style):
    """Pieces of one style: (column, text, ink, paper, bold, dim)."""
    at = column = 0
    found = []

    def add(text):
        nonlocal column
        if text:
            found.append((column, text, *style.colours(), style.bold, style.dim))
            column += len(text)

    for match in SEQUENCE.finditer(line):
        add(line[at : match.start()])
        if match.group(1) is not None:
            style.take(match.group(1))
        at = match.end()
    add(line[at:])
    if "\x1b" in "".join(text for _, text, *_ in found):
        sys.exit("picture.py: an escape sequence that is not known")
    return found


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    title = sys.argv[1] if len(sys.argv) > 1 else "seaworthy"
    style = Style()
    drawn = [runs(line, style) for line in lines]
    columns = max([column + len(text) for line in drawn for column, text, *_ in line] + [80])
    width, height = columns * WIDTH + 2 * MARGIN, len(lines) * HEIGHT + 2 * MARGIN + BAR
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
        f'<text x="{MARGIN}" y="20" fill="#7a8290" font-family="sans-serif" font-size="12">{html.escape(title)}</text>',
        '<g font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="14" xml:space="preserve">',
    ]
    for number, line in enumerate(drawn):
        top = BAR + MARGIN + number * HEIGHT
        for column, text, ink, paper, bold, dim in line:
            x, span = MARGIN + column * WIDTH, len(text) * WIDTH
            if paper:
                out.append(f'<rect x="{x:.1f}" y="{top}" width="{span:.1f}" height="{HEIGHT}" fill="{paper}"/>')
            if text.strip():
                more = (' font-weight="bold"' if bold else "") + (' opacity="0.6"' if dim else "")
                out.append(
                    f'<text x="{x:.1f}" y="{top + 13}" fill="{ink}" textLength="{span:.1f}" lengthAdjust="spacingAndGlyphs"{more}>{html.escape(text)}</text>'
                )
    out += ["</g>", "</svg>"]
    print("\n".join(out))


main()
