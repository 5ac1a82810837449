"""Nothing of a person that stands in a header, a sidecar, a free column or a file's name reaches what a study writes."""

import gzip
import io
import json
import struct
import types
import zipfile
import zlib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pydicom
import pytest
import SimpleITK as sitk
from ruamel.yaml import YAML

from tests.imaging.conftest import make_image, make_mask
from tests.imaging.test_dicom import SECRETS, write_volume
from vcfstats.contracts.naming import printed_names
from vcfstats.pipeline import quality
from vcfstats.pipeline.check import check_folder, report
from vcfstats.pipeline.stages import run_stage

STAGES = ("ingest", "preprocess", "radiomics", "slices", "quality")
# One word for each place that can tell of a person, so that a leak names its source.
PRIVATE = "Zebra-private-group"
# Field of a NIfTI header -> its place and what stands there.
NIFTI = {
    "descrip": (148, "Zebra-nifti-descrip"),
    "aux_file": (228, "Zebra-nifti-aux"),
    "intent_name": (328, "Zebra-intent"),
}
EXTENSION = "Zebra-dicom-extension"
NRRD = {"PatientName": "Zebra-nrrd-name", "0010|0030": "19470607"}
META = {"PatientName": "Zebra-meta-name"}
SIDECAR = {
    "PatientName": "Zebra-sidecar-name", "PatientID": "ZEBRA-MRN-1", "PatientBirthDate": "1931-02-03",
    "InstitutionName": "Zebra-clinic", "InstitutionAddress": "7 Zebra Street", "ReferringPhysicianName": "Zebra-referrer",
    "AcquisitionDateTime": "2019-05-06T07:08:09.101112", "DeviceSerialNumber": "ZB90210", "StationName": "ZEBRASTATION",
    "SeriesDescription": "Zebra-spine", "ProtocolName": "Zebra-protocol", "ConversionSoftware": "zebra2niix",
}  # fmt: skip
COLUMN = "Zebra-ward-nine"
FILE_NAME = "ZEBRA_DOE_JANE"


def params_of(root: Path, **cohort: object) -> None:
    """Write params.yaml of a study that makes features of one class and stops before anything learns."""
    text = files("vcfstats.pipeline").joinpath("template.yaml").read_text(encoding="utf-8")
    yaml = YAML()
    body = yaml.load(text.replace("{columns}", "").replace("{folder}", "cohort").replace("FILL IN", "words"))
    body["cohort"].update({"outcome": body["cohort"]["outcome"] | {"column": "died"}} | cohort)
    body["radiomics"]["feature_classes"] = ["shape", "firstorder"]
    body["preprocess"]["n4"]["iterations"] = [5]
    body["learning"]["folds"]["n"] = 3
    body["learning"]["classifiers"]["knn"] = None
    body["compute"]["workers"] = 1
    yaml.dump(body, root / "params.yaml")


def volumes(number: int) -> tuple[sitk.Image, sitk.Image]:
    image = make_image(number, size=(24, 26, 9))
    return image, make_mask(image)


def with_metadata(image: sitk.Image, said: dict[str, str]) -> sitk.Image:
    for key, value in said.items():
        image.SetMetaData(key, value)
    return image


def write_nifti(image: sitk.Image, path: Path) -> None:
    """Write a compressed NIfTI that tells of a person in its free fields and in an extension, as converters leave them."""
    sitk.WriteImage(image, str(path))
    raw = bytearray(gzip.decompress(path.read_bytes()))
    for place, word in NIFTI.values():
        raw[place : place + len(word)] = word.encode()
    raw[348] = 1  # an extension follows: its size, its kind (2 is DICOM), what it says
    raw[352:352] = struct.pack("<ii", 64, 2) + EXTENSION.encode().ljust(56, b"\0")
    raw[108:112] = struct.pack("<f", 352.0 + 64)
    path.write_bytes(gzip.compress(bytes(raw)))


def folder_of_files(root: Path) -> dict[str, str]:
    """Write a cohort of DICOM folders, NIfTI, NRRD and MetaImage files; return what tells of a person, by where it stands."""
    folder = root / "cohort"
    rows = []
    for number, kind in enumerate(("dicom", "dicom", "nii.gz", "nii.gz", *("nrrd", "mha") * 4)):
        image, mask = volumes(number)
        place = folder / f"{FILE_NAME}_{number}"
        place.mkdir(parents=True)
        if kind == "dicom":
            write_volume(place / "images", image, uid=f"1.2.3.{number}")
            for path in (place / "images").iterdir():
                data = pydicom.dcmread(path)
                data.private_block(0x0011, "ACME", create=True).add_new(0x01, "LO", PRIVATE)
                data.save_as(path)
            name, region = "images", "region.nrrd"
            sitk.WriteImage(with_metadata(mask, NRRD), str(place / region))
        else:
            name, region = f"image.{kind}", f"region.{kind}"
            for volume, path in ((image, place / name), (mask, place / region)):
                if kind == "nii.gz":
                    write_nifti(volume, path)
                else:
                    sitk.WriteImage(with_metadata(volume, NRRD if kind == "nrrd" else META), str(path))
            if kind == "nii.gz":
                (place / "image.json").write_text(json.dumps({"RepetitionTime": 3.0, **SIDECAR}))
        rows.append([f"P{number}", f"{place.name}/{name}", f"{place.name}/{region}", number % 2, COLUMN])
    pd.DataFrame(rows, columns=["patient_id", "image", "mask", "died", "remark"]).to_csv(
        folder / "cohort.csv", index=False
    )
    params_of(root)
    # A year or a room may stand anywhere by chance; longer words do not.
    told = {f"DICOM {name}": word for name, word in SECRETS.items() if len(word) >= 5}
    told |= {f"NRRD {name}": word for name, word in NRRD.items()} | {
        f"MetaImage {name}": word for name, word in META.items()
    }
    return told | in_nifti_and_sidecars() | {"a private group": PRIVATE, "a column that no setting names": COLUMN}


def in_nifti_and_sidecars() -> dict[str, str]:
    told = {f"sidecar {name}": word for name, word in SIDECAR.items()}
    told |= {f"NIfTI {name}": word for name, (_, word) in NIFTI.items()}
    return told | {"NIfTI extension": EXTENSION}


def bids(root: Path) -> dict[str, str]:
    """Write a BIDS dataset whose sidecars, and whose table, tell too much; return what tells of a person, by where it stands."""
    folder = root / "cohort"
    rows = []
    for number in range(12):
        image, mask = volumes(number)
        for part, volume in (("", image), ("derivatives/readers/", mask)):
            anat = folder / f"{part}sub-{number}" / "anat"
            anat.mkdir(parents=True)
            name = f"sub-{number}_T2w{'_mask' if part else ''}"
            write_nifti(volume, anat / f"{name}.nii.gz")
            (anat / f"{name}.json").write_text(json.dumps({"EchoTime": 0.1, **SIDECAR}))
        rows.append([f"sub-{number}", number % 2, COLUMN])
    (folder / "dataset_description.json").write_text(json.dumps({"Name": "Zebra-dataset", "BIDSVersion": "1.8.0"}))
    (folder / "T2w.json").write_text(json.dumps({"RepetitionTime": 3.0, "PatientName": "Zebra-inherited"}))
    pd.DataFrame(rows, columns=["participant_id", "died", "remark"]).to_csv(
        folder / "participants.tsv", sep="\t", index=False
    )
    pattern = {"image": "{patient}/anat/*_T2w.nii.gz", "mask": "derivatives/**/{patient}/anat/*_mask.nii.gz"}
    params_of(root, table="participants.tsv", patient_id="participant_id", bids=pattern)
    above = {"the dataset's name": "Zebra-dataset", "a sidecar above": "Zebra-inherited"}
    return in_nifti_and_sidecars() | above | {"a column that no setting names": COLUMN}


def content(path: Path) -> bytes:
    """Return what a file says, uncompressed, its name included."""
    raw = path.read_bytes()
    parts = [str(path).encode(), raw]
    if raw[:2] == b"\x1f\x8b":
        parts.append(gzip.decompress(raw))
    elif raw[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts += [member.filename.encode() + archive.read(member) for member in archive.infolist()]
    elif raw[:4] == b"\x89PNG":
        parts += png_text(raw)
    elif raw[:4] == b"PAR1":
        table = pq.read_table(path)
        parts += [repr(table.schema.metadata).encode(), table.to_pandas().to_csv().encode()]
    return b"\n".join(parts).lower()


def png_text(raw: bytes) -> list[bytes]:
    """Return the chunks of a PNG that are not pixels, compressed text unpacked."""
    found, at = [], 8
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "big")
        kind, data = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"zTXt":
            data = zlib.decompress(data.split(b"\0", 1)[1][1:])
        if kind != b"IDAT":
            found.append(data)
    return found


def holding(folder: Path, word: str, said: dict[Path, bytes]) -> list[str]:
    forms = {word.lower().encode(code) for code in ("utf-8", "utf-16-le")}
    return [str(path.relative_to(folder)) for path, text in said.items() if any(form in text for form in forms)]


@pytest.mark.parametrize("cohort", [folder_of_files, bids])
def test_what_headers_say_of_a_person_stays_in_the_headers(tmp_path, capfd, cohort):
    root = tmp_path / "study"
    root.mkdir()
    secrets = cohort(root)
    folder = root / "cohort"
    source = {path: content(path) for path in folder.rglob("*") if path.is_file()}
    unplanted = [place for place, word in secrets.items() if not holding(folder, word, source)]
    assert unplanted == []  # else the search below would find nothing whatever was written
    for stage in STAGES:
        run_stage(stage, root)
    report(check_folder(folder, params_file=root / "params.yaml"), folder).to_csv(root / "problems.csv")
    written = {
        path: content(path)
        for path in root.rglob("*")
        if path.is_file() and not path.is_relative_to(folder) and path.name != "params.yaml"
    }
    kinds = {path.suffix for path in written}
    assert {".gz", ".npz", ".png", ".json", ".csv", ".parquet"} <= kinds
    leaks = {place: found for place, word in secrets.items() if (found := holding(root, word, written))}
    assert leaks == {}
    terminal = "".join(capfd.readouterr()).lower()
    assert [place for place, word in secrets.items() if word.lower() in terminal] == []
    # Files' names stand in the table of where the images lie, which stays beside them, and nowhere else.
    if cohort is folder_of_files:
        assert holding(root, FILE_NAME, written) == ["data/cohort.parquet"]
    # What the methods section prints was read, so that the headers were not simply ignored.
    acquired = json.loads((root / "data" / "ingest.json").read_text(encoding="utf-8"))["acquisition"]
    assert acquired
    assert all("repetition_time_ms" in said or "matrix" in said for said in acquired.values())
    image = sitk.ReadImage(str(next((root / "data" / "preprocessed").glob("*_image.nii.gz"))))
    assert np.isfinite(sitk.GetArrayViewFromImage(image)).all()


def test_results_and_sheets_call_no_case_by_its_id(finished_study):
    """Results are committed and documents are printed: who is who stays in data/."""
    ids = list(pd.read_parquet(finished_study / "data" / "cohort.parquet").index)
    written = {path: content(path) for path in (finished_study / "results").rglob("*") if path.is_file()}
    assert {case: found for case in ids if (found := holding(finished_study, case, written))} == {}
    drawn = (finished_study / "results" / "tables" / "quality.csv").read_text() + (
        finished_study / "results" / "results.json"
    ).read_text()
    assert "Case " in drawn  # else there was nothing to call


def test_a_number_is_found_again_by_whoever_has_the_ids():
    assert printed_names(["b", "a", "c"]) == {"a": "Case 1", "b": "Case 2", "c": "Case 3"}
    assert printed_names(["b", "a"], patient_ids=True) == {"a": "a", "b": "b"}


def test_a_sheet_is_labelled_by_number(monkeypatch, tmp_path):
    """Sheets are printed in the supplement; the picture of one case stays in data/, and heads itself by both."""
    drawn, heads = [], []
    view = types.SimpleNamespace(grey=None, region=None, pixel_mm=(1.0, 1.0))
    monkeypatch.setattr(quality, "contact_sheets", lambda thumbnails, *_, **__: drawn.extend(thumbnails) or [])
    monkeypatch.setattr(quality, "case_picture", lambda head, *_, **__: heads.append(head))
    monkeypatch.setattr(quality, "save_picture", lambda *_: None)
    monkeypatch.setattr(quality, "_lines", lambda _: [])
    monkeypatch.setattr(quality, "correction_file", lambda *_: None)
    correction = types.SimpleNamespace(low=0, high=1, before=[], after=[])
    found = types.SimpleNamespace(views={"sagittal": view}, correction=correction, quantities={})
    monkeypatch.setattr(quality, "case_quality", lambda *_, **__: found)
    case = types.SimpleNamespace(case_id="MRN-7")
    settings = types.SimpleNamespace(plane="sagittal")
    given = {"settings": settings, "preprocessed": tmp_path, "cache": tmp_path, "out": tmp_path, "simulated": False}
    quality._draw_case(case, names={"MRN-7": "Case 1"}, **given)
    quality._draw_case(case, names={"MRN-7": "MRN-7"}, **given)
    assert heads == ["Case 1: MRN-7", "MRN-7"]
    distances = pd.DataFrame({"volume": [1.0]}, index=["MRN-7"])
    outliers = types.SimpleNamespace(
        distances=distances, to_frame=lambda: pd.DataFrame(columns=["case_id", "distance"])
    )
    study = types.SimpleNamespace(params=types.SimpleNamespace(quality=settings, simulate={}), quality=tmp_path)
    quality._draw_sheets(study, {"MRN-7": view}, outliers, 60.0, {"MRN-7": "Case 1"})
    assert [thumbnail.case_id for thumbnail in drawn] == ["Case 1"]
