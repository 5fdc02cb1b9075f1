//go:build unix

package dbtest

import (
	"database/sql"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// NoScans makes the calls one by one and fails the test when Postgres would read a whole table for a query of theirs. The tables
// must be filled and analyzed: a scan of a small one is the right plan.
func NoScans(t testing.TB, db *storage.DB, calls map[string]func() error) {
	t.Helper()
	var queries []query
	record(t, db, func(q query) { queries = append(queries, q) })
	for name, call := range calls {
		queries = nil
		if err := call(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(queries) == 0 {
			t.Fatalf("%s runs no query", name)
		}
		for _, q := range queries {
			if plan := explain(t, db, q); strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s reads a whole table:\n%s\n%s", name, q.sql, plan)
			}
		}
	}
}

// Uses makes each call and fails the test unless one of its queries is planned with the index that it is named by, on either engine.
// The tables must be filled, and analyzed on Postgres.
func Uses(t testing.TB, db *storage.DB, calls map[string]func() error) {
	t.Helper()
	var queries []query
	record(t, db, func(q query) { queries = append(queries, q) })
	for index, call := range calls {
		queries = nil
		if err := call(); err != nil {
			t.Fatalf("%s: %v", index, err)
		}
		var plans strings.Builder
		for _, q := range queries {
			plans.WriteString(q.sql + "\n" + explain(t, db, q))
		}
		if !strings.Contains(plans.String(), index) {
			t.Errorf("%s is not used:\n%s", index, plans.String())
		}
	}
}

type query struct {
	sql  string
	vars []any
}

// record hands on the queries that gorm runs from now on.
func record(t testing.TB, db *storage.DB, to func(query)) {
	t.Helper()
	conn := db.Read(t.Context())
	add := func(tx *gorm.DB) { to(query{tx.Statement.SQL.String(), tx.Statement.Vars}) }
	for _, err := range []error{
		conn.Callback().Query().After("gorm:query").Register("dbtest", add),
		conn.Callback().Row().After("gorm:row").Register("dbtest", add),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// explain asks the pool itself: gorm would count the placeholders anew.
func explain(t testing.TB, db *storage.DB, q query) string {
	t.Helper()
	verb := "EXPLAIN "
	if db.Engine() == storage.SQLite {
		verb = "EXPLAIN QUERY PLAN "
	}
	rows, err := db.Read(t.Context()).Statement.ConnPool.QueryContext(t.Context(), verb+q.sql, q.vars...)
	if err != nil {
		t.Fatalf("explain %s: %v", q.sql, err)
	}
	return ReadPlan(t, rows)
}

// ReadPlan returns what EXPLAIN answered, and closes rows.
func ReadPlan(t testing.TB, rows *sql.Rows) string {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var line string
	into := make([]any, len(columns)) // the text comes last
	for i := range into {
		into[i] = new(any)
	}
	into[len(into)-1] = &line
	var plan strings.Builder
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
