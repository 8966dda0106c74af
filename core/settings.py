"""One settings object, read from the environment (prefix ``HEMADESK_``) and ``.env``."""

from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from pydantic import Field as Setting
from pydantic import PrivateAttr, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
CACHE: Final = "cache"
"""Below ``var``, where no other folder is set for what can be made again."""
DEMO: Final = "demo"
"""Below ``var``: the store of the demo, which no other server opens."""
DEMO_PREFIX: Final = "DEMO-"
"""Every accession number of the demo begins so, and with it every file that leaves it."""
DEMO_NOTE: Final = "DEMO: invented cases, no patient's result."


class Settings(BaseSettings):
    """What a site may change. Every value can be set as ``HEMADESK_<NAME>``.

    Those that may change while the server runs can also be set on the page, and are kept in the
    database (``core.store.kept_settings``); what the environment names wins.
    """

    model_config = SettingsConfigDict(env_prefix="HEMADESK_", env_file=".env", extra="ignore")

    data: Path = Setting(ROOT / "data", description="folder of the public image sets")
    weights: Path = Setting(ROOT / "weights", description="folder of shipped models")
    var: Path = Setting(ROOT / "var", description="folder for runs, caches and everything written")
    cache: Path | None = Setting(
        None, description="folder for what can be made again, default: cache below var"
    )

    demo: Literal["off", "on", "public"] = Setting(
        "off",
        description="serve invented cases from a store of their own; public: to strangers, who "
        "may look and try, and change nothing",
    )

    max_file_mb: float = Setting(50.0, gt=0, le=1000, description="largest file, megabytes")
    max_megapixels: float = Setting(100.0, gt=0, le=1000, description="largest picture, megapixels")
    min_side_px: int = Setting(200, ge=16, description="smallest side of a field, pixels")
    max_side_px: int = Setting(8000, ge=64, description="largest side of a picture, pixels")
    max_files: int = Setting(200, ge=1, le=10000, description="files taken at once")

    red_cell_shapes: bool = Setting(
        False, description="judge the shapes of red cells where the model for them is installed"
    )

    threads: int = Setting(2, ge=1, le=64, description="processor threads for one analysis")

    database_url: str = Setting("", description="PostgreSQL URL; empty: SQLite, hemadesk.db in var")
    parallel_runs: int = Setting(1, ge=1, le=16, description="trainings that may run at once")
    training_processes: int = Setting(
        1, ge=1, le=64, description="processes that share one training, one for each card"
    )
    max_archive_mb: float = Setting(
        2000.0, gt=0, le=100_000, description="largest ZIP of training pictures, megabytes"
    )
    heartbeat_timeout_s: float = Setting(
        60.0, ge=2, le=3600, description="seconds without a sign of life after which a run is lost"
    )

    run_webhook: str = Setting(
        "",
        pattern=r"^(https?://\S+)?$",
        description="web address that gets a JSON message when a training has ended",
    )
    run_mail_to: str = Setting(
        "", description="mail addresses told when a training has ended, separated by commas"
    )
    run_mail_from: str = Setting("", description="sender of these mails; empty: the first address")
    smtp_url: SecretStr = Setting(
        SecretStr(""),
        description="mail server, such as smtp+starttls://user:password@mail.example.org:587",
    )

    second_reader: Literal["never", "critical", "always"] = Setting(
        "never", description="which cases a second person reads before they are signed"
    )
    technologists_preclassify: bool = Setting(
        False, description="may technologists name cells before the review; they never sign"
    )
    minimum_cells: int = Setting(
        100, ge=0, le=10_000, description="white cells below which a report is preliminary"
    )
    promotion_bar: Literal["superior", "not inferior"] = Setting(
        "superior",
        description="what a new white-cell model must show on its own test cells to go live",
    )
    promotion_margin: float = Setting(
        0.05,
        gt=0,
        le=0.2,
        description="share right that it may lose where the bar is not inferior",
    )
    promotion_bar_reason: str = Setting(
        "", description="why the bar is not inferior; it is kept with each model that goes live"
    )
    site_classes: Path | None = Setting(
        None, description="CSV of white-cell classes that this site adds to those of the readers"
    )
    target_cells: int = Setting(
        200, ge=0, le=10_000, description="white cells that a differential is counted to; 0: none"
    )
    canned_comments: Path | None = Setting(
        None, description="text file of comments that readers add by key, one a line, nine at most"
    )
    release_trial_cases: int = Setting(
        30,
        ge=1,
        le=10_000,
        description="signed cases a release rule has to have been right on before it is used",
    )
    blind_share: float = Setting(
        0.05, ge=0, le=0.5, description="share of white cells reviewed without the model's answer"
    )
    corrections_before_proposal: int = Setting(
        200, ge=1, le=100_000, description="new corrections after which a training is proposed"
    )

    erase_after_years: float = Setting(
        0.0,
        ge=0,
        le=200,
        description="years after its last signature a case is due to be erased; 0: never",
    )
    keep_signed_years: float = Setting(
        0.0,
        ge=0,
        le=200,
        description="years after its last signature before which no case is erased",
    )

    keep_file_names: bool = Setting(
        False,
        description="do cases keep the names of sent files, which may name a patient; else field 3",
    )

    laboratory: str = Setting("", max_length=120, description="name at the head of every report")
    laboratory_address: str = Setting(
        "", max_length=400, description="lines under it, separated by |: address, telephone"
    )
    laboratory_logo: Path | None = Setting(
        None, description="PNG or JPEG at the head of every report"
    )
    report_paper: Literal["A4", "Letter"] = Setting("A4", description="paper of the reports")
    report_font: Path | None = Setting(
        None, description="TrueType file for reports in scripts that DejaVu Sans lacks"
    )

    local_person: str = Setting(
        "local user", min_length=1, max_length=120, description="who sits at this computer"
    )
    local_role: Literal[
        "local", "technologist", "pathologist", "director", "trainer", "administrator", "viewer"
    ] = Setting("local", description="what they may do; local: everything")
    local_token: Literal["once", "off"] = Setting(
        "off",
        description="in local mode, does a browser need the one-time token of the printed address",
    )
    public_address: str = Setting(
        "",
        pattern=r"^(https?://[^/?#\s@]+)?$",
        description="address at which people open this site, such as https://hemadesk.clinic.example",
    )
    folders: str = Setting(
        "",
        description="folders below which people who sign in may name one, separated as in PATH",
    )
    max_upload_mb_per_person: float = Setting(
        2500.0, gt=0, description="megabytes of uploads of one person that are kept in memory"
    )
    max_upload_mb_in_all: float = Setting(
        6000.0, gt=0, description="megabytes of uploads of all people that are kept in memory"
    )
    proxy_header: str = Setting("", description="header in which a proxy names who is signed in")
    proxy_secret: SecretStr = Setting(
        SecretStr(""), description="what the proxy proves itself with, in X-Hemadesk-Proxy-Secret"
    )
    oidc_claim: str = Setting("email", description="claim of st.login that names a person for good")
    metrics_token: SecretStr = Setting(
        SecretStr(""), description="with what /metrics is read: Authorization: Bearer TOKEN"
    )
    session_hours: float = Setting(
        12.0,
        ge=0,
        le=720,
        description="hours after which a sign-in with OpenID Connect is repeated; 0: never",
    )
    administrators: str = Setting(
        "", description="who is an administrator from the first sign-in on; separated by commas"
    )

    _named: frozenset[str] = PrivateAttr(frozenset())

    @model_validator(mode="after")
    def _apart(self) -> "Settings":
        """A demo lies in a folder and a database of its own, whatever else is set."""
        self._named = frozenset(self.model_fields_set)
        if self.is_demo:
            # A process that a demo starts is handed the folder already.
            self.var = self.var if self.var.name == DEMO else self.var / DEMO
            self.cache, self.database_url = None, ""
            self.laboratory = f"{DEMO_NOTE} {self.laboratory}".strip()
        return self

    @property
    def named(self) -> frozenset[str]:
        """The settings that the environment or ``.env`` names; the page does not change them."""
        return self._named

    @property
    def is_demo(self) -> bool:
        """Does this process serve invented cases, from a store of their own."""
        return self.demo != "off"

    @property
    def cache_folder(self) -> Path:
        """Where what can be made again is kept; may be deleted at any time."""
        return self.cache or self.var / CACHE


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
