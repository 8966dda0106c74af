"""``pip install .``: the program's folder as it is, inside one package, and the command hemadesk.

``core`` and ``pages`` are names that any environment may have already, so they are not installed
beside other packages but below ``hemadesk/app``.
"""

from setuptools import find_namespace_packages, setup

APP = "hemadesk.app"
PARTS = ("core", "pages")

inside = find_namespace_packages(include=[name for part in PARTS for name in (part, f"{part}.*")])
packages = ["hemadesk", APP, f"{APP}.weights", *(f"{APP}.{name}" for name in inside)]
setup(
    packages=packages,
    package_dir={
        "hemadesk": "packaging/hemadesk",
        APP: ".",
        f"{APP}.weights": "weights",
        **{f"{APP}.{part}": part for part in PARTS},
    },
    package_data={
        **{name: ["*"] for name in packages if name not in ("hemadesk", APP)},
        APP: [".streamlit/config.toml"],
    },
    include_package_data=False,
)
