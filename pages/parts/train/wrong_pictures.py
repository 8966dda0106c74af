"""The validation pictures a run gets most wrong at present, as it saw them."""

from pathlib import Path

import streamlit as st

from core.store.runs import Run
from core.taxonomy import title
from core.training.loop import wrong_examples
from core.training.runs.lifecycle import folder_of


def draw(run: Run) -> None:
    """A row of pictures with truth and answer beneath; nothing where there are none."""
    found = wrong_examples.read(folder_of(run))
    if found is None or not found[1]:
        return
    number, examples = found
    st.caption(f"What it gets most wrong, validation pictures after epoch {number + 1}")
    places = st.columns(8)
    for place, example in zip(places, examples, strict=False):
        if not Path(example.path).is_file():
            place.caption("The picture is gone.")
            continue
        place.image(example.path, width="stretch")
        said, _, sure = example.predicted.rpartition(" ")
        if said and "," not in said:
            place.caption(f"{title(example.truth)}, said {title(said).lower()} {sure}")
        else:
            place.caption(f"{example.truth}; said {example.predicted}")
