"""Strangers read what dexetl export writes: DuckDB, pyarrow and Python's csv see the
same rows in every format, and those are the rows of the lake; and a de-identified
export has nothing that the lake has of who it was and when.

    read_export.py LAKE EXPORTS NAMES

EXPORTS has the folders duckdb, parquet and csv, and deid-duckdb, deid-parquet and
deid-csv, which move times; NAMES is what dexetl export names --json prints.
"""

import csv
import datetime
import hashlib
import json
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FORMATS = ["duckdb", "parquet", "csv"]


def report(folder: Path) -> dict:
    return json.loads((folder / "export.json").read_text())


def codebook(folder: Path) -> dict[str, dict[str, str]]:
    """Table to column to type."""
    tables: dict[str, dict[str, str]] = {}
    with open(folder / "codebook.csv", newline="") as file:
        for row in csv.DictReader(file):
            columns = tables.setdefault(row["table"], {})
            if row["column"]:
                columns[row["column"]] = row["type"]
    return tables


def read(folder: Path, name: str, types: dict[str, str]) -> pa.Table:
    """All rows of a table, in one order."""
    match report(folder)["format"]:
        case "duckdb":
            with duckdb.connect(str(folder / "study.duckdb"), read_only=True) as db:
                table = db.sql(f'from "{name}"').to_arrow_table()
        case "parquet":
            table = pq.ParquetFile(folder / f"{name}.parquet", page_checksum_verification=True).read()
        case "csv":
            path = str(folder / f"{name}.csv")
            with open(path, newline="") as file:
                header = next(csv.reader(file))
            if header != list(types):
                sys.exit(f"{path}: columns {header}, documented {list(types)}")
            table = duckdb.sql(f"from read_csv('{path}', header = true, columns = {types!r}, allow_quoted_nulls = false)").to_arrow_table()
    if table.column_names != list(types):
        sys.exit(f"{folder}: {name} has {table.column_names}, documented {list(types)}")
    return table



def check_folder(folder: Path) -> None:
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ", 1)
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            sys.exit(f"{folder}: {name} is not what SHA256SUMS says")
    named = {t["table"] for t in report(folder)["tables"]}
    if named != set(codebook(folder)):
        sys.exit(f"{folder}: codebook.csv and export.json name other tables")
    for name, columns in codebook(folder).items():
        if list(json.loads((folder / "schemas" / f"{name}.json").read_text())["properties"]) != list(columns):
            sys.exit(f"{folder}: the schema of {name} has other columns than the codebook")


def check_comments(folder: Path) -> None:
    with duckdb.connect(str(folder / "study.duckdb"), read_only=True) as db:
        bare = db.execute("""select table_name, column_name from duckdb_columns()
            where not internal and comment is null and table_name not in ('codebook', 'export_documents')""").fetchall()
        if bare or db.execute("select count(*) from duckdb_views() where not internal").fetchone() != (0,):
            sys.exit(f"{folder}: columns without a comment {bare}, or views")
        documents = {name for (name,) in db.execute("select document from export_documents").fetchall()}
        if not {"README.md", "CITATION.txt", "export.json", "schemas/glucose.json"} <= documents:
            sys.exit(f"{folder}: export_documents has {documents}")


def check_equal(exports: Path, prefix: str) -> dict[str, pa.Table]:
    """The tables, which are equal in all formats."""
    folders = [exports / (prefix + f) for f in FORMATS]
    for folder in folders:
        check_folder(folder)
    check_comments(folders[0])
    tables = {}
    for name, types in codebook(folders[1]).items():
        seen = []
        for folder in folders:
            rows = read(folder, name, types)  # noqa: F841, DuckDB reads it
            columns = ", ".join(f'round("{c}", 9) as "{c}"' if t == "double" else f'"{c}"' for c, t in types.items())
            seen.append(duckdb.sql(f"select {columns} from rows order by all").to_arrow_table())
        if not all(len(s) == len(seen[0]) and duckdb_equal(s, seen[0]) for s in seen):
            sys.exit(f"{prefix}{name}: formats differ, {[s.num_rows for s in seen]} rows")
        tables[name] = read(folders[1], name, types)
        counts = {t["table"]: t["rows"] for t in report(folders[0])["tables"]}
        if counts[name] != seen[0].num_rows:
            sys.exit(f"{name}: {seen[0].num_rows} rows, export.json says {counts[name]}")
    return tables


def duckdb_equal(a: pa.Table, b: pa.Table) -> bool:
    return duckdb.sql("(from a except all from b) union all (from b except all from a)").limit(1).fetchall() == []


def check_lake(lake: Path, tables: dict[str, pa.Table]) -> None:
    for name, table in tables.items():
        paths = sorted(str(p) for p in (lake / "latest" / name).rglob("*.parquet"))
        if not paths:
            continue  # a view
        held = pa.concat_tables([pq.ParquetFile(p).read() for p in paths]).select(table.column_names)  # noqa: F841
        if not duckdb_equal(held, table):
            sys.exit(f"{name}: the export has other rows than the lake")


IDENTIFYING = ["participant_id", "record_id", "connection_id", "request_id", "transmitter_id", "account_hash", "content_hash", "run_id"]


def check_hidden(exports: Path, plain: dict[str, pa.Table], deid: dict[str, pa.Table], names: list[dict]) -> None:
    ids = set()
    for table in plain.values():
        for column in set(IDENTIFYING) & set(table.column_names):
            ids |= {v for v in table[column].to_pylist() if v and v != "*"}
    for table in deid.values():
        for field in table.schema:
            if pa.types.is_string(field.type) and ids & set(table[field.name].to_pylist()):
                sys.exit(f"de-identified {field.name} has ids of the study")
    begins = {i.encode()[:9] for i in ids if len(i) > 8}
    for path in (p for f in FORMATS for p in (exports / ("deid-" + f)).rglob("*") if p.is_file()):
        content = path.read_bytes()
        if found := begins & {content[i : i + 9] for i in range(len(content) - 8)}:
            sys.exit(f"{path} has {found}")
    moved = {n["participant_id"]: (n["name"], datetime.timedelta(weeks=n["weeks"])) for n in names}
    for name in ["glucose", "egvs", "events"]:
        time = "time_utc" if name == "glucose" else "system_time"
        was, now = by_person(plain[name], time), by_person(deid[name], time)
        if set(now) != {moved[p][0] for p in was} or any(weeks == datetime.timedelta() for _, weeks in moved.values()):
            sys.exit(f"{name}: other people than export names tells, or somebody whose times stand")
        for person, rows in was.items():
            if now[moved[person][0]] != [(at - moved[person][1], *rest) for at, *rest in rows]:
                sys.exit(f"{name}: {person} has other rows than the lake, moved")


def by_person(table: pa.Table, time: str) -> dict[str, list[tuple]]:
    value = "value" if "value" in table.column_names else "glucose_mgdl"
    present = table.filter(pc.is_null(table["vanished_at"])) if "vanished_at" in table.column_names else table
    rows: dict[str, list[tuple]] = {}
    for person, at, v in zip(*(present[c].to_pylist() for c in ("participant_id", time, value))):
        rows.setdefault(person, []).append((at, v))
    return {person: sorted(of, key=lambda row: (row[0], str(row[1]))) for person, of in rows.items()}


def main() -> None:
    lake, exports, names = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())["rows"]
    plain = check_equal(exports, "")
    check_lake(lake, plain)
    print(f"  export: {len(plain)} tables, equal in {', '.join(FORMATS)} and the lake")
    deid = check_equal(exports, "deid-")
    check_hidden(exports, plain, deid, names)
    print(f"  de-identified: {len(deid)} tables with no id of the study, {len(names)} people moved by whole weeks")


main()
