"""Hemadesk: ``streamlit run app.py``.

Streamlit reads this file twice: once as the server's application, then as the script that it runs
for every session and every redraw. Which of the two it is shows the run's context.
"""

from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:
    from streamlit.starlette import App

    from core.settings import ROOT
    from pages.parts import away, door

    # Streamlit looks for this assignment, and serves what the name stands for in the end.
    app: Any = App(ROOT / "app.py", lifespan=door.opening, on_script_error=away.of_a_click)
    app = door.guarded(app)
else:
    from pages.parts import navigation

    navigation.draw()
