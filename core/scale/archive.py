"""A folder of fields analysed into one file: resumable, in flat memory.

``FILE.job`` beside the result is the folder of a job (:mod:`core.jobs`): its lock keeps a second
process out, its heartbeat tells how far it is, and its journal holds what is finished. The same
command goes on where it was stopped, whatever stopped it; with new pictures in the folder it does
these alone. The result is written when the last field is done, since whether a laboratory is
foreign, and so what its cells are called, is judged over all of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.imaging.read import ImageRefused, read_path_frames
from core.jobs import job
from core.jobs.worker import JobContext, work
from core.records import Field, SmearFinding, WbcCall
from core.review.acceptance.status import known_here
from core.review.exchange.json_rows import refused_row, smear_row
from core.review.record import stored_finding
from core.scale.journal import Answer, Journal, Line
from core.scale.result_files import Row, write_results
from core.settings import settings
from core.slide.foreign_laboratory import Laboratory, judge_laboratory

_JOURNAL: Final = "journal.jsonl"
_UNKNOWN: Final = (-1, -1)
"""State of a file that could not be opened: it is tried again the next time."""
_TRY_AGAIN: Final = ("missing", "unreadable")


@dataclass(frozen=True)
class Outcome:
    """``fields`` rows were written, ``refused`` of them say why; ``anew`` files were read now."""

    fields: int
    refused: int
    anew: int
    laboratory: str


def job_folder(result: Path) -> Path:
    """The folder of the job that makes a result."""
    return result.with_name(f"{result.name}.job")


def analyse_archive(
    files: Sequence[Path],
    result: Path,
    answer: Callable[[Field], SmearFinding],
    asked: dict[str, str],
    *,
    who: str,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> Outcome:
    """Analyse what is not finished yet, then write the result.

    Args:
        files: pictures in the order of the result; DICOM files may hold several.
        result: a file ending in ``.jsonl`` or ``.parquet``; replaced when everything is done.
        answer: analyses one picture.
        asked: what the answers depend on besides the pictures; a journal of something else is
            never mixed with them.
        who: name of the person who ordered it.
        report: told after each file how many of how many are finished.

    Raises:
        JobRunning: if another process makes this result.
        OtherQuestion: if the journal was begun with other models or another way to count.
        OSError: if the disk is full or cannot be written; what is finished stays.
        WeightsRefused: if a model cannot be used.
    """
    folder = job_folder(result)
    outcome: list[Outcome] = []
    raised: list[Exception] = []

    def do(context: JobContext) -> dict[str, object]:
        try:
            outcome.append(_analyse(files, result, answer, asked, context, report))
        except (ValueError, OSError) as error:
            raised.append(error)
            raise
        return dict(outcome[0].__dict__)

    task = {"what": "analyse", "to": str(result), "files": len(files), **asked}
    with job.order(folder, task, who):
        ended = work(folder, do)
    if raised:
        raise raised[0]
    if not outcome:
        raise OSError(ended.message)
    return outcome[0]


def _analyse(
    files: Sequence[Path],
    result: Path,
    answer: Callable[[Field], SmearFinding],
    asked: dict[str, str],
    context: JobContext,
    report: Callable[[int, int], None],
) -> Outcome:
    anew = 0
    journal = Journal(context.folder / _JOURNAL, asked)
    try:
        for done, path in enumerate(files):
            context.report(done, len(files), path.name)
            state = _state(path)
            if state == _UNKNOWN or not journal.has(str(path), *state):
                answers = tuple(_answers(path, answer))
                if any(one.code in _TRY_AGAIN for one in answers):
                    state = _UNKNOWN
                journal.add(Line(str(path), *state, answers))
                anew += 1
            report(done + 1, len(files))
        journal.sync()
        laboratory = judge_laboratory(_calls(files, journal))
        refused = [0]
        number = write_results(result, _rows(files, journal, laboratory, refused))
    finally:
        journal.close()
    return Outcome(number, refused[0], anew, laboratory.sentence())


def _state(path: Path) -> tuple[int, int]:
    """Size and time of change of a file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return _UNKNOWN
    return found.st_size, found.st_mtime_ns


def _answers(path: Path, answer: Callable[[Field], SmearFinding]) -> Iterator[Answer]:
    try:
        frames = read_path_frames(path, settings())
    except ImageRefused as refused:
        yield Answer(str(path), code=refused.code, message=refused.message)
        return
    for number, read in enumerate(frames, start=1):
        shown = str(path) if len(frames) == 1 else f"{path}, frame {number}"
        try:
            finding = answer(replace(read(), name=shown))
        except ImageRefused as refused:
            yield Answer(shown, code=refused.code, message=refused.message)
        else:
            yield Answer(shown, finding=stored_finding.as_text(finding))


def _calls(files: Sequence[Path], journal: Journal) -> Iterator[WbcCall]:
    for path in files:
        for one in journal.answers(str(path)):
            if one.finding:
                finding = stored_finding.from_text(one.finding)
                if finding.included:
                    yield from (cell.wbc for cell in finding.cells if cell.wbc is not None)


def _rows(
    files: Sequence[Path], journal: Journal, laboratory: Laboratory, refused: list[int]
) -> Iterator[Row]:
    known = known_here()
    for path in files:
        for one in journal.answers(str(path)):
            if not one.finding:
                refused[0] += 1
                yield refused_row(one.file, one.code, one.message)
                continue
            finding = laboratory.as_judged(stored_finding.from_text(one.finding))
            yield smear_row(replace(finding, file=one.file), laboratory, known)
