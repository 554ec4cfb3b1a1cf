"""Holds samples that a client got over the API against the Parquet files of the lake.

    parquet.py STUDY PARTICIPANT KIND < samples.json    adds the kind and how many to the file COMPARED
    parquet.py < COMPARED                               whether samples of every kind were compared

Glucose of the API is mg/dL / 18.01559, rounded to four digits. All else must be equal.
"""

import json
import os
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import duckdb

ENTERED = "vanished_at is null and event_status is distinct from 'deleted'"
EVENTS = """select system_time as at, utc_offset_min * 60 as "offset", value, event_subtype from events
where participant_id = $person and event_type = '{type}' and value is not null and """ + ENTERED
QUERIES = {
    "glucose": """select time_utc as at, date_diff('second', time_utc, local_time) as "offset", round(glucose_mgdl / 18.01559, 4) as value, null
from glucose where participant_id = $person and glucose_mgdl is not null""",
    "insulin_injection": EVENTS.format(type="insulin"),
    "carbohydrates": EVENTS.format(type="carbs"),
    "workout_duration": EVENTS.format(type="exercise"),
    "note": f"""select system_time as at, utc_offset_min * 60 as "offset", note as value, null
from (select * from events where {ENTERED}) as events join (select record_id, note from event_notes where vanished_at is null) using (record_id)
where participant_id = $person""",
}
UNITS = {"glucose": "mmol/L", "insulin_injection": "unit", "carbohydrates": "grams", "workout_duration": "min", "note": ""}
SUBTYPES = {"fastActing": "rapid_acting", "longActing": "long_acting", "light": "low", "medium": "medium", "heavy": "high", None: None}  # the files' words, and Vital's


def files(lake, table):
    """Those of the newest manifest: notes are in no snapshot's folder."""
    manifest = json.loads(max((lake / "manifests").glob("*.json")).read_text())
    return [str(lake / file["path"]) for file in manifest["files"] if file["table"] == table]


def rows_of(study, person, kind):
    db = duckdb.connect()
    for table in ("glucose", "events", "event_notes"):
        db.from_parquet(files(Path(study) / "lake", table)).create_view(table)
    rows = db.execute(QUERIES[kind], {"person": person}).fetchall()
    return sorted((at.replace(tzinfo=timezone.utc).isoformat(), offset, value, SUBTYPES[subtype]) for at, offset, value, subtype in rows)


def row_of(kind, sample):
    at = datetime.fromisoformat(sample["timestamp"].replace("Z", "+00:00")).astimezone(timezone.utc)
    subtype = sample["type"] if kind == "insulin_injection" else sample.get("intensity")
    return at.isoformat(), sample["timezone_offset"], sample["value"], subtype


def compare(study, person, kind, samples):
    """Raises where the samples are not what stands in the files."""
    wanted, got = rows_of(study, person, kind), sorted(row_of(kind, s) for s in samples)
    assert {s["unit"] for s in samples} <= {UNITS[kind]}, {s["unit"] for s in samples}
    assert got == wanted, f"{kind} of {person}: {len(got)} samples, {len(wanted)} rows; different: {sorted(set(got) ^ set(wanted), key=str)[:4]}"
    with open(os.environ["COMPARED"], "a") as lines:
        print(kind, len(wanted), file=lines)


def all_kinds(lines):
    """Raises where no client of any participant had a sample of a kind: people write few notes."""
    held = Counter()
    for line in lines:
        kind, count = line.split()
        held[kind] += int(count)
    missing = [kind for kind in QUERIES if not held[kind]]
    assert not missing, f"nobody has {' or '.join(missing)}"
    print("compared with the files:", ", ".join(f"{held[kind]} {kind}" for kind in QUERIES))


if __name__ == "__main__":
    if sys.argv[1:]:
        compare(*sys.argv[1:4], json.load(sys.stdin))
    else:
        all_kinds(sys.stdin)
