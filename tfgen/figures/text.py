"""Figures that show texts as they are, because names of classes, attributes and data sets may contain anything."""

import functools
import re
import warnings
from typing import Any

import matplotlib
from matplotlib import font_manager, ft2font
from matplotlib.axes import Axes
from matplotlib.figure import Figure as _Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter

from tfgen import program


class Figure(_Figure):
    """A matplotlib Figure in which `$` and `_` are ordinary characters, and other fonts supply missing glyphs.

    Bytes of a path that are not UTF-8 are shown as replacement characters. Labels of logarithmic axes remain formulas.
    """

    def draw(self, renderer: Any) -> None:
        """Draws the figure; called by `savefig` and by notebooks."""
        formulas = {
            id(text)
            for axes in self.findobj(Axes)
            for axis in (axes.xaxis, axes.yaxis)
            if isinstance(axis.get_major_formatter(), LogFormatter)
            for text in axis.findobj(Text)
        }
        for text in self.findobj(Text):
            if id(text) not in formulas:
                _make_literal(text)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")  # `fallback` tells the user
            super().draw(renderer)


def _make_literal(text: Text) -> None:
    text.set_parse_math(False)
    content = text.get_text()
    if not content.isascii():
        shown = content.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if shown != content:
            text.set_text(shown)
        own = text.get_fontfamily()
        more = fallback("".join(sorted({letter for letter in shown if not letter.isspace()})))
        text.set_fontfamily([*own, *(name for name in more if name not in own)])


@functools.cache
def _letters(path: str) -> frozenset[int]:
    """The code points of which a font file has glyphs."""
    return frozenset(ft2font.FT2Font(path).get_charmap())


@functools.cache
def fallback(letters: str) -> tuple[str, ...]:
    """Names of installed fonts that together have the glyphs of the letters that matplotlib's default font lacks.

    Tells the user which characters no font has.
    """
    missing = {ord(letter) for letter in letters} - _letters(font_manager.findfont(font_manager.FontProperties()))
    chosen: list[str] = []
    regular = [font for font in font_manager.fontManager.ttflist if font.style == "normal"]
    for font in sorted(regular, key=lambda font: abs(_weight(font.weight) - 400)):
        if not missing:
            break
        if "LastResort" in font.name.replace(" ", ""):  # has a box for every character
            continue
        try:
            found = missing & _letters(font.fname)
        except (OSError, RuntimeError):  # removed since matplotlib made its list, or of a kind that it cannot read
            continue
        if found:
            chosen.append(font.name)
            missing -= found
    if missing:
        program.tell(
            f"no installed font has the characters {''.join(map(chr, sorted(missing)))}, so figures show boxes: "
            "install one, such as Noto Sans CJK, and delete matplotlib's font list in "
            f"{matplotlib.get_cachedir()}."
        )
    return tuple(chosen)


def _weight(weight: int | str) -> int:
    return weight if isinstance(weight, int) else int(font_manager.weight_dict.get(weight, 400))


def legend(axes: Axes, handles: list | None = None, **options: Any) -> Legend:
    """Adds a legend with all labeled artists, including those whose label starts with `_`.

    matplotlib leaves these out, because it gives labels such as _child0 to artists without one.
    """
    if handles is None:
        artists: list[Any] = [*axes.lines, *axes.collections, *axes.patches, *axes.containers]
        handles = [artist for artist in artists if not unlabeled(str(artist.get_label()))]
    added = axes.legend(handles, [f"\u200b{handle.get_label()}" for handle in handles], **options)
    for text, handle in zip(added.get_texts(), handles, strict=True):
        text.set_text(str(handle.get_label()))
    return added


def unlabeled(label: str) -> bool:
    """Whether this is a label that matplotlib gives to artists without one."""
    return label in ("", "None", "_nolegend_") or bool(re.fullmatch(r"_(child|container)\d+", label))
