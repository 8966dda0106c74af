"""``python -m core check`` on installations that lack something."""

from core.installation import checks


def test_without_a_model_its_check_fails_and_those_that_need_it_are_not_made(site):
    for file in (site / "weights").glob("locator.*"):
        file.unlink()
    rows = {row.name: row for row in checks()}
    assert not rows["model locator"].passed
    assert "locator" in rows["model locator"].seen
    assert rows["model wbc"].passed and rows["model counts"].passed
    assert not any("drawn smear" in name or "ONNX" in name for name in rows)


def test_a_damaged_model_is_named(site):
    file = site / "weights" / "counts.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    failed = {row.name for row in checks() if not row.passed}
    # The site has no palm model at all.
    assert failed == {"model counts", "model palm"}


def test_a_folder_for_runs_that_cannot_be_written_is_named(site):
    (site / "var").rmdir()
    (site / "var").write_text("a file is in the way")
    failed = [row.name for row in checks() if not row.passed]
    assert "the folder for runs can be written" in failed


def test_a_setting_of_an_earlier_version_is_named(site, monkeypatch):
    monkeypatch.setenv("HEMADESK_WBC_FACTOR_PER_UL", "8000")
    row = next(row for row in checks() if row.name == "no setting of an earlier version is set")
    assert not row.passed
    assert row.seen.startswith("HEMADESK_WBC_FACTOR_PER_UL no longer read")
