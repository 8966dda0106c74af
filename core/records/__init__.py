"""The frozen dataclasses everything passes around. They check their values on construction."""

from core.records.palm import PalmCall, PalmDecision
from core.records.picture import Box, Estimate, Field, Flag, GreyImage, RgbImage
from core.records.smear import (
    Cell,
    CellCounts,
    CountingRule,
    LocatorReference,
    Method,
    SetsElsewhere,
    SmearFinding,
    WbcCall,
)

__all__ = [
    "Box",
    "Cell",
    "CellCounts",
    "CountingRule",
    "Estimate",
    "Field",
    "Flag",
    "GreyImage",
    "LocatorReference",
    "Method",
    "PalmCall",
    "PalmDecision",
    "RgbImage",
    "SetsElsewhere",
    "SmearFinding",
    "WbcCall",
]
