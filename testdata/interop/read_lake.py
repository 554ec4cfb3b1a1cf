"""Three strangers read one lake: every table must give equal rows and the
documented schema to DuckDB, pyarrow and Polars, the published DuckDB file must
open with its views, and table requests must name the answers of the raw log.

    read_lake.py LAKE
"""

import csv
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

from read_raw import answers

DOCUMENTED = {
    "varchar": pa.string(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "smallint": pa.int16(),
    "smallint[]": pa.list_(pa.int16()),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
}

UNPUBLISHED = {"event_notes", "connection_accounts", "connection_ranges"}  # they have no files in a snapshot


def documented_schemas(latest: Path) -> dict[str, pa.Schema]:
    """Table name to schema, from codebook.csv; only tables say what is nullable."""
    fields: dict[str, list[pa.Field]] = {}
    with open(latest / "codebook.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["nullable"] and row["table"] not in UNPUBLISHED:
                fields.setdefault(row["table"], []).append(pa.field(row["column"], DOCUMENTED[row["type"]]))
    return {name: pa.schema(columns) for name, columns in fields.items()}


def files(latest: Path, table: str) -> list[str]:
    found = sorted(str(path) for path in (latest / table).rglob("*.parquet"))
    if not found:
        sys.exit(f"{table}: no file, not even an empty one")
    return found


def canonical(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The same rows with the documented types, in one order. Rows with a list have a key."""
    table = table.select(schema.names).cast(schema)
    return table.sort_by([(field.name, "ascending") for field in schema if not pa.types.is_list(field.type)]).combine_chunks()


def with_duckdb(paths: list[str]) -> pa.Table:
    return duckdb.sql(f"select * from read_parquet({paths!r}, hive_partitioning = false)").to_arrow_table()


def with_pyarrow(paths: list[str]) -> pa.Table:
    return pa.concat_tables([pq.ParquetFile(path, page_checksum_verification=True).read() for path in paths])


def with_polars(paths: list[str]) -> pa.Table:
    return polars.read_parquet(paths, hive_partitioning=False).to_arrow()


def check_table(latest: Path, name: str, schema: pa.Schema) -> int:
    paths = files(latest, name)
    stored = pq.read_schema(paths[0]).remove_metadata()
    if [(f.name, f.type) for f in stored] != [(f.name, f.type) for f in schema]:
        sys.exit(f"{name}: stored schema\n{stored}\nis not the documented one\n{schema}")
    expected = canonical(with_pyarrow(paths), schema)
    for reader, read in {"duckdb": with_duckdb, "polars": with_polars}.items():
        seen = canonical(read(paths), schema)
        if not seen.equals(expected):
            sys.exit(f"{name}: {reader} sees {seen.num_rows} rows that differ from pyarrow's {expected.num_rows}")
    return expected.num_rows


def check_views(latest: Path) -> None:
    with duckdb.connect(str(latest / "dexetl.duckdb"), read_only=True) as lake:
        names = lake.execute("select schema_name, view_name from duckdb_views() where not internal order by all").fetchall()
        for schema, name in names:
            rows = lake.sql(f'from "{schema}"."{name}"').to_arrow_table().num_rows  # every column computed
            print(f"  view {name:<22} {rows:>9} rows")
        if ("main", "participant_metrics") not in names:
            sys.exit("dexetl.duckdb has no participant_metrics")


def check_requests(latest: Path, raw: Path) -> None:
    logged = [(header["request_id"], header["sha256"], position) for position, header, _ in answers(raw)]
    named = with_pyarrow(files(latest, "requests")).select(["request_id", "sha256", "log_position"])
    if sorted(logged) != sorted(zip(*(column.to_pylist() for column in named.columns))):
        sys.exit(f"table requests has {named.num_rows} rows that are not the {len(logged)} answers of the raw log")
    print(f"  raw log: {len(logged)} answers, every checksum matches, each is a row of requests")


def main() -> None:
    latest = Path(sys.argv[1], "latest").resolve()
    schemas = documented_schemas(latest)
    if sorted(schemas) != sorted(path.name for path in latest.iterdir() if path.is_dir() and not path.name.startswith(".")):
        sys.exit(f"codebook.csv and the folders of {latest} differ")
    for name, schema in schemas.items():
        print(f"  table {name:<21} {check_table(latest, name, schema):>9} rows, three readers agree")
    check_views(latest)
    check_requests(latest, Path(sys.argv[1], "raw"))
    print(f"duckdb {duckdb.__version__}, pyarrow {pa.__version__}, polars {polars.__version__}: equal rows in {len(schemas)} tables")


main()
