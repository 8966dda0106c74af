"""The error for model files that cannot be used."""


class WeightsRefused(ValueError):
    """A model file that cannot be trusted or understood; the message says which and why."""
