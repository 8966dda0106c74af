"""Help: what the screens do and what their words mean."""

import streamlit as st

from core.settings import settings
from pages.parts import signed_in

_LIMITS = settings()

st.title("Help", anchor=False)
signed_in.allowed("view")
left, right = st.columns(2, gap="large")
with left:
    st.subheader("Analyse a smear", anchor=False)
    st.markdown(
        f"""
1. Choose photographs of fields of one smear, or a folder of them. PNG, JPEG, TIFF, BMP,
   WebP and DICOM are read, up to {_LIMITS.max_file_mb:g} MB and {_LIMITS.max_files} files at once.
2. Press **Analyse**. Fields appear as they finish; you can stop at any time and keep what is done.
3. Look at the picture. Every counted cell has a box: red cells a thin line, white cells a thick
   line, platelets a dashed line. Press a name over the picture to hide or show that kind, use the
   signs at its top right to zoom, drag to move, click a cell to see what it was called.
4. Read the tabs. **White cells** shows each white cell, critical and least certain first.
   **Differential** counts them over all fields. **Blood count** makes rates of them, and estimates
   per microlitre by the analyser's red count or by your site's calibration of the objective and
   camera. **Fields** lists the fields, the one that most needs you first. **Why** shows what the
   model looked at. A field that is no smear is left out of every number; each field can be left
   out or taken in under its counts.
5. Take the results along as CSV (one row per field, or one row per cell) or JSON.
"""
    )
    st.subheader("Screen a palm", anchor=False)
    st.markdown(
        """
1. Send or take a photo of a flat palm in daylight, or a crop that shows nothing but palm.
2. You learn whether the photo is good enough to be read. Where anemia is possible, ask for a blood
   test: nothing here rules anemia out. While the model is not shown to be better than chance, its
   answer stands behind a switch named **Research result**: the line shows how far it could be off,
   and where **refer** (no verdict) begins.
3. With a white paper beside the hand, switch **Tap a white paper** on and tap it: the light's
   colour is taken out.
4. **Of 1,000 people like this** shows what such hints are worth where anemia is rare or common.
"""
    )
    st.subheader("Review and sign a case", anchor=False)
    st.markdown(
        """
1. **Keep in a case** stores the fields on show under an accession number. The case waits in the
   **Worklist**, critical findings first.
2. **Cells**: a letter gives the class, **Enter** accepts the model's answer, **Z** takes back, the
   arrows move, **C** comments. Shift or Ctrl with a click chooses many cells for one letter. An
   answer counts when the line says *all saved*. Some cells are shown without the model's answer.
   **Order: wall by class** lays all cells out; drag one, or those chosen, onto a class. **F** and a
   letter say what is seen besides, **V** and a digit add a ready comment, **W** shows why.
3. **Fields**: click a cell to change its kind or take it away; draw a box round one that was
   missed.
4. **Red cells and platelets**: grades from 0 to 3, each kept as you press it. Where the
   program judges shapes, **Cells** shows those behind a proposed grade: a letter corrects one.
5. **Sign**: when every white cell is reviewed and identified, or with a reason. Where a second
   reader is asked for, they see nothing of the first reading until theirs is done, boxes
   included; where the two differ, somebody settles it.

The Worklist also lists single cells of all cases: **To label next**, whose label teaches the next
model most, and **Worth a second look**, whose verified label most cells like it do not carry.
"""
    )
    st.subheader("No picture at hand", anchor=False)
    st.markdown(
        "**Analyse a synthetic smear** draws a field and analyses it. Drawn fields and photographs "
        "are never counted together."
    )
with right:
    st.subheader("What the words mean", anchor=False)
    st.markdown(
        """
- **RBC 23 per field (20 to 26)**: 23 red cells were found; in nine of ten fields of the kind the
  program was fitted on, the true number was inside such an interval.
- **All visible cells** counts everything in the picture. **Counting chamber** leaves out cells that
  touch the bottom or the right edge, as in a counting chamber.
- **Located cells** counts what has a box. **Regression** is a second model's count, without boxes;
  where the two disagree, a person should count.
- :orange-badge[check] something a person should look at: a doubtful class, a picture out of focus.
- :red-badge[critical] a cell a person must look at first, such as an immature granulocyte
  or a blast.
- **Could be monocyte or lymphocyte**: classes that cannot be told apart for this cell.
- **The map is not reliable**: taking away what it marks did not lower the score, or it marks the
  same whatever the model has learnt. It is then no evidence.
- **95 % interval** of a differential: few cells give wide intervals. 5 % seen in 100 cells is
  1.6 to 11.3 %, in 400 cells 3.1 to 7.6 %.
- **Not determined**: there was nothing to count. It does not mean 0.
"""
    )
    st.subheader("Is it good enough here", anchor=False)
    st.markdown(
        "**Lab acceptance** analyses your slides, holds them against your own results and says "
        "whether the limits you chose are met; repeat it after each change of a model. "
        "**Agreement** compares readers and models on the cases that were signed: kappa is the "
        "agreement beyond what chance alone would give, 1 is complete, 0 is chance; of 100 "
        "differences 95 lie within the limits of agreement."
    )
    st.subheader("What this is for", anchor=False)
    st.markdown(
        "Research and teaching. It is not a medical device: a qualified person decides. Pictures "
        "stay on this computer. What you do not keep in a case is forgotten with this window."
    )
