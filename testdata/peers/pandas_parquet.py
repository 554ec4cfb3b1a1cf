"""Lands egvs as one would with pandas: QUESTIONS DIR THREADS."""

import csv
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import local

import pandas as pd
import requests

questions, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
thread = local()


def ask(question):
    if not hasattr(thread, "session"):
        thread.session = requests.Session()
    answer = thread.session.get(
        question["url"], headers={"Authorization": "Bearer " + question["access_token"], "Accept-Encoding": "identity"}
    )
    answer.raise_for_status()
    rows = pd.json_normalize(answer.json()["records"])
    rows.insert(0, "participantId", question["participant_id"])
    return rows


with open(questions) as file, ThreadPoolExecutor(threads) as pool:
    frames = [rows for rows in pool.map(ask, csv.DictReader(file)) if len(rows)]
egvs = pd.concat(frames, ignore_index=True).drop_duplicates(["participantId", "recordId"], keep="last")
egvs["systemTime"] = pd.to_datetime(egvs["systemTime"], format="ISO8601", utc=True)
egvs["month"] = egvs["systemTime"].dt.strftime("%Y-%m")
egvs = egvs.sort_values(["participantId", "systemTime"])
egvs.to_parquet(folder, partition_cols=["month"], index=False, compression="zstd")
print(json.dumps({"rows": len(egvs)}))
