"""Lands egvs as one would with dlt: QUESTIONS DIR THREADS FORMAT.

FORMAT is in which files it loads: parquet, or insert_values, as dlt does if it is not told.
"""

import csv
import json
import os
import sys

questions, folder, threads, file_format = sys.argv[1:5]
os.environ |= {
    "EXTRACT__WORKERS": threads,
    "NORMALIZE__WORKERS": "2",
    "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "100000",  # else one worker has one file
    "LOAD__WORKERS": threads,
    "DLT_DATA_DIR": folder,
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
}

import dlt  # noqa: E402
from dlt.sources.helpers import requests  # noqa: E402


def main():
    @dlt.resource(name="questions")
    def asked():
        with open(questions) as file:
            yield from csv.DictReader(file)

    @dlt.transformer(data_from=asked, name="egvs", primary_key=["participantId", "recordId"], write_disposition="merge", parallelized=True)
    def egvs(question):
        answer = requests.get(
            question["url"], headers={"Authorization": "Bearer " + question["access_token"], "Accept-Encoding": "identity"}
        )
        yield [{"participantId": question["participant_id"], **r} for r in answer.json()["records"]]

    pipeline = dlt.pipeline("peer", pipelines_dir=folder, destination=dlt.destinations.duckdb(folder + "/egvs.duckdb"), dataset_name="study")
    pipeline.run(asked | egvs, loader_file_format=file_format)
    with pipeline.sql_client() as sql:
        (rows,) = sql.execute_sql("select count(*) from egvs")[0]
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
