"""Where the authors of each public set keep it. None of them publishes a hash of the archive."""

from typing import Final

from core.datasets.public.fetch import Source

SOURCES: Final[dict[str, Source]] = {
    "cbc": Source(
        "https://github.com/MahmudulAlam/Complete-Blood-Cell-Count-Dataset/archive/master.zip",
        "https://github.com/MahmudulAlam/Complete-Blood-Cell-Count-Dataset",
        "MIT",
        "Alam & Islam 2019, Healthcare Technology Letters 6(4), 103-108",
        remark="Its validation part is a copy of 60 training fields.",
    ),
    "txl": Source(
        "https://github.com/lugan113/TXL-PBC_Dataset/archive/HEAD.zip",
        "https://github.com/lugan113/TXL-PBC_Dataset",
        "MIT",
        "Gan, Li & Wang 2024, TXL-PBC, arXiv:2407.13214",
        top="TXL-PBC",
        remark="All 60 CBC test fields are in it; the trainings here leave their copies out.",
    ),
    "pbc": Source(
        "https://data.mendeley.com/public-files/datasets/snkd93bnjr/files/"
        "2fc38728-2ae7-4a62-a857-032af82334c3/file_downloaded",
        "https://data.mendeley.com/datasets/snkd93bnjr/1",
        "CC BY 4.0",
        "Acevedo et al. 2019, Data in Brief 30, 105474",
        remark="Pictures are 360x363 pixels; nothing needs them smaller.",
    ),
    "palm": Source(
        "https://prod-dcd-datasets-cache-zipfiles.s3.eu-west-1.amazonaws.com/ccr8cm22vz-1.zip",
        "https://data.mendeley.com/datasets/ccr8cm22vz/1",
        "CC BY 4.0",
        "Asare, Appiahene & Donkoh 2022, Mendeley Data, 10.17632/ccr8cm22vz.1",
        remark="It holds 4,260 rotated copies of 527 photos and no labels.csv: write one with the "
        "columns file, anemic and photo_group before training on it.",
    ),
}

UNREACHABLE: Final[dict[str, str]] = {
    "wbc_munich_support": "take it from The Cancer Imaging Archive, "
    "https://www.cancerimagingarchive.net/collection/aml-cytomorphology_lmu/ (CC BY 3.0)",
    "deepbionet_fields": "ask its authors for it (DeepBioNet, no licence file)",
    "chula_rbc12": "take it from https://github.com/Chula-PIC-Lab/Chula-RBC-12-Dataset (MIT)",
    "bodzas": "take it from where https://doi.org/10.1038/s41597-023-02378-7 says under Data "
    "Records, and put its class folders into bodzas",
    "raabin": "take Train, TestA and TestB from https://raabindata.com and put them into raabin",
    "wbc_other_lab": "ask its authors for it (DeepBioNet, research use)",
    "hands": "take it from https://sites.google.com/view/11khands (academic use)",
}
