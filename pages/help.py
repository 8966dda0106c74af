"""Help: what the screens do and what their words mean."""

import streamlit as st

from core.settings import settings

_LIMITS = settings()

st.title("Help", anchor=False)
left, right = st.columns(2, gap="large")
with left:
    st.subheader("Analyse a smear", anchor=False)
    st.markdown(
        f"""
1. Choose photographs of fields of one smear, or a folder of them. PNG, JPEG, TIFF, BMP and WebP
   are read, up to {_LIMITS.max_file_mb:g} MB and {_LIMITS.max_files} files at once.
2. Press **Analyse**. Fields appear as they finish; you can stop at any time and keep what is done.
3. Look at the picture. Every counted cell has a box: red cells a thin line, white cells a thick
   line, platelets a dashed line. Press a name over the picture to hide or show that kind, use the
   signs at its top right to zoom, drag to move, click a cell to see what it was called.
4. Read the tabs. **White cells** shows each white cell, the least certain first. **Differential**
   counts them over all fields. **Fields** lists the fields, the one that most needs you first.
   **Why** shows what the model looked at.
5. Take the results along as CSV (one row per field, or one row per cell) or JSON.
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
- :orange-badge[check] something a person should look at: a doubtful class, a picture out of focus.
- :red-badge[critical] a cell a person must look at first, such as an immature granulocyte.
- **Could be monocyte or lymphocyte**: classes that cannot be told apart for this cell.
- **95 % interval** of a differential: few cells give wide intervals. 5 % seen in 100 cells is
  1.6 to 11.3 %, in 400 cells 3.1 to 7.6 %.
- **Not determined**: there was nothing to count. It does not mean 0.
"""
    )
    st.subheader("What this is for", anchor=False)
    st.markdown(
        "Research and teaching. It is not a medical device: a qualified person decides. Pictures "
        "stay on this computer; they are kept while this browser window is open and not stored."
    )
