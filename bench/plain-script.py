"""What somebody would write in an hour: asks one request after another, and stores each answer before it asks the next.

Arguments: pandas | upserts, the address of the answers, how many, the address of the database. Prints JSON.
"""
import json
import sys
import time
import urllib.request

import pandas as pd
import psycopg2
from psycopg2.extras import execute_values
from sqlalchemy import create_engine

how, answers, count, database = sys.argv[1:5]


def ask(number):
    with urllib.request.urlopen(f"{answers}/{number}") as reply:
        return json.load(reply) or []


def values_of(entries):
    for entry in entries:
        for window in entry.get("endPoints") or []:
            for item in window["data"]:
                if item["value"] != "":
                    yield entry["token"], entry["timeType"], window["startTime"], item["endpoint"], float(item["value"])


names = ["token", "granularity", "time", "metric", "value"]
connection = psycopg2.connect(database)
engine = create_engine("postgresql+psycopg2://", creator=lambda: connection)
with connection.cursor() as cursor:
    cursor.execute("drop table if exists plain_appended, plain_upserted")
    cursor.execute(
        "create table plain_upserted (token text, granularity text, time timestamp, metric text, value float8, "
        "primary key (granularity, token, metric, time))"
    )
connection.commit()


def append(rows):
    frame = pd.DataFrame(rows, columns=names)
    frame["time"] = pd.to_datetime(frame["time"])
    wide = frame.pivot(index=["granularity", "token", "time"], columns="metric", values="value").reset_index()
    wide.to_sql("plain_appended", engine, if_exists="append", index=False)


def upsert(rows):
    with connection.cursor() as cursor:
        execute_values(
            cursor,
            "insert into plain_upserted (token, granularity, time, metric, value) values %s "
            "on conflict (granularity, token, metric, time) do update set value = excluded.value",
            rows,
        )
    connection.commit()


store = append if how == "pandas" else upsert
stored = 0
started = time.monotonic()
for number in range(int(count)):
    rows = list(values_of(ask(number)))
    if rows:
        store(rows)
        stored += len(rows)
print(json.dumps({"values": stored, "seconds": time.monotonic() - started}))
