"""The schemas of Dexcom's types hold for others, too: every document is valid in
its dialect, every example and every answer of a study's raw log is what its
schema says, and wrong documents are refused. Samples that Dexcom publishes are
checked where they are at hand.

    read_schemas.py SCHEMAS LAKE/raw [SAMPLES]

json-structure does not look at an enum behind a reference, so values out of an
enum are for jsonschema alone.
"""

import json
import sys
from pathlib import Path

from json_structure import InstanceValidator, SchemaValidator
from jsonschema import Draft202012Validator

from read_raw import answers

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


def check_answers(raw: Path, types: dict[str, Type]) -> None:
    looked = refused = 0
    for position, header, body in answers(raw):
        if body is None or not 200 <= header["status"] < 300 or not body.strip():
            continue
        answer, of = json.loads(body), types[type_of(header["resource"])]
        records = answer.get("records")
        if records is None:
            records, alone = [answer], lambda one: one
        else:
            records, alone = records[:: max(1, len(records) // PER_ANSWER)], lambda one: answer | {"records": [one]}
        for record in records:
            looked += 1
            if wrong := of.wrong(alone(record)):
                refused += 1
                print(f"  {position}: {wrong}"[:200])
    print(f"  answers: {looked} records of the raw log, of which {refused} are not by their schema")


def main(folder: str, raw: str, samples: str = "") -> None:
    folder = Path(folder)
    types = {path.name.removesuffix(".struct.json"): None for path in sorted(folder.glob("*.struct.json"))}
    types = {name: Type(folder, name) for name in types}
    check_examples(folder, types)
    check_answers(Path(raw), types)
    for file, name in SAMPLES.items() if samples and Path(samples).is_dir() else ():
        if wrong := types[name].wrong(json.loads(Path(samples, file).read_text())):
            sys.exit(f"{file}: {wrong}")


main(*sys.argv[1:])
