"""Pure numbers: intervals, agreement, calibration. No model and no data set is known here."""
