"""Names of the files in a training set's folder that are neither pictures nor boxes."""

from typing import Final

GROUPS: Final = "groups.csv"
"""Which files belong to one patient."""

MANIFEST: Final = "manifest.json"
"""Every file with its hash and where it is from."""
