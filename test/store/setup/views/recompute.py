"""Computes the views anew from the tables, by what docs/metrics.md and the views' comments say, and compares every row.

Usage: recompute.py ADDRESS ZONE... Prints JSON: {zone: {view: {"rows": n, "differences": [text, ...]}}}. The session has
each of the zones in turn, within one transaction, so that all of it is about the same instant.
"""

import json
import sys
from datetime import datetime
from functools import cache

import numpy as np
import pandas as pd
import psycopg2

MINUTE, HOUR, DAY = pd.Timedelta(minutes=1), pd.Timedelta(hours=1), pd.Timedelta(hours=24)
LENGTHS = {"15m": 15 * MINUTE, "1h": HOUR, "4h": 4 * HOUR, "1d": DAY}
BEIJING = "Asia/Shanghai"
NOTHING = float("nan")


def in_utc(values):
    return pd.to_datetime(values, utc=True)


class Tables:
    """What the tables hold, with all instants in UTC."""

    def __init__(self, cursor):
        self.cursor = cursor
        self.now = in_utc(self.read("select now()").iloc[0, 0])
        self.values = {granularity: self._read_values(granularity) for granularity in LENGTHS}
        self.coverage = self.read(
            "select granularity, token, metric, lower(part) as start, upper(part) as until"
            " from cryptoracle.coverage, unnest(answered) as part"
        )
        for column in ("start", "until"):
            self.coverage[column] = in_utc(self.coverage[column])
        self.catalog = self.read("select code, versions from cryptoracle.metric_catalog").set_index("code")
        self.refused = set(self.read("select metric from cryptoracle.entitlements").metric)
        self.tags = self.read("select * from cryptoracle.token_tags order by token, tag, first_day")
        self.tag_catalog = self.read("select * from cryptoracle.tag_catalog").set_index("code")
        self.listed = list(self.read("select token from cryptoracle.tokens where listed").token)
        day_start = self.read("select value from cryptoracle.facts where name = 'day_start'").value
        self.day_start = pd.Timedelta(hours=int((list(day_start) or ["08:00"])[0][:2]))
        self.wanted = {row.granularity: self._wish(row) for row in self._read_wanted().itertuples()}

    def read(self, statement):
        self.cursor.execute(statement)
        return pd.DataFrame(self.cursor.fetchall(), columns=[each[0] for each in self.cursor.description], dtype=object)

    def _read_values(self, granularity):
        found = self.read(f"select * from cryptoracle.metrics_{granularity} order by token, time")
        for column in ("time", "first_seen_at", "updated_at"):
            found[column] = in_utc(found[column])
        return found.astype({"net_sentiment": float, "mention_count": float})

    def _read_wanted(self):
        return self.read(
            "select *, extract(epoch from settle_delay)::float8 as settle, extract(epoch from keep)::float8 as kept"
            " from cryptoracle.wanted"
        )

    def _wish(self, row):
        start = in_utc(row.history_start)
        if row.kept is not None:
            start = max(start, self.now - pd.Timedelta(seconds=row.kept))
        return {
            "start": start,
            "settle": pd.Timedelta(seconds=row.settle),
            "tokens": self.listed if row.tokens is None else row.tokens,
            "metrics": [code for code in row.metrics if row.api_version in (None, *self.catalog.versions[code])],
            "lookback": 4 if row.lookback_windows is None else row.lookback_windows,
        }

    def newest_due(self, granularity, later=pd.Timedelta(0)):
        """Start of the newest window that has been due for so long."""
        origin = pd.Timestamp("2024-12-31T16:00Z") + (self.day_start if granularity == "1d" else pd.Timedelta(0))
        until = self.now - self.wanted[granularity]["settle"] - later
        return origin + ((until - origin) // LENGTHS[granularity] - 1) * LENGTHS[granularity]

    def windows_behind(self, granularity, newest):
        return max(0, (self.newest_due(granularity) - newest) // LENGTHS[granularity])


@cache
def latest(tables):
    parts = []
    for granularity, values in tables.values.items():
        recent = values[values.time >= values.time.max() - 30 * DAY]
        newest = recent.loc[recent.groupby("token").time.idxmax()].copy()
        newest["granularity"], newest["window_end"] = granularity, newest.time + LENGTHS[granularity]
        wish = tables.wanted[granularity]
        asked_again = max(3 * DAY, wish["settle"] + (wish["lookback"] + 1) * LENGTHS[granularity])
        newest["is_final"] = newest.time + asked_again <= tables.now
        parts.append(newest)
    return pd.concat(parts)


def movers(tables):
    parts = []
    measured = ["mention_count", "net_sentiment"]
    for granularity, newest in latest(tables).groupby("granularity"):
        values = tables.values[granularity]
        newest = newest[newest.time >= values.time.max() - DAY][["granularity", "time", "window_end", "token", *measured]]
        before = values[["token", "time", *measured]].assign(time=values.time + DAY)
        found = newest.merge(before, on=["token", "time"], how="left", suffixes=("", "_before"))
        found["mention_change"] = found.mention_count - found.mention_count_before
        found["mention_change_ratio"] = found.mention_change / found.mention_count_before.replace(0, NOTHING)
        found["sentiment_change"] = (found.net_sentiment - found.net_sentiment_before).round(12)
        for name in ("mention", "sentiment"):
            found[f"{name}_place"] = found[f"{name}_change"].abs().rank(method="min", ascending=False)
        parts.append(found)
    return pd.concat(parts)


def yardstick(values):
    """Mean, deviation and number of the windows before, and whether a z-score can be told by them."""
    known = values.dropna()
    alike = known.nunique() < 2
    deviation = NOTHING if len(known) < 2 else 0.0 if alike else known.std(ddof=1)
    return known.mean(), deviation, len(known), len(known) >= 10 and not alike


@cache
def sentiment_zscore_history(tables):
    parts = []
    for granularity, values in tables.values.items():
        found = values[["token", "time", "net_sentiment"]].copy()
        found["window_end"] = found.time + LENGTHS[granularity]
        found["granularity"] = granularity
        found["day"] = found.time.dt.tz_convert(BEIJING).dt.tz_localize(None).dt.normalize()
        for _, of_token in found.groupby("token"):
            for day, of_day in of_token.groupby("day"):
                past = of_token[(of_token.day >= day - pd.Timedelta(days=30)) & (of_token.day < day)]
                mean, deviation, windows, can_tell = yardstick(past.net_sentiment)
                zscore = (of_day.net_sentiment - mean) / deviation if can_tell else NOTHING
                parts.append(of_day.assign(mean_30d=mean, stddev_30d=deviation, windows_30d=windows, zscore=zscore))
    return pd.concat(parts).dropna(subset=["net_sentiment"]).drop(columns="day")


def sentiment_zscore(tables):
    newest = latest(tables)[["granularity", "token", "time"]]
    return sentiment_zscore_history(tables).merge(newest, on=["granularity", "token", "time"])


def counts(tables, granularity):
    """The window whose tokens are counted, how many have a row in it, and in how many that is usual."""
    values = tables.values[granularity]
    wanted = values[values.token.isin(tables.wanted[granularity]["tokens"])].groupby("time").token.nunique()
    window = tables.newest_due(granularity, 10 * MINUTE)
    earlier = [window - days * DAY for days in range(1, 15)]
    usual = sorted(wanted[each] for each in earlier if each in wanted)
    found = {"counted_window": window, "counted_tokens": wanted.get(window, 0)}
    if len(usual) < 3:
        return {**found, "usual_tokens": None, "is_quiet": None}
    median = usual[(len(usual) - 1) // 2]
    return {**found, "usual_tokens": median, "is_quiet": bool(found["counted_tokens"] < 0.8 * median)}


def freshness(tables):
    rows = []
    for granularity in tables.wanted:
        values, length = tables.values[granularity], LENGTHS[granularity]
        row = {"granularity": granularity, **counts(tables, granularity)}
        newest = values.time.max()
        within, age = values[values.time == newest], tables.now - newest - length
        answered = tables.coverage[tables.coverage.granularity == granularity].until.max()
        row.update(newest_window=newest, newest_window_end=newest + length, tokens=within.token.nunique())
        row.update(stored_at=within.first_seen_at.min(), answered_until=answered)
        row.update(seconds_behind=age.total_seconds(), windows_behind=tables.windows_behind(granularity, newest))
        rows.append({**row, "is_late": newest < tables.newest_due(granularity, 30 * MINUTE) or bool(row["is_quiet"])})
    return pd.DataFrame(rows)


def token_freshness(tables):
    rows = []
    for granularity, wish in tables.wanted.items():
        length = LENGTHS[granularity]
        for token in wish["tokens"]:
            row = {"granularity": granularity, "token": token, "is_late": None}
            values = tables.values[granularity]
            values = values[values.token == token]
            if len(values) > 0:
                newest = values.iloc[-1]
                first = max(values.time.iloc[0], newest.time + length - 14 * DAY)
                behind = tables.windows_behind(granularity, newest.time)
                share = (values.time >= first).sum() / ((newest.time + length - first) / length)
                row.update(newest_window=newest.time, newest_window_end=newest.time + length, stored_at=newest.first_seen_at)
                row.update(windows_behind=behind, usual_share=share, is_late=behind > 2 and share >= 0.9)
            rows.append(row)
    return pd.DataFrame(rows)


def due_windows(tables, granularity):
    """Starts of the windows that are due, of whole Beijing days that are wanted, since the first that was answered."""
    start = tables.wanted[granularity]["start"].tz_convert(BEIJING)
    first = max(start.ceil("D"), tables.coverage.start.min().tz_convert(BEIJING).floor("D"))
    offset = tables.day_start if granularity == "1d" else pd.Timedelta(0)
    return pd.date_range(first.tz_convert("UTC") + offset, tables.newest_due(granularity), freq=LENGTHS[granularity])


def is_answered(windows, length, parts):
    answered = np.zeros(len(windows), dtype=int)
    for part in parts.itertuples():
        answered |= (windows >= part.start) & (windows + length <= part.until)
    return answered


def coverage_daily(tables):
    """For tokens that have values of the granularity: of others days are there only where they were answered in full."""
    rows = []
    for granularity, wish in tables.wanted.items():
        windows = due_windows(tables, granularity)
        days = windows.tz_convert(BEIJING).date
        served = tables.coverage.metric.isin(set(wish["metrics"]) - tables.refused)
        asked = tables.coverage[served & (tables.coverage.granularity == granularity)]
        for token, of_token in asked[asked.token.isin(wish["tokens"])].groupby("token"):
            metrics = [is_answered(windows, LENGTHS[granularity], parts) for _, parts in of_token.groupby("metric")]
            by_day = pd.Series(sum(metrics), index=days).groupby(level=0).agg(["size", "sum"])
            has_windows = (tables.values[granularity].token == token).any()
            for day, due, answered in by_day.itertuples():
                row = {"day": day, "granularity": granularity, "token": token, "windows": due, "metrics": len(metrics)}
                expected = due * len(metrics)
                if has_windows or answered == expected:
                    rows.append({**row, "expected": expected, "answered": answered, "answered_ratio": answered / expected})
    return pd.DataFrame(rows)


def token_tag_history(tables):
    rows = []
    for (token, code), labels in tables.tags.groupby(["token", "tag"]):
        held = []
        for label in labels.itertuples():
            if held and held[-1]["value"] == label.value:
                held[-1]["last_seen"] = max(held[-1]["last_seen"], label.last_day)
                continue
            if held:
                held[-1]["valid_to"] = label.first_day
            about = {"tag": tables.tag_catalog.name[code], "subject": tables.tag_catalog.subject[code]}
            held.append({"token": token, "code": code, **about, "value": label.value})
            held[-1].update(valid_from=label.first_day, valid_to=None, last_seen=label.last_day)
        rows += held
    return pd.DataFrame(rows)


def token_tags_current(tables):
    history = token_tag_history(tables)
    return history[history.valid_to.isna()].drop(columns="valid_to").rename(columns={"valid_from": "since"})


VIEWS = {
    latest: ["granularity", "token"],
    movers: ["granularity", "token"],
    sentiment_zscore: ["granularity", "token"],
    sentiment_zscore_history: ["granularity", "token", "time"],
    freshness: ["granularity"],
    token_freshness: ["granularity", "token"],
    coverage_daily: ["day", "granularity", "token"],
    token_tag_history: ["token", "code", "valid_from"],
    token_tags_current: ["token", "code"],
}


def plain(value):
    """A value in a form in which equal ones are equal: no zones, no kinds of nothing, no kinds of number."""
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if value is None or value != value or value is pd.NaT:
        return None
    if isinstance(value, (int, float, np.number, np.bool_)):
        return float(value)
    return value.timestamp() if isinstance(value, datetime) else str(value)


def is_same(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-9 * max(1, abs(one))
    return one == other


def by_key(rows, key):
    found = [{column: plain(value) for column, value in row.items()} for row in rows.to_dict("records")]
    return {tuple(row[column] for column in key): row for row in found}


def differences(expected, seen, key):
    """Keys that one side lacks, and cells that differ. A column that is not computed here is a difference, too."""
    found = [f"not computed: {column}" for column in set(seen.columns) - set(expected.columns)]
    ours, theirs = by_key(expected, key), by_key(seen, key)
    found += [f"more than one row for some {key}"] * (len(theirs) != len(seen))
    found += [f"missing: {each}" for each in ours.keys() - theirs.keys()]
    found += [f"not expected: {each}" for each in theirs.keys() - ours.keys()]
    for each in ours.keys() & theirs.keys():
        for column in set(expected.columns) & set(seen.columns):
            if not is_same(ours[each][column], theirs[each][column]):
                found.append(f"{each} {column}: expected {ours[each][column]}, seen {theirs[each][column]}")
    return found


def main(address, zones):
    connection = psycopg2.connect(address)
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    cursor = connection.cursor()
    tables = Tables(cursor)
    expected = {view.__name__: (view(tables), key) for view, key in VIEWS.items()}
    report = {}
    for zone in zones:
        cursor.execute("select set_config('TimeZone', %s, true)", (zone,))
        report[zone] = {}
        for name, (rows, key) in expected.items():
            seen = tables.read(f"select * from cryptoracle.{name}")
            report[zone][name] = {"rows": len(seen), "differences": differences(rows, seen, key)}
    print(json.dumps(report))


main(sys.argv[1], sys.argv[2:])
