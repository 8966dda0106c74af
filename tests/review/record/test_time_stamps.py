"""Time stamps of a local authority, made by openssl: what was rewritten later has none."""

from __future__ import annotations

import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from core.commands.case.cases import app
from core.review.case import cases
from core.review.record import anchors
from core.review.record.anchors import AnchorRefused
from core.review.record.review_store import review_store
from core.review.record.time_stamps import StampRefused, stamp, stamped_at

CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
signer_cert = {folder}/{name}.pem
signer_key = {folder}/{name}.key
certs = {folder}/{name}-ca.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def _authority(folder, name):
    """An authority of its own: its CA, and a certificate that may sign stamps."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    ca, signer = folder / f"{name}-ca", folder / name
    _openssl("req", "-x509", *key, "-subj", f"/CN={name} CA", "-keyout", f"{ca}.key",
             "-out", f"{ca}.pem")  # fmt: skip
    _openssl("req", "-x509", *key, "-subj", f"/CN={name}", "-CA", f"{ca}.pem", "-CAkey",
             f"{ca}.key", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
             "keyUsage=critical,digitalSignature", "-addext",
             "extendedKeyUsage=critical,timeStamping", "-keyout", f"{signer}.key", "-out",
             f"{signer}.pem")  # fmt: skip
    (folder / "serial").write_text("01\n")
    (folder / f"{name}.cnf").write_text(CONFIG.format(folder=folder, name=name))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Address by name, and the folder with ``NAME-ca.pem``."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("authority")
    for name in ("good", "other"):
        _authority(folder, name)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            name = self.path.strip("/")
            (folder / "query").write_bytes(query)
            reply = b"nonsense"
            if name in ("good", "other"):
                _openssl("ts", "-reply", "-config", folder / f"{name}.cnf", "-section", "own",
                         "-queryfile", folder / "query", "-out", folder / "reply")  # fmt: skip
                reply = (folder / "reply").read_bytes()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(reply if name != "long" else b"x" * 300_000)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_line_has_its_stamp(sqlite_store, people, authority, tmp_path):
    address, folder = authority
    ca, file = folder / "good-ca.pem", tmp_path / "share.txt"
    for number in range(2):
        cases.create(sqlite_store, people.technologist, f"A-{number}")
        text = anchors.line(sqlite_store)
        anchors.append(file, f"{text}\n{stamp(text, f'{address}/good', ca)}")
    assert [one.entries for one in anchors.heads_in(file, authority=ca)] == [1, 2]
    assert [one.entries for one in anchors.heads_in(file)] == [1, 2], "without the authority too"
    first, first_stamp, second, second_stamp = file.read_text().splitlines()
    wrong = {
        "has no time stamp": [first, second, second_stamp],
        "is not of this line": [first, second_stamp],
        "it is no stamp": [first, "stamp !!!"],
        "it is no stamp ": [first, "stamp bm9uZQ=="],
    }
    for words, lines in wrong.items():
        file.write_text("\n".join(lines))
        with pytest.raises(AnchorRefused, match=words.strip()):
            anchors.heads_in(file, authority=ca)
    file.write_text(f"{first}\n{first_stamp}\n")
    with pytest.raises(AnchorRefused, match=r"other-ca\.pem does not vouch"):
        anchors.heads_in(file, authority=folder / "other-ca.pem")


def test_a_line_with_an_older_date_was_not_stamped_then(authority, tmp_path):
    """Who rewrites the chain can write any date into a line, but has no stamp of that date."""
    address, folder = authority
    ca, file = folder / "good-ca.pem", tmp_path / "share.txt"
    text = f"2024-03-01T02:30:00Z 812:{'5f' * 32}"
    file.write_text(f"{text}\n{stamp(text, f'{address}/good', ca)}\n")
    assert stamped_at(file.read_text().splitlines()[1], text, ca).year > 2024
    with pytest.raises(AnchorRefused, match="says 2024-03-01 and was stamped on 20"):
        anchors.heads_in(file, authority=ca)


def test_what_is_no_stamp_is_not_written(authority, tmp_path):
    address, folder = authority
    ca = folder / "good-ca.pem"
    for path, words in (
        ("/other", "no stamp that good-ca.pem vouches for"),
        ("/nonsense", "no stamp that good-ca.pem vouches for"),
        ("/long", "more than a stamp"),
    ):
        with pytest.raises(StampRefused, match=words):
            stamp("text", address + path, ca)
    with pytest.raises(StampRefused, match="does not answer"):
        stamp("text", "http://127.0.0.1:1/", ca)
    with pytest.raises(StampRefused, match="has an http address"):
        stamp("text", "file:///etc/passwd", ca)


def test_the_commands_ask_and_verify(own_var, people, authority, tmp_path):
    address, folder = authority
    ca, file = str(folder / "good-ca.pem"), str(tmp_path / "share.txt")
    cases.create(review_store(), people.technologist, "A-1")

    def ran(*words):
        return CliRunner().invoke(app, list(words))

    done = ran("anchor", "--to", file, "--tsa", f"{address}/good", "--tsa-ca", ca)
    assert done.exit_code == 0, done.output
    sound = ran("verify", "--anchor", file, "--tsa-ca", ca)
    assert sound.exit_code == 0 and "everything matches" in sound.output
    other = ran("verify", "--anchor", file, "--tsa-ca", str(folder / "other-ca.pem"))
    assert other.exit_code == 2 and "does not vouch" in other.output
    before = (tmp_path / "share.txt").read_bytes()
    refused = ran("anchor", "--to", file, "--tsa", f"{address}/other", "--tsa-ca", ca)
    assert refused.exit_code == 2 and (tmp_path / "share.txt").read_bytes() == before
    assert ran("anchor", "--tsa", address).exit_code == 2
    assert ran("verify", "--tsa-ca", ca).exit_code == 2
