"""Holds samples that a client got over the API against the Parquet files of the lake.

    parquet.py STUDY PARTICIPANT KIND < samples.json

Glucose of the API is mg/dL / 18.01559, rounded to four digits. All else must be equal.
"""

import json
import sys
from datetime import datetime, timezone

import duckdb

EVENTS = """select system_time as at, utc_offset_min * 60 as "offset", value, event_subtype from read_parquet('{lake}/data/events/**/*.parquet', hive_partitioning = false)
where participant_id = $person and event_type = '{kind}' and vanished_at is null and event_status is distinct from 'deleted' and value is not null"""
QUERIES = {
    "glucose": """select time_utc as at, date_diff('second', time_utc, local_time) as "offset", round(glucose_mgdl / 18.01559, 4) as value, null
from read_parquet('{lake}/latest/glucose/**/*.parquet', hive_partitioning = false) where participant_id = $person and glucose_mgdl is not null""",
    "insulin_injection": EVENTS.replace("{kind}", "insulin").replace("/data/", "/latest/"),
    "carbohydrates": EVENTS.replace("{kind}", "carbs").replace("/data/", "/latest/"),
    "workout_duration": EVENTS.replace("{kind}", "exercise").replace("/data/", "/latest/"),
    "note": """select n.system_time as at, e.utc_offset_min * 60 as "offset", n.note as value, null
from read_parquet('{lake}/data/event_notes/**/*.parquet', hive_partitioning = false) as n
join read_parquet('{lake}/latest/events/**/*.parquet', hive_partitioning = false) as e using (participant_id, record_id)
where n.participant_id = $person and n.vanished_at is null and e.vanished_at is null""",
}
UNITS = {"glucose": "mmol/L", "insulin_injection": "unit", "carbohydrates": "grams", "workout_duration": "min", "note": ""}
SUBTYPES = {"fastActing": "rapid_acting", "longActing": "long_acting", "light": "low", "medium": "medium", "heavy": "high", None: None}
"""Our files' words to Vital's."""


def rows_of(study, person, kind):
    query = QUERIES[kind].format(lake=f"{study}/lake")
    rows = duckdb.execute(query, {"person": person}).fetchall()
    return sorted((at.replace(tzinfo=timezone.utc).isoformat(), offset, value, SUBTYPES[subtype]) for at, offset, value, subtype in rows)


def row_of(kind, sample):
    at = datetime.fromisoformat(sample["timestamp"].replace("Z", "+00:00")).astimezone(timezone.utc)
    subtype = sample["type"] if kind == "insulin_injection" else sample.get("intensity")
    return at.isoformat(), sample["timezone_offset"], sample["value"], subtype


def compare(study, person, kind, samples):
    """Raises where the samples are not what stands in the files."""
    wanted, got = rows_of(study, person, kind), sorted(row_of(kind, s) for s in samples)
    assert {s["unit"] for s in samples} <= {UNITS[kind]}, {s["unit"] for s in samples}
    assert wanted, f"the lake has no {kind} of {person}"
    assert got == wanted, f"{kind} of {person}: {len(got)} samples, {len(wanted)} rows; different: {sorted(set(got) ^ set(wanted), key=str)[:4]}"


if __name__ == "__main__":
    compare(*sys.argv[1:4], json.load(sys.stdin))
