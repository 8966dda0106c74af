"""What ``train`` lets a person choose: the help of one recipe, ``--set`` and ``--names``.

Loads no heavy library: it answers help and refusals.
"""

import csv
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, get_type_hints

from typer.core import TyperCommand

_NAMES_BYTES: Final = 1_000_000


class TrainCommand(TyperCommand):
    """``train RECIPE --help`` says what that recipe offers: presets, settings, options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Remember the words: help is answered before the recipe is read from them."""
        ctx.meta["words"] = list(args)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """The usual help, and what the named recipe offers."""
        from core.training.presets import FORMER_NAMES, RECIPES

        words = [FORMER_NAMES.get(word, word) for word in ctx.meta.get("words", ())]
        named = next((word for word in words if word in RECIPES), None)
        more = (
            help_of(named)
            if named
            else f"Presets, settings and options of one: train RECIPE --help, RECIPE being one of "
            f"{', '.join(RECIPES)}."
        )
        return f"{super().get_help(ctx)}\n\n{more}"


def help_of(recipe: str) -> str:
    """Presets with their settings, options with their values, settings with their ranges."""
    from core.training.loop.settings import OPTIMIZERS, RANGES, SCHEDULES, LoopSettings
    from core.training.presets import recipe_info

    info = recipe_info(recipe)
    lines = [f"{info.name}: {info.title}. Judged by: {info.metric_title}.", "", "Presets:"]
    for preset in info.presets:
        differing = {
            name: value
            for name, value in asdict(preset.settings).items()
            if value != getattr(LoopSettings, name)
        }
        chosen = ", ".join(f"{k}={v}" for k, v in {**differing, **preset.options}.items())
        lines += [f'  "{preset.name}"  {preset.why}', f"      {chosen}"]
    lines += ["", "Options (--set NAME=VALUE; the first is the default):"]
    lines += [f"  {name}: {', '.join(values)}" for name, values in info.options.items()]
    lines += ["", "Settings (--set NAME=VALUE), from lowest to highest:"]
    lines += [f"  {name}: {low:.10g} to {high:.10g}" for name, (low, high) in RANGES.items()]
    lines += [
        f"  schedule: {', '.join(SCHEDULES)}",
        f"  optimizer: {', '.join(OPTIMIZERS)}",
        "  bfloat16: true, false",
    ]
    if info.named:
        lines += ["", f"Names of your own (--names FILE) stand for: {', '.join(info.named)}."]
    return "\n".join(lines)


def settings_and_options(pairs: list[str]) -> tuple[dict[str, float | str], dict[str, str]]:
    """``NAME=VALUE`` words, divided into settings of the loop and options of the recipe.

    Raises:
        ValueError: for a word without ``=``, a name given twice, or a setting that is no number.
    """
    from core.training.loop.settings import LoopSettings

    kinds = {field.name: get_type_hints(LoopSettings)[field.name] for field in fields(LoopSettings)}
    values: dict[str, float | str] = {}
    options: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = (part.strip() for part in pair.partition("="))
        if not sign or not name:
            raise ValueError(f"--set takes NAME=VALUE, got {pair!r}")
        if name in values or name in options:
            raise ValueError(f"--set gives {name} twice")
        if name in kinds:
            values[name] = _as(kinds[name], name, value)
        else:
            options[name] = value
    return values, options


def _as(kind: type, name: str, value: str) -> float | str:
    if kind is bool:
        if value.lower() not in ("true", "false"):
            raise ValueError(f"{name} must be true or false, got {value!r}")
        return value.lower() == "true"
    if kind is str:
        return value
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    return int(number) if kind is int and number.is_integer() else number


def names_from(file: Path) -> dict[str, str]:
    """A laboratory's own names and what they stand for, from JSON or from CSV of two columns.

    An empty second word leaves the pictures of that name out.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ValueError(f"--names: {file} cannot be read: {error.strerror}") from error
    if len(raw) > _NAMES_BYTES:
        raise ValueError(f"--names: {file.name} has more than {_NAMES_BYTES // 1000} kB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"--names: {file.name} is not UTF-8 text") from error
    found = _from_json(text, file) if file.suffix.lower() == ".json" else _from_csv(text, file)
    if not found:
        raise ValueError(f"--names: {file.name} holds no name")
    return found


def _from_json(text: str, file: Path) -> dict[str, str]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"--names: {file.name} is no JSON: {error}") from error
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise ValueError(f'--names: {file.name} must be like {{"own name": "known name"}}')
    return read


def _from_csv(text: str, file: Path) -> dict[str, str]:
    from core.datasets.intake.reading import FileRefused
    from core.datasets.intake.table_files import csv_lines, delimiters_of

    found: dict[str, str] = {}
    mark = (delimiters_of(text) or [","])[0]
    try:
        lines = [(number, words) for number, words in csv_lines(text, mark) if any(words)]
    except (FileRefused, csv.Error) as error:
        raise ValueError(f"--names: {file.name} is no table: {error}") from error
    for number, words in lines:
        if len(words) != 2 or not words[0]:
            raise ValueError(
                f"--names: line {number} of {file.name} must be: own name{mark} known name"
            )
        if found.get(words[0], words[1]) != words[1]:
            raise ValueError(f"--names: {file.name} says two things of {words[0]!r}")
        found[words[0]] = words[1]
    return found


def together(
    named: dict[str, float | str], by_set: dict[str, float | str]
) -> dict[str, float | str]:
    """Both; raises ValueError for a setting given by its own option and by ``--set``."""
    both = sorted(named.keys() & by_set.keys())
    if both:
        option = both[0].replace("_", "-")
        raise ValueError(f"{both[0]} is given twice, by --{option} and by --set")
    return {**named, **by_set}
