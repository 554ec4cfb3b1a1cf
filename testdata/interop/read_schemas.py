"""The schemas of Dexcom's types hold for others, too: every document is valid in
its dialect; every example, the answers of a study's raw log, those of a folder and
every kind of row of the lake, as DuckDB writes it, are what their schema says; a
wrong document is refused. Samples that Dexcom publishes are checked where they are
at hand.

    read_schemas.py SCHEMAS LAKE ANSWERS SAMPLES

json-structure does not look at an enum behind a reference, so values out of an
enum are for jsonschema alone.
"""

import json
import sys
import tempfile
from pathlib import Path

import duckdb
from json_structure import InstanceValidator, SchemaValidator
from jsonschema import Draft202012Validator

from read_raw import answers

PER_TABLE = 300  # rows that are looked at, any
PER_ANSWER = 20  # records that are looked at, spread over the answer: validators are slow

SAMPLES = {
    "01-official-v3-alerts.json": "alerts-response",
    "02-official-v3-events.json": "events-response",
    "03-official-v3-calibrations.json": "calibrations-response",
    "04-official-v3-dataRange.json": "data-range-response",
    "05-official-v3-devices-head.json": "devices-response",
    "07-v3-egvs-glucodesk-test.json": "egvs-response",
    "08-v3-egvs-empty.json": "egvs-response",
    "17-swagger-v3-token-response.json": "token-response",
}


class Type:
    """One type in both dialects."""

    def __init__(self, folder: Path, name: str):
        self.name = name
        schema, self.structure = (json.loads((folder / f"{name}{end}").read_text()) for end in (".schema.json", ".struct.json"))
        Draft202012Validator.check_schema(schema)
        if wrong := SchemaValidator().validate(self.structure):
            sys.exit(f"{name}.struct.json is no JSON Structure: {wrong[0]}")
        self.schema = Draft202012Validator(schema)

    def wrong(self, value) -> str:
        """What is wrong with a value by either, empty if nothing is."""
        for error in self.schema.iter_errors(value):
            return f"jsonschema: {error.json_path}: {error.message[:200]}"
        for error in InstanceValidator(self.structure).validate_instance(value):
            return f"json-structure: {error}"
        return ""


def type_of(resource: str) -> str:
    return "data-range-response" if resource == "dataRange" else f"{resource}-response"


def check_examples(folder: Path, types: dict[str, Type]) -> None:
    for name, of in types.items():
        if wrong := of.wrong(json.loads((folder / f"{name}.example.json").read_text())):
            sys.exit(f"the example of {name}: {wrong}")
    if not types["egvs-response"].wrong({"recordType": "event", "recordVersion": "3.0", "userId": "u", "records": []}):
        sys.exit("a recordType out of the enum passes")
    print(f"  schemas: {len(types)} types are valid in both dialects, and so are their examples")


def check_answer(what: str, of: Type, body: bytes) -> int:
    """Looks at an answer record by record, and returns at how many."""
    answer = json.loads(body)
    records = answer.get("records")
    if records is None:
        alone = [answer]
    else:
        alone = [answer | {"records": [one]} for one in records[:: max(1, len(records) // PER_ANSWER)]]
    for one in alone:
        if wrong := of.wrong(one):
            sys.exit(f"{what}: {wrong}")
    return len(alone)


def check_log(raw: Path, types: dict[str, Type]) -> None:
    looked = 0
    for position, header, body in answers(raw):
        if body and 200 <= header["status"] < 300:
            looked += check_answer(position, types[type_of(header["resource"])], body)
    print(f"  schemas: {looked} records of the raw log are as they say")


def check_files(folder: Path, types: dict[str, Type]) -> None:
    looked = 0
    for path in sorted(folder.glob("*.json")):
        looked += check_answer(path.name, types[path.name.split(".")[0]], path.read_bytes())
    print(f"  schemas: {looked} records with anomalies of every kind are as they say")


def check_rows(folder: Path, lake: Path) -> None:
    looked = 0
    for path in sorted(folder.glob("*.struct.json")):
        of = Type(folder, path.name.removesuffix(".struct.json"))
        files = [str(file) for file in (lake / "data" / of.name).rglob("*.parquet")]
        if not files:
            continue
        with tempfile.NamedTemporaryFile(suffix=".ndjson") as out:
            rows = f"from read_parquet({files!r}, hive_partitioning = false, union_by_name = true) using sample {PER_TABLE}"
            duckdb.sql(f"copy ({rows}) to '{out.name}' (format json)")
            for line in Path(out.name).read_text().splitlines():
                looked += 1
                if wrong := of.wrong(json.loads(line)):
                    sys.exit(f"a row of {of.name}: {wrong}")
    print(f"  schemas: {looked} rows of all tables are as they say")


def main(schemas: str, lake: str, odd: str, samples: str) -> None:
    folder = Path(schemas, "dexcom")
    names = sorted(path.name.removesuffix(".struct.json") for path in folder.glob("*.struct.json"))
    types = {name: Type(folder, name) for name in names}
    check_examples(folder, types)
    check_log(Path(lake, "raw"), types)
    check_files(Path(odd), types)
    check_rows(Path(schemas, "lake"), Path(lake))
    if not Path(samples).is_dir():
        print(f"  schemas: no samples of Dexcom's in {samples}")
        return
    for file, name in SAMPLES.items():
        if wrong := types[name].wrong(json.loads(Path(samples, file).read_text())):
            sys.exit(f"{file}: {wrong}")
    print(f"  schemas: {len(SAMPLES)} samples of Dexcom's are as they say")


main(*sys.argv[1:])
