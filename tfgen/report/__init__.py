"""Draws the figures of trained runs, with the file names of their study, and a page that shows them."""

from tfgen.report.comparable import alike
from tfgen.report.drawing import compare, draw, draw_all, save
from tfgen.report.entry import Entry, entries, left_out, missing
from tfgen.report.selection import readable
from tfgen.report.summary import measured, trained
from tfgen.report.webpage import PAGE, page

__all__ = [
    "PAGE",
    "Entry",
    "alike",
    "compare",
    "draw",
    "draw_all",
    "entries",
    "left_out",
    "measured",
    "missing",
    "page",
    "readable",
    "save",
    "trained",
]
