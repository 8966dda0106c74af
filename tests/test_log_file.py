"""The log holds no word that a person typed, is private, and does not grow for ever."""

from __future__ import annotations

import logging
import stat
from logging.handlers import RotatingFileHandler

import pytest

from core import log_file


@pytest.mark.parametrize("hands_on", [True, False])
def test_an_exception_is_written_without_its_words(tmp_path, monkeypatch, hands_on):
    """Streamlit's own loggers hand nothing on to the loggers above them."""
    logger = logging.getLogger("streamlit.error_util")
    monkeypatch.setattr(logger, "propagate", hands_on)
    file = log_file.open_log(tmp_path / "var")
    try:
        try:
            raise ValueError("there is no case of Jane Patient")
        except ValueError:
            logger.exception("Uncaught app exception")
        text = file.read_text()
        assert "Uncaught app exception" in text and "builtins.ValueError at" in text
        assert "test_log_file.py" in text and "Jane" not in text
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    finally:
        for name in ("uvicorn.error", *logging.root.manager.loggerDict):
            known = logging.getLogger(name)
            for one in [h for h in known.handlers if isinstance(h, RotatingFileHandler)]:
                assert 0 < one.maxBytes <= 10_000_000 and 0 < one.backupCount <= 10
                known.removeHandler(one)
                one.close()
