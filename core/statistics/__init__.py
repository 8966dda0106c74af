"""Pure numbers: intervals, agreement, calibration. No model and no data set is known here.

The modules write ``import scipy`` and no more: SciPy loads its parts at their first use, which
spares a screen or a command that needs none of them a second.
"""
