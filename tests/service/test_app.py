"""The door for other programs: the command line's JSON, the screens' rights, refusals in JSON."""

import json

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from core.access.gates import LocalGate, ProxyGate
from core.access.people import AT_THE_TERMINAL
from core.cli import app as command_line
from core.imaging import synthetic
from core.models import registry
from core.review.record import roster
from core.review.record.review_store import review_store
from core.service.app import Models, service
from core.service.entrance import Entrance
from core.settings import Settings

run = CliRunner().invoke
_SECRET = "a secret of sixteen and more"
_MB = 1_000_000


def client(gate, most_bytes=20 * _MB, peer="127.0.0.1"):
    app = service(Models(registry.smear_models, lambda: registry.live("palm")), "1.0")
    base = "http://127.0.0.1:8600"
    return TestClient(Entrance(app, gate, most_bytes), base_url=base, client=(peer, 50000))


@pytest.fixture
def here(own_var):
    return client(LocalGate(None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for seed in (1, 2):
        item = synthetic.draw(950 + seed, width=400, height=300, wbc=["lymphocyte"])
        (root / f"{seed}.png").write_bytes(synthetic.png_bytes(item.field))
    (root / "3.png").write_bytes(b"no picture")
    cell = synthetic.draw_cell(4, "lymphocyte")
    (root / "cell.png").write_bytes(synthetic.png_bytes(cell))
    return root


def sent(folder, *names):
    return [("files", (name, (folder / name).read_bytes(), "image/png")) for name in names]


def test_answers_are_those_of_the_command_line(here, folder, monkeypatch):
    monkeypatch.chdir(folder)  # so that both call the pictures by the same names
    for ask, names in (("analyse", ("1.png", "3.png", "2.png")), ("classify", ("cell.png",))):
        printed = run(command_line, [ask, *names, "--json"])
        answered = here.post(f"/{ask}", files=sent(folder, *names))
        assert answered.status_code == 200
        assert answered.json() == [json.loads(line) for line in printed.stdout.splitlines()]
    palm = here.post("/palm", files=sent(folder, "3.png"))
    assert palm.json()[0]["error"]["code"] == "not_an_image"


def test_a_field_becomes_part_of_a_case_that_can_be_taken_out(here, folder):
    made = here.post("/cases", json={"accession": "API-1"})
    assert made.status_code == 201
    kept = here.post("/cases/API-1/fields", files=sent(folder, "1.png", "3.png"))
    assert [("picture" in row) for row in kept.json()] == [True, False]
    listed = here.get("/cases").json()
    assert [(row["accession"], row["fields"]) for row in listed] == [("API-1", 1)]
    report = here.get("/cases/API-1/exports/pdf")
    assert report.headers["content-type"] == "application/pdf"
    assert report.content.startswith(b"%PDF")
    assert here.get("/cases/API-1/exports/exe").status_code == 404
    again = here.post("/cases", json={"accession": "API-1"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "case_refused")


def test_every_address_is_described(here):
    described = here.get("/openapi.json").json()["paths"]
    assert {"/analyse", "/classify", "/palm", "/cases", "/cases/{which}/fields"} <= set(described)
    assert "/cases/{which}/exports/{form}" in described


def test_roles_hold_here_too(own_var, folder):
    store = review_store()
    roster.add(store, AT_THE_TERMINAL, subject="vera@lab", name="Vera", role="viewer")
    site = Settings(proxy_header="X-Who", proxy_secret=_SECRET)
    door = client(ProxyGate(site))
    as_vera = {"X-Who": "vera@lab", "X-Hemadesk-Proxy-Secret": _SECRET}
    assert door.get("/cases", headers=as_vera).status_code == 200
    for ask in (
        door.post("/analyse", files=sent(folder, "1.png"), headers=as_vera),
        door.post("/cases", json={"accession": "V-1"}, headers=as_vera),
        door.post("/cases/1/fields", files=sent(folder, "1.png"), headers=as_vera),
    ):
        assert (ask.status_code, ask.json()["error"]["code"]) == (403, "not_allowed")
    assert door.get("/cases", headers={"X-Who": "vera@lab"}).status_code == 403
    stranger = {**as_vera, "X-Who": "nobody@lab"}
    assert door.get("/cases", headers=stranger).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Forwarded-For": "10.0.0.1"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Host": "elsewhere.example"}, 403),
        ({}, 200),
    ],
)
def test_only_this_computer_is_answered_without_a_sign_in(here, headers, status):
    assert here.get("/queue", headers=headers).status_code == status


def test_another_computer_and_a_body_that_is_too_long_are_turned_away(own_var):
    far = client(LocalGate(None), peer="10.0.0.7").get("/queue")
    assert (far.status_code, far.json()["error"]["code"]) == (403, "turned_away")
    small = client(LocalGate(None), most_bytes=100)
    assert small.post("/analyse", content=b"x" * 101).status_code == 413
    assert small.post("/analyse", content=iter([b"x"])).status_code == 411
