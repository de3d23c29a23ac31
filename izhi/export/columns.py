"""What a column of a table is: its unit, its name in words, its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import xarray as xr


class Column(NamedTuple):
    """What a column of a table is: a row of ``units.csv``."""

    file: str
    column: str
    unit: str
    long_name: str
    comment: str


def column_of(file: str, name: str, variable: xr.DataArray) -> Column:
    """Return a column of a variable's values, as the variable's attributes tell of them."""
    told = variable.attrs
    comment = str(told.get("comment", ""))
    if "flag_meanings" in told:
        meanings = zip(told["flag_values"], told["flag_meanings"].split(), strict=True)
        comment = ", ".join(f"{value} {meaning}" for value, meaning in meanings)
    return Column(file, name, told.get("units", ""), told.get("long_name", ""), comment)
