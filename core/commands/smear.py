"""``python -m core analyse`` and ``classify``: blood-smear fields and single cells."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import (
    AsJson,
    Pictures,
    ProgressLine,
    all_files,
    all_pictures,
    stop,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.models.smear_models import SmearModels
    from core.models.weights import LoadedModel
    from core.records import Field, SmearFinding, WbcCall
    from core.review.acceptance.status import LabAcceptance


def _check_model_file(option: str, file: Path | None) -> None:
    """Stop the command unless the file can be a model's; nothing heavy is loaded for it."""
    if file is None:
        return
    if not file.is_file():
        stop(f"{option}: {file} does not exist")
    if file.suffix != ".safetensors":
        stop(
            f"{option} must name the .safetensors file of a white-cell model (its .json and .onnx "
            f"lie beside it), got {file.name}"
        )


def _white_cell_model(file: Path | None) -> "LoadedModel":
    """The live white-cell model, or the one of a file.

    Raises:
        WeightsRefused: if it is missing, damaged or of another task.
    """
    from core.models import registry
    from core.models.classifier import CellClassifier
    from core.models.weights import WeightsRefused

    if file is None:
        return registry.live("wbc")
    model = registry.load(file)
    if not isinstance(model.module, CellClassifier):
        raise WeightsRefused(
            f"{file.name} is a model for {model.card.task}, not for the classes of white cells"
        )
    return model


def analyse(
    paths: Pictures,
    as_json: AsJson = False,
    method: Annotated[str, typer.Option(help="how to count: locator or regression")] = "locator",
    chamber_rule: Annotated[
        bool, typer.Option(help="count by the counting chamber's rule")
    ] = False,
    explain: Annotated[
        Path | None, typer.Option(help="write Grad-CAM pictures into this folder")
    ] = None,
    wbc_model: Annotated[
        Path | None,
        typer.Option(help="classify white cells by this .safetensors file, not the live model"),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="write into this .jsonl or .parquet; stopped, it goes on where it was"),
    ] = None,
) -> None:
    """Count and classify the cells of blood-smear fields."""
    if method not in ("locator", "regression"):
        stop(f"--method must be locator or regression, got {method!r}")
    if method == "regression" and chamber_rule:
        stop(
            "--chamber-rule needs --method locator: regression gives a count and no single cells, "
            "so no counting rule can be applied"
        )
    _check_model_file("--wbc-model", wbc_model)
    if to is not None:
        _check_result_file(to, as_json)

    # Loaded once, with the first readable picture: all pictures of a command have one set.
    @cache
    def models() -> "SmearModels":
        from core.models import registry
        from core.models.smear_models import SmearModels

        return SmearModels(
            registry.live("locator"),
            _white_cell_model(wbc_model),
            registry.live("counts"),
            registry.red_cells(),
        )

    def answer(field: "Field") -> "SmearFinding":
        from core.inference.smear import analyse as analyse_field

        finding = analyse_field(
            field,
            models(),
            counting_rule="chamber" if chamber_rule else "all_visible",
            method="regression" if method == "regression" else "locator",
        )
        if explain is not None:
            from core.explain.pictures import write_explanations

            write_explanations(field, finding, explain, models())
        return finding

    if to is None:
        all_pictures(paths, as_json, answer, _as_one_laboratory)
        return
    asked = {"method": method, "rule": "chamber" if chamber_rule else "all visible"}
    _into_file(paths, to, answer, lambda: {**asked, "models": ", ".join(models().identities)})


def _check_result_file(to: Path, as_json: bool) -> None:
    from core.scale.result_files import ENDINGS

    if as_json:
        stop("--to writes a file and --json prints: take one of them")
    if to.suffix.lower() not in ENDINGS:
        stop(f"--to must name a file ending in {' or '.join(ENDINGS)}, got {to.name}")
    if not to.parent.is_dir():
        stop(f"--to: folder not found: {to.parent}")


def _into_file(
    paths: list[Path],
    to: Path,
    answer: "Callable[[Field], SmearFinding]",
    asked: "Callable[[], dict[str, str]]",
) -> None:
    """Analyse what is not finished yet and write the file; says on standard error how far it is."""
    files = all_files(paths)
    from core.access.people import AT_THE_TERMINAL
    from core.jobs.job import JobRunning
    from core.models.weights import WeightsRefused
    from core.scale.archive import analyse_archive, job_folder
    from core.scale.journal import OtherQuestion

    try:
        done = analyse_archive(
            files, to, answer, asked(), who=AT_THE_TERMINAL.name, report=ProgressLine("files")
        )
    except JobRunning:
        stop(f"--to: another process is writing {to}")
    except OtherQuestion as other:
        stop(f"{to} cannot be gone on with: {other}. Name another file or remove {job_folder(to)}")
    except WeightsRefused as refusal:
        stop(refusal)
    except (ValueError, OSError) as error:
        stop(f"{to} is not written yet: {error}. The same command goes on where it was", 1)
    print(f"{to}: {done.fields} fields, {done.refused} refused, {done.anew} files read now")
    if done.laboratory:
        print(done.laboratory)
    if done.refused:
        raise typer.Exit(1)


def _as_one_laboratory(
    findings: "list[SmearFinding]",
) -> tuple[list[tuple[dict[str, object], str]], str]:
    """Rows and lines of fields that are taken as one laboratory's."""
    from core.review.acceptance.status import known_here
    from core.review.exchange.json_rows import smear_row
    from core.slide.foreign_laboratory import laboratory_of

    laboratory = laboratory_of(findings)
    known = known_here()
    rows = []
    for finding in map(laboratory.as_judged, findings):
        row = smear_row(finding, laboratory, known)
        accepted = known.of_finding(finding)
        line = f"{finding.file}: {_finding_words(finding)}{_acceptance_line(accepted)}"
        rows.append((row, line))
    return rows, laboratory.sentence()


def _finding_words(finding: "SmearFinding") -> str:
    """``RBC 24 (21 to 27), ...``, the class of each white cell, and a line for each flag."""
    counts = ", ".join(
        f"{name} {count.value:.0f} ({count.low:.0f} to {count.high:.0f})"
        for name, count in (
            ("RBC", finding.counts.rbc),
            ("WBC", finding.counts.wbc),
            ("platelets", finding.counts.platelet),
        )
    )
    calls = "; ".join(_call_words(c.wbc) for c in finding.cells_of("wbc") if c.wbc)
    notes = "".join(f"\n  {flag.message}" for flag in finding.flags)
    return f"{counts}{'. ' + calls if calls else ''}{notes}"


def _acceptance_line(accepted: "LabAcceptance") -> str:
    """A further line for models that this laboratory has not accepted; none for accepted ones."""
    return "" if accepted.status == "accepted" else f"\n  models {accepted.words}"


def _call_words(call: "WbcCall") -> str:
    """``monocyte 0.62 (critical, check)``: the marks are those of the screens."""
    from core.slide import judgement

    marks = judgement.call_marks(call)
    return f"{call.label} {call.probability:.2f}" + (f" ({', '.join(marks)})" if marks else "")


def classify(
    paths: Pictures,
    as_json: AsJson = False,
    model: Annotated[
        Path | None, typer.Option(help="classify by this .safetensors file, not the live model")
    ] = None,
) -> None:
    """Class of the one white cell in each picture."""
    _check_model_file("--model", model)

    # Loaded once, with the first readable picture.
    @cache
    def models() -> "tuple[LoadedModel, LoadedModel]":
        from core.models import registry

        return registry.live("locator"), _white_cell_model(model)

    def answer(field: "Field") -> "tuple[str, WbcCall]":
        from core.inference.white_cell.classify import classify as classify_cell

        return field.name, classify_cell(field, *models())

    def together(
        answers: "list[tuple[str, WbcCall]]",
    ) -> tuple[list[tuple[dict[str, object], str]], str]:
        from core.review.acceptance.status import known_here
        from core.review.exchange.json_rows import cell_row
        from core.slide.foreign_laboratory import judge_laboratory

        laboratory = judge_laboratory(call for _, call in answers)
        known = known_here()
        rows = []
        for name, call in answers:
            judged = laboratory.as_judged(call)
            locator = models()[0].identity
            accepted = known.of({"locator": locator, "wbc": judged.model})
            row = cell_row(name, judged, locator, laboratory, known)
            rows.append((row, f"{name}: {_call_words(judged)}{_acceptance_line(accepted)}"))
        return rows, laboratory.sentence()

    all_pictures(paths, as_json, answer, together, min_side_px=32)
