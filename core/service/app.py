"""The addresses of the service. What they answer is described at ``/docs`` and ``/openapi.json``.

Research use: a qualified person decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Literal, TypeVar

from anyio import to_thread
from fastapi import Depends, FastAPI, File, HTTPException, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from core.access.people import Person
from core.access.request import TurnedAway
from core.access.rights import NotAllowed, require
from core.imaging.read import ImageRefused, read_field, read_frames
from core.inference.palm.screening import read_palm
from core.inference.smear import analyse as analyse_field
from core.inference.white_cell.classify import classify as classify_cell
from core.models.refusal import WeightsRefused
from core.models.smear_models import SmearModels
from core.models.weights import LoadedModel
from core.records import Field as Picture
from core.records import SmearFinding, WbcCall
from core.review.acceptance.status import known_here
from core.review.case import cases, worklist
from core.review.case.keep import keep_field
from core.review.case.worklist import OPEN_STATES
from core.review.exchange.contents import gather
from core.review.exchange.formats import FORMATS
from core.review.exchange.json_rows import (
    Row,
    case_row,
    cell_row,
    palm_row,
    refused_row,
    smear_row,
)
from core.review.record.errors import CaseRefused, PictureLost
from core.review.record.review_store import review_store
from core.service.entrance import HEALTH, error_body, person_of
from core.service.turns import Busy, Turns
from core.settings import settings
from core.slide.foreign_laboratory import judge_laboratory, laboratory_of
from core.store.database import DatabaseRefused
from core.store.review_schema import CASE_STATES

_USE: Final = "Research use: a qualified person decides."
_SMALLEST_CELL_PX: Final = 32
_SMALLEST_PALM_PX: Final = 64
T = TypeVar("T")


@dataclass(frozen=True)
class Models:
    """What answers, asked for with each request: a promotion counts from the next one on."""

    smear: Callable[[], SmearModels]
    palm: Callable[[], LoadedModel]


class NewCase(BaseModel):
    """A case to be made; no name and no date of birth."""

    accession: str = Field(max_length=64)
    pseudonym: str = Field("", max_length=64)
    sex: Literal["unknown", "female", "male", "other"] = "unknown"
    age_years: int | None = Field(None, ge=0, le=130)
    indication: str = Field("", max_length=2000)


def _who(request: Request) -> Person:
    return person_of(request.scope)


Who = Annotated[Person, Depends(_who)]
Files = Annotated[list[UploadFile], File(description="pictures; together they are one laboratory")]


def service(models: Models, version: str) -> FastAPI:
    """The app, which must stand behind an :class:`core.service.entrance.Entrance`."""
    app = FastAPI(
        title="Hemadesk",
        version=version,
        description=f"Blood smears and palms, read by models and decided by people. {_USE}",
        # The page of /docs would fetch its scripts from another server.
        docs_url=None,
        redoc_url=None,
    )
    turns = Turns()
    _errors(app)
    _pictures(app, models, turns)
    _cases(app, models, turns)
    return app


def _errors(app: FastAPI) -> None:
    """Every refusal becomes one sentence with a status; no traceback leaves the server."""
    statuses: tuple[tuple[type[Exception], int, str], ...] = (
        (NotAllowed, 403, "not_allowed"),
        (CaseRefused, 409, "case_refused"),
        (PictureLost, 409, "picture_lost"),
        (WeightsRefused, 503, "model_refused"),
        (DatabaseRefused, 503, "database_refused"),
        (Busy, 503, "busy"),
    )
    for kind, status, code in statuses:

        def answer(
            _: Request, error: Exception, status: int = status, code: str = code
        ) -> Response:
            headers = {"Retry-After": "10"} if status == 503 else None
            return JSONResponse(error_body(code, str(error)), status, headers)

        app.add_exception_handler(kind, answer)

    def turned_away(_: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, TurnedAway) else 403
        return JSONResponse(error_body("turned_away", str(error)), status)

    app.add_exception_handler(TurnedAway, turned_away)


def _pictures(app: FastAPI, models: Models, turns: Turns) -> None:
    @app.get(HEALTH, summary="Is the service up")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/queue", summary="How many requests with pictures are answered or wait")
    def queue(who: Who) -> dict[str, int]:
        require(who, "view")
        return {"requests": turns.waiting}

    @app.post("/analyse", summary="Count and classify the cells of blood-smear fields")
    async def analyse(
        who: Who,
        files: Files,
        method: Annotated[Literal["locator", "regression"], Query()] = "locator",
        chamber_rule: Annotated[bool, Query()] = False,
    ) -> list[Row]:
        require(who, "analyse")
        if method == "regression" and chamber_rule:
            raise HTTPException(422, "chamber_rule needs the method locator")
        used = await to_thread.run_sync(models.smear)
        rule: Literal["chamber", "all_visible"] = "chamber" if chamber_rule else "all_visible"
        answer = partial(analyse_field, models=used, counting_rule=rule, method=method)
        found = await _each(turns, files, answer)
        laboratory = laboratory_of(one for one in found if isinstance(one, SmearFinding))
        known = await to_thread.run_sync(known_here)
        return [
            one
            if isinstance(one, dict)
            else smear_row(laboratory.as_judged(one), laboratory, known)
            for one in found
        ]

    @app.post("/classify", summary="Class of the one white cell in each picture")
    async def classify(who: Who, files: Files) -> list[Row]:
        require(who, "analyse")
        used = await to_thread.run_sync(models.smear)

        def answer(cell: Picture) -> tuple[str, WbcCall]:
            return cell.name, classify_cell(cell, used.locator, used.white_cells)

        found = await _each(turns, files, answer, _SMALLEST_CELL_PX)
        laboratory = judge_laboratory(one[1] for one in found if isinstance(one, tuple))
        known = await to_thread.run_sync(known_here)
        return [
            one
            if isinstance(one, dict)
            else cell_row(
                one[0],
                laboratory.as_judged(one[1]),
                used.locator.identity,
                laboratory,
                known,
            )
            for one in found
        ]

    @app.post("/palm", summary="Hint whether a palm is pale enough to ask for a blood test")
    async def palm(
        who: Who,
        files: Files,
        kind: Annotated[Literal["auto", "hand", "crop"], Query()] = "auto",
        prevalence: Annotated[float, Query(gt=0, lt=1)] = 0.5,
    ) -> list[Row]:
        require(who, "analyse")
        used = await to_thread.run_sync(models.palm)
        known = await to_thread.run_sync(known_here)

        def answer(picture: Picture) -> Row:
            return palm_row(read_palm(picture, used, kind, prevalence=prevalence).call, known)

        return await _each(turns, files, answer, _SMALLEST_PALM_PX, dicom=False)


def _cases(app: FastAPI, models: Models, turns: Turns) -> None:
    @app.get("/cases", summary="The open cases, the most urgent first")
    def list_cases(
        who: Who,
        search: Annotated[str, Query(max_length=200)] = "",
        every: Annotated[bool, Query(description="signed ones too")] = False,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 500,
    ) -> list[Row]:
        states = CASE_STATES if every else OPEN_STATES
        found = worklist.worklist(review_store(), who, search=search, states=states, limit=limit)
        return [case_row(row) for row in found]

    @app.post("/cases", status_code=201, summary="Make a case")
    def make_case(who: Who, new: NewCase) -> Row:
        case = cases.create(review_store(), who, **new.model_dump())
        return {"id": case.id, "accession": case.accession, "state": case.state}

    @app.post("/cases/{which}/fields", summary="Analyse fields and keep them in a case")
    async def keep(
        who: Who, which: str, files: Files, slide: Annotated[str, Query(max_length=64)] = ""
    ) -> list[Row]:
        require(who, "analyse")
        require(who, "upload")
        used = await to_thread.run_sync(models.smear)
        case = await to_thread.run_sync(cases.find, review_store(), who, which)

        def answer(field: Picture) -> Row:
            try:
                kept = keep_field(
                    review_store(), who, case.id, field, analyse_field(field, used), slide=slide
                )
            except CaseRefused as refusal:
                return refused_row(field.name, "case_refused", str(refusal))
            return {"file": field.name, "picture": kept.id, "sha256": kept.sha256}

        return await _each(turns, files, answer)

    @app.get("/cases/{which}/exports/{form}", summary="A case as a report or a file")
    def export(who: Who, which: str, form: str) -> Response:
        if form not in FORMATS:
            raise HTTPException(404, f"the formats are {', '.join(FORMATS)}")
        store = review_store()
        contents = gather(store, who, cases.find(store, who, which).id)
        name = FORMATS[form].file_name(contents.case)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(
            FORMATS[form].make(contents), media_type=FORMATS[form].mime, headers=headers
        )


async def _each(
    turns: Turns,
    files: list[UploadFile],
    answer: Callable[[Picture], T],
    min_side_px: int | None = None,
    *,
    dicom: bool = True,
) -> list[T | Row]:
    """The answer to each picture, or why it was refused; each takes its own turn."""
    limits = settings()
    if len(files) > limits.max_files:
        raise HTTPException(413, f"at most {limits.max_files} files are taken at once")
    found: list[T | Row] = []
    async with turns.request():
        for file in files:
            name, data = file.filename or "picture", await file.read()
            read = partial(_frames, name, data, min_side_px, dicom)
            try:
                frames = await to_thread.run_sync(read)
            except ImageRefused as refused:
                found.append(refused_row(name, refused.code, refused.message))
                continue
            for opened in frames:
                async with turns.turn():
                    found.append(await to_thread.run_sync(_answered, name, opened, answer))
    return found


def _frames(
    name: str, data: bytes, min_side_px: int | None, dicom: bool
) -> list[Callable[[], Picture]]:
    if dicom:
        return read_frames(name, data, settings(), min_side_px=min_side_px)
    return [partial(read_field, name, data, settings(), min_side_px=min_side_px)]


def _answered(name: str, opened: Callable[[], Picture], answer: Callable[[Picture], T]) -> T | Row:
    try:
        return answer(opened())
    except ImageRefused as refused:
        return refused_row(name, refused.code, refused.message)
