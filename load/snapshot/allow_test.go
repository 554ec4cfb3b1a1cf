package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// refused are statements that a session must not run.
func refused() []string {
	return []string{
		"from enable_logging()", "select * from enable_logging(storage = 'file', storage_path = 'x')", "from ENABLE_LOGGING()",
		`from "enable_logging"()`, "from system.main.enable_logging()", "from disable_logging()", "from truncate_duckdb_logs()",
		"from enable_profiling()", "from disable_profiling()", "from enable_peg_parser()", "from checkpoint()", "from force_checkpoint('memory')",
		"select (select * from (from enable_logging()))", "with x as (from enable_logging()) select 1", "with x as materialized (from enable_logging()) from x",
		"select * from glucose g, lateral (from enable_logging())", "select exists (from enable_logging())", "describe from enable_logging()",
		"summarize from enable_logging()", "select 1 union all from enable_logging()", "select 1 order by (select count(*) from enable_logging())",
		"select count(*) over (order by (select 1 from enable_logging()))", "select [x for x in [1] if exists (from enable_logging())]",
		"values ((select 1 from enable_logging()))", "(from glucose) semi join (from enable_logging()) on true",
		"with recursive r as (select 1 union all from enable_logging()) from r",
		"select 1 limit (select 1 from enable_logging())", "select 1 where 1 in (from enable_logging())",
		"select 1 qualify row_number() over () = (select 1 from enable_logging())", "select count(*) filter (exists (from enable_logging()))",
		"select case when true then (select 1 from enable_logging()) end", "from (pivot glucose on status in ('a') using count(*)), enable_logging()",
		"select write_log('x')", "select list_transform([1], lambda x: write_log('x'))", "select 'x'.write_log()", "select nextval('x')",
		"from query('select 1')", "from query_table('glucose')", "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
		"from read_text('/etc/passwd')", "from read_blob('/etc/passwd')", "from glob('/*')", "from sniff_csv('/etc/passwd')", "from read_csv('/etc/passwd')",
		"from read_json('/etc/passwd')", "from read_parquet('/x')", "from parquet_metadata('/x')", "from parquet_kv_metadata('/x')", "from read_duckdb('/x')",
		"from '/etc/passwd'", "from '/etc/passwd.csv'", "from 'https://example.org/x.parquet'", "select getenv('HOME')",
		"from duckdb_secrets()", "from which_secret('s3://x', 's3')", "from duckdb_settings()", "from duckdb_logs()", "from duckdb_temporary_files()",
		"from duckdb_extensions()", "from sql_auto_complete('sel')", "from test_all_types()", "from arrow_scan(1, 2, 3)", "from seq_scan()",
		"copy glucose to 'x.csv'", "copy (select 1) to '/dev/stdout'", "attach 'x.db'", "attach ':memory:' as m", "install httpfs", "load httpfs",
		"pragma enable_profiling", "pragma enable_logging", "pragma show_tables", "pragma database_list", "pragma version", "set threads = 1", "set variable x = 1",
		"reset threads", "call enable_logging()", "call range(3)", "explain select 1", "explain analyze select 1", "checkpoint", "force checkpoint",
		"prepare x as select 1", "execute x", "deallocate x", "begin", "commit", "rollback", "create table t (a int)", "create macro m() as 1", "use main",
		"detach memory", "drop view glucose", "insert into glucose select 1", "update glucose set status = ''", "delete from glucose", "alter view glucose rename to x",
		"comment on view glucose is ''", "export database 'x'", "import database 'x'", "vacuum", "analyze", "pivot glucose on status using count(*)",
		"select 1; select 2", "select 1; pragma enable_profiling", ";", ";;", "", " ", "--", "-- select 1", "/* select 1 */", "select 1 /*", "select 'a",
		"select 1\x00; drop view glucose", "\x00", "\xff", "selec 1", "select x from glucose", "from nothing",
	}
}

func answered() []string {
	return []string{
		"select 1;", "select 1;;", "/* a */ select 1 -- b", "select 'from enable_logging()'", `select 1 as "enable_logging"`, "select {'class': 'FUNCTION', 'function_name': 'write_log'}",
		"select 'write_log'", "from range(3)", "from generate_series(1, 3)", "select unnest([1, 2])", "from unnest([1])", "from json_each('[1]')",
		"from histogram(glucose, glucose_mgdl)", "show tables", "show glucose", "describe select 1", "from duckdb_columns() limit 1", "from information_schema.tables limit 1",
		"from (pivot glucose on status in ('a') using count(*))", "unpivot (select 1 a, 2 b) on a, b", "from participant_metrics", "select count(*) from glucose tablesample 10%",
		"with recursive r(i) as (select 1 union all select i + 1 from r where i < 9) from r", "select list_transform([1], lambda x: x + 1)", "from pragma_table_info('glucose')",
		"select pg_typeof(1), current_setting('threads'), version()", "from glucose positional join participants",
	}
}

// run runs a statement to its end.
func run(ctx context.Context, db *sql.DB, statement string) error {
	rows, err := db.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

func corpus(t testing.TB) *sql.DB {
	dir := t.TempDir()
	l, err := lake.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(context.Background(), l, lake.Manifest{}, nil, Limits{Memory: "200MB", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(); l.Close() })
	return db
}

func TestStatementsAreRefusedOrAnswered(t *testing.T) {
	t.Chdir(t.TempDir())
	db := corpus(t)
	const state = `select current_setting('enable_logging'), current_setting('enable_profiling') is null or current_setting('enable_profiling') = '', current_setting('threads'), count(*)
		from duckdb_views() where not internal`
	before := ask(t, db, state)
	for _, statement := range refused() {
		if err := run(t.Context(), db, statement); err == nil {
			t.Errorf("%q was answered, want an error", statement)
		}
	}
	for _, statement := range answered() {
		if err := run(t.Context(), db, statement); err != nil {
			t.Errorf("%q: %v, want an answer", statement, err)
		}
	}
	if after := ask(t, db, state); after[0] != before[0] {
		t.Errorf("the session is %s, and was %s", after, before)
	}
	if err := run(t.Context(), db, "from enable_logging()"); err == nil || !strings.Contains(err.Error(), "enable_logging") {
		t.Errorf("from enable_logging(): %v, want a word about it", err)
	}
}

// Whatever is asked, the process lives on and the session is as it was.
func FuzzStatement(f *testing.F) {
	for _, statement := range append(refused(), answered()...) {
		f.Add(statement)
	}
	db := corpus(f)
	f.Fuzz(func(t *testing.T, statement string) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_ = run(ctx, db, statement)
		if got := ask(t, db, "select current_setting('lock_configuration'), current_setting('enable_logging'), count(*) from duckdb_views() where not internal and view_name = 'glucose'"); got[0] != "true 0 1" {
			t.Fatalf("after %q: lock_configuration, enable_logging, views named glucose = %s", statement, got)
		}
	})
}
