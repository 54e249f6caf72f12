"""Writes a page that generates pictures in the browser: the run's networks, their weights and the code in one file."""

from tfgen.explorer import network
from tfgen.explorer.page import START, explore

__all__ = ["START", "explore", "network"]
