"""What ``pip install .`` adds: the command ``hemadesk``. The program itself lies in ``app``."""
