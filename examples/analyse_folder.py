"""The differential of a folder of fields, in a program of your own.

``python examples/analyse_folder.py FOLDER``
"""

import sys
from pathlib import Path

# Hemadesk is run from its folder; this makes ``core`` importable from anywhere.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.imaging.read import ImageRefused, read_path
from core.inference.smear import analyse
from core.models import registry
from core.settings import settings
from core.slide.differential import differential
from core.slide.judgement import left_out
from core.taxonomy import title


def main(folder: Path) -> int:
    """Print the differential; returns the exit status: 1 where a file could not be used."""
    models, findings, refused = registry.smear_models(), [], 0
    for path in sorted(folder.iterdir()):
        try:
            findings.append(analyse(read_path(path, settings()), models))
        except ImageRefused as refusal:
            refused += 1
            print(f"left out: {refusal.message}", file=sys.stderr)
    for finding in findings:
        if reason := left_out(finding):
            print(f"left out: {finding.file}, {reason.code}", file=sys.stderr)
    counted = differential(findings)
    print(f"{counted.leukocytes} white cells in {len(findings)} fields. Research use only.")
    for row in counted.rows:
        low, high = 100 * row.interval.low, 100 * row.interval.high
        share = f"{100 * row.share:5.1f} % ({low:.1f} to {high:.1f})"
        print(f"{title(row.label):24} {row.cells:4}  {share}")
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
