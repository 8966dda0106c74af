"""What one browser session has on the Analyse smear screen: answers, selection, maps.

Answers are kept by picture and models, so nothing that was computed once is computed again: not
for a click, not for another counting rule, not when the same file is sent a second time.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st

from core.explain.faithfulness import Faithfulness
from core.explain.heat import HeatMap
from core.imaging.read import ImageRefused
from core.inference.batch import AnalysedField, Batch, Key, Source
from core.inference.originals import Originals
from core.inference.smear import recount
from core.models.smear_models import SmearModels
from core.records import CountingRule, Method, SmearFinding
from core.slide.foreign_laboratory import Laboratory, laboratory_of

_KNOWN = 400
_MAPS = 24
_COUNTED = 4_000
"""Findings kept as they were counted; they share their cells with the answers."""


@dataclass
class SmearSession:
    """The set on show, and every answer of this session.

    ``order`` are the fields of the set, ``shown`` the one in the picture, ``strip`` a place in the
    strip of thumbnails, ``cell`` the index of the selected cell in its finding, ``opened`` the
    white cell whose map is on top. ``included`` is what a person decided of a field, by the hash of
    its picture: it counts, or it is left out. ``entries`` are what was entered on the tab Blood
    count; those that belong to a patient go with the set. ``accession`` is the slide's number, if
    it was named when its fields were sent. ``left`` are the pictures that a stop left over.
    """

    known: OrderedDict[Key, AnalysedField] = field(default_factory=OrderedDict)
    order: list[Key] = field(default_factory=list)
    refused: list[ImageRefused] = field(default_factory=list)
    batch: Batch | None = None
    shown: Key | None = None
    cell: int | None = None
    opened: tuple[Key, int] | None = None
    rule: CountingRule = "all_visible"
    method: Method = "locator"
    strip: int = 0
    next_seed: int = 1
    intake: int = 0
    notice: str = ""
    originals: Originals = field(default_factory=Originals)
    included: dict[str, bool] = field(default_factory=dict)
    entries: dict[str, str | float | None] = field(default_factory=dict)
    accession: str = ""
    left: list[Source] = field(default_factory=list)
    _maps: OrderedDict[tuple[object, ...], HeatMap] = field(default_factory=OrderedDict)
    _verdicts: dict[tuple[object, ...], Faithfulness] = field(default_factory=dict)
    _judged: tuple[object, Laboratory] | None = None
    _counted: dict[tuple[object, ...], tuple[SmearFinding, SmearFinding]] = field(
        default_factory=dict
    )
    _taken: int = 0
    _show_next: bool = False

    def begin(self, sources: Sequence[Source], models: SmearModels) -> None:
        """Analyse ``sources`` by ``models`` and add them to the set.

        Drawn fields and photographs are never counted together: the other sort is put away.
        """
        self.stop()
        self.absorb()
        kind = {source.synthetic for source in sources}
        other = [key for key in self.order if self.known[key].synthetic not in kind]
        self.notice = ""
        if other:
            self.order = [key for key in self.order if key not in other]
            self.notice = (
                "Synthetic fields and photographs are never counted together: "
                "the ones shown before were put away."
            )
        self.refused = []
        present = {key[0]: self.known[key].finding.file for key in self.order}
        self._taken, self._show_next = 0, True
        kept = [replace(s, opened=self.originals.put_aside(s.opened)) for s in sources]
        self.left = kept
        self.batch = Batch(kept, models, known=self.known, present=present).start()

    def absorb(self) -> None:
        """Take over what the batch has finished since the last time."""
        if self.batch is None:
            return
        running = self.batch.progress().running
        for result in self.batch.results[self._taken :]:
            self._taken += 1
            self.known[result.key] = result
            self.order.append(result.key)
            if self._show_next or self.shown not in self.order:
                self.show(result.key)
                self._show_next = False
        self.refused = list(self.batch.refusals)
        if not running:
            if self.batch.stopped:
                left = self.batch.progress()
                self.notice = (
                    f"Stopped after {left.done} of {left.total}. What was finished is shown."
                )
                self.left = self.left[left.done :]
            else:
                self.left = []
            self.batch = None
        while len(self.known) > max(_KNOWN, len(self.order)):
            stale = next(key for key in self.known if key not in self.order)
            del self.known[stale]

    def stop(self) -> None:
        """Stop the batch, if one is running."""
        if self.batch is not None:
            self.batch.stop()
            # The file being analysed is let finish, so that two batches never overlap.
            self.batch.wait(60)

    def clear(self) -> None:
        """An empty set; the answers stay known."""
        self.stop()
        self.batch, self.order, self.refused, self.notice = None, [], [], ""
        self.shown = self.cell = self.opened = None
        self.included.clear()
        self.entries.clear()
        self.accession, self.left = "", []

    def show(self, key: Key) -> None:
        """Put one field into the picture."""
        if key != self.shown:
            self.shown, self.cell = key, None
            self.strip = self.order.index(key) if key in self.order else 0

    def open(self, key: Key, cell: int) -> None:
        """Put the map of one white cell on top of the screen."""
        self.opened = (key, cell)

    def field(self, key: Key | None = None) -> AnalysedField:
        """The field on show, or another of the set, as it was analysed."""
        wanted = key or self.shown
        if wanted is None or wanted not in self.known:
            # "Start over" came while this run was still drawing: the next one draws the empty set.
            st.stop()
        return self.known[wanted]

    def finding(self, key: Key | None = None) -> SmearFinding:
        """Its finding, counted by the rule and the method in force, in or out as decided.

        The fields of the set are taken as one laboratory's.
        """
        laboratory = self.laboratory()
        if not laboratory.is_foreign:
            return self.as_decided(key)
        return self._once("foreign", key, lambda: laboratory.as_judged(self.as_decided(key)))

    def laboratory(self) -> Laboratory:
        """Whether the laboratory that the set comes from is one the model knows.

        Every field on the screen asks, so it is judged once for a set and what was decided of it.
        """
        state = tuple(self.order), tuple(sorted(self.included.items()))
        if self._judged is None or self._judged[0] != state:
            self._judged = state, laboratory_of(self.as_decided(key) for key in self.order)
        return self._judged[1]

    def as_decided(self, key: Key | None) -> SmearFinding:
        """The same by the field alone: what a case keeps, which judges over its own fields."""
        return self._once("alone", key, lambda: self._decided(self.field(key)))

    def _decided(self, analysed: AnalysedField) -> SmearFinding:
        finding = recount(analysed.finding, self.rule, self.method)
        decided = self.included.get(analysed.key[0])
        return finding if decided is None else replace(finding, included_by_person=decided)

    def _once(
        self, judged: str, key: Key | None, compute: Callable[[], SmearFinding]
    ) -> SmearFinding:
        """A finding counted one way, computed the first time: every part of the screen asks.

        Kept by the very finding it comes from: the same picture under another name is another.
        """
        analysed = self.field(key)
        decided = self.included.get(analysed.key[0])
        way = (judged, analysed.key, self.rule, self.method, decided)
        source, counted = self._counted.get(way, (None, None))
        if source is not analysed.finding or counted is None:
            counted = compute()
            self._counted[way] = analysed.finding, counted
            while len(self._counted) > _COUNTED:
                del self._counted[next(iter(self._counted))]
        return counted

    def include(self, key: Key, included: bool) -> None:
        """Take a field in, or leave it out: a person's word goes before the flags."""
        self.included[key[0]] = included

    def findings(self) -> list[SmearFinding]:
        """Findings of the whole set, in the order the fields came."""
        return [self.finding(key) for key in self.order]

    def map_of(self, key: tuple[object, ...], compute: Callable[[], HeatMap]) -> HeatMap:
        """A heat map, computed the first time it is asked for."""
        if key not in self._maps:
            self._maps[key] = compute()
            while len(self._maps) > _MAPS:
                self._maps.popitem(last=False)
        self._maps.move_to_end(key)
        return self._maps[key]

    def verdict_of(
        self, key: tuple[object, ...], compute: Callable[[], Faithfulness]
    ) -> Faithfulness:
        """Whether the map of this key may be believed, judged the first time it is asked for."""
        if key not in self._verdicts:
            self._verdicts[key] = compute()
        return self._verdicts[key]


def current() -> SmearSession:
    """This browser session's own."""
    if "smear" not in st.session_state:
        st.session_state["smear"] = SmearSession()
    session: SmearSession = st.session_state["smear"]
    return session
