"""Lands egvs as one would with DuckDB: QUESTIONS DIR THREADS."""

import csv
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import local

import duckdb
import requests

questions, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
thread = local()
os.makedirs(folder + "/raw")


def ask(numbered):
    number, question = numbered
    if not hasattr(thread, "session"):
        thread.session = requests.Session()
    answer = thread.session.get(
        question["url"], headers={"Authorization": "Bearer " + question["access_token"], "Accept-Encoding": "identity"}
    )
    answer.raise_for_status()
    with open(f"{folder}/raw/{number:06}-{question['participant_id']}.json", "wb") as body:
        body.write(answer.content)


with open(questions) as file, ThreadPoolExecutor(threads) as pool:
    list(pool.map(ask, enumerate(csv.DictReader(file))))
db = duckdb.connect(folder + "/egvs.duckdb")
(rows,) = db.execute(
    f"""
    copy (
        with answers as (
            select regexp_extract(filename, '-([^/]+)\\.json$', 1) as participantId, filename, unnest(records) as r
            from read_json('{folder}/raw/*.json', filename = true, maximum_object_size = 268435456, columns = {{records: 'struct(
                recordId varchar, systemTime timestamptz, displayTime varchar, transmitterId varchar, transmitterTicks bigint,
                value smallint, status varchar, trend varchar, trendRate double, unit varchar, rateUnit varchar, displayApp varchar,
                transmitterGeneration varchar, transmitterGenerationVariant varchar, displayDevice varchar)[]'}})
        )
        select participantId, unnest(r), strftime(r.systemTime, '%Y-%m') as month
        from answers
        qualify row_number() over (partition by participantId, r.recordId order by filename desc) = 1
        order by participantId, r.systemTime
    ) to '{folder}/egvs' (format parquet, compression zstd, partition_by (month))
    """
).fetchone()
print(json.dumps({"rows": rows}))
