"""Fetching a set from a server of our own that breaks off, changes its mind and lies."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile

import pytest

from core.datasets.public.fetch import FetchRefused, Source, fetch
from core.datasets.public.sources import SOURCES, UNREACHABLE
from tests.fixtures.paths import ROOT


def _archive(names, filler=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, name.encode() + filler)
    return out.getvalue()


@pytest.fixture
def server(file_server):
    file_server.body = _archive(["repo-1/a.jpg", "repo-1/sub/b.jpg"], bytes(5000))
    return file_server


def _source(server, **more):
    address = f"http://127.0.0.1:{server.server_port}/{more.pop('path', 'set.zip')}"
    return Source(address, "page", "CC BY 4.0", "Somebody 2020", **more)


def _names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_set_is_fetched_checked_and_says_where_it_is_from(server, tmp_path):
    right = hashlib.sha256(server.body).hexdigest()
    found = fetch("mine", _source(server, sha256=right), tmp_path)
    assert (found.files, found.sha256, found.checked) == (2, right, True)
    assert _names(tmp_path / "mine") == ["a.jpg", "source.json", "sub/b.jpg"]
    said = json.loads((tmp_path / "mine" / "source.json").read_text())
    assert (said["licence"], said["sha256"]) == ("CC BY 4.0", right)
    assert not (tmp_path / ".fetch" / "mine.part").exists()
    with pytest.raises(FetchRefused, match="already there"):
        fetch("mine", _source(server), tmp_path)


def test_a_broken_download_goes_on_where_it_was(server, tmp_path):
    server.cut = 700
    with pytest.raises(FetchRefused, match="broke off .* goes on from there"):
        fetch("mine", _source(server), tmp_path)
    assert (tmp_path / ".fetch" / "mine.part").stat().st_size == 700
    assert fetch("mine", _source(server), tmp_path).files == 2
    assert server.asked == [None, "bytes=700-"]


def test_a_file_that_changed_meanwhile_is_taken_whole(server, tmp_path):
    server.cut = 700
    with pytest.raises(FetchRefused):
        fetch("mine", _source(server), tmp_path)
    server.body, server.etag = _archive(["new.jpg"], bytes(4000)), '"two"'
    assert fetch("mine", _source(server), tmp_path).files == 1
    assert _names(tmp_path / "mine") == ["new.jpg", "source.json"]


def test_a_server_that_knows_no_ranges_sends_it_again(server, tmp_path):
    server.cut, server.ranges = 700, False
    with pytest.raises(FetchRefused):
        fetch("mine", _source(server), tmp_path)
    assert fetch("mine", _source(server), tmp_path).files == 2


def test_a_download_that_was_whole_is_not_repeated(server, tmp_path):
    (tmp_path / ".fetch").mkdir()
    (tmp_path / ".fetch" / "mine.part").write_bytes(server.body)
    (tmp_path / ".fetch" / "mine.json").write_text("{}")
    assert fetch("mine", _source(server), tmp_path).files == 2


def test_what_is_not_the_set_is_thrown_away(server, tmp_path):
    with pytest.raises(FetchRefused, match="has the hash .* expected is 000000000000; .* nothing"):
        fetch("mine", _source(server, sha256="0" * 64), tmp_path)
    assert not (tmp_path / "mine").exists()
    assert not (tmp_path / ".fetch" / "mine.part").exists()


def test_without_a_published_hash_the_second_download_is_held_against_the_first(server, tmp_path):
    found = fetch("mine", _source(server), tmp_path)
    assert not found.checked
    (tmp_path / "mine").rename(tmp_path / "elsewhere")
    server.body, server.etag = _archive(["other.jpg"]), '"two"'
    with pytest.raises(FetchRefused, match=f"expected is {found.sha256[:12]}"):
        fetch("mine", _source(server), tmp_path)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"path": "nothing"}, "answered 404"),
        ({"top": "inside"}, "has no folder inside"),
    ],
)
def test_what_cannot_be_fetched_is_said(server, tmp_path, more, words):
    with pytest.raises(FetchRefused, match=words):
        fetch("mine", _source(server, **more), tmp_path)


def test_only_web_servers_are_asked(tmp_path):
    (tmp_path / "secret.zip").write_bytes(_archive(["a.jpg"]))
    with pytest.raises(FetchRefused, match="no address of a web server"):
        fetch("mine", Source(f"file://{tmp_path}/secret.zip", "", "", ""), tmp_path)


def test_an_archive_that_could_do_harm_is_not_unpacked(server, tmp_path):
    server.body = _archive(["../outside.jpg", "a.jpg"])
    with pytest.raises(FetchRefused, match="points outside the archive"):
        fetch("mine", _source(server), tmp_path)
    assert not (tmp_path / "outside.jpg").exists()


def test_the_command(server, tmp_path):
    command = [sys.executable, "-m", "core", "datasets", "fetch", "pbc", "--data", str(tmp_path)]
    address = f"http://127.0.0.1:{server.server_port}/set.zip"
    ran = subprocess.run(
        [*command, "--address", address], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Licence: CC BY 4.0. Cite: Acevedo et al. 2019" in ran.stdout
    assert "2 files in" in ran.stdout and "later downloads are compared with it" in ran.stdout
    hands = subprocess.run(
        [*command[:5], "hands"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (hands.returncode, hands.stdout) == (2, "")
    assert "cannot be fetched by a program" in hands.stderr


def test_every_set_of_the_catalogue_can_be_fetched_or_says_why_not():
    from core.datasets.catalogue import CATALOGUE

    assert {entry.name for entry in CATALOGUE} == SOURCES.keys() | UNREACHABLE.keys()
    assert all(source.address.startswith("https://") for source in SOURCES.values())
