"""One settings object, read from the environment (prefix ``HEMADESK_``) and ``.env``."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field as Setting
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """What a site may change. Every value can be set as ``HEMADESK_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="HEMADESK_", env_file=".env", extra="ignore")

    data: Path = Setting(ROOT / "data", description="folder of the public image sets")
    weights: Path = Setting(ROOT / "weights", description="folder of shipped models")
    var: Path = Setting(ROOT / "var", description="folder for runs, caches and everything written")

    max_file_mb: float = Setting(50.0, gt=0, le=1000, description="largest file, megabytes")
    max_megapixels: float = Setting(100.0, gt=0, le=1000, description="largest picture, megapixels")
    min_side_px: int = Setting(200, ge=16, description="smallest side of a field, pixels")
    max_side_px: int = Setting(8000, ge=64, description="largest side of a picture, pixels")
    max_files: int = Setting(200, ge=1, le=10000, description="files taken at once")

    threads: int = Setting(2, ge=1, le=64, description="processor threads for one analysis")

    database_url: str = Setting("", description="PostgreSQL URL; empty: SQLite, hemadesk.db in var")
    parallel_runs: int = Setting(1, ge=1, le=16, description="trainings that may run at once")
    heartbeat_timeout_s: float = Setting(
        60.0, ge=2, le=3600, description="seconds without a sign of life after which a run is lost"
    )


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
