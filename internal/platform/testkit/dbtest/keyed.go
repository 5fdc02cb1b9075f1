//go:build unix

package dbtest

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Keyed holds the hot path's statements of the package under test, by the names of their variables, against what Postgres plans
// for them while db is empty: pgx prepares them then, and the plan may be kept for as long as the connection lives. The test fails
// when a table is read in any way but by an index whose condition compares one of keys and every column that the index has before
// it, and when a variable of the package is not in statements. A condition that leaves out a column in the middle looks keyed and
// reads the index for all that its first columns have in common.
//
// keys are the columns that find a row or a few: not what thousands of rows have in common, such as a tenant or a state. They are
// compared by =; "due_at <=" asks for another operator.
func Keyed(t testing.TB, db *storage.DB, keys []string, statements map[string]*storage.Statement) {
	t.Helper()
	names, err := declared(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if statements[name] == nil {
			t.Errorf("the plan of %s is not looked at: add it", name)
		}
	}
	judge(t, db, keys, statements)
}

func judge(t testing.TB, db *storage.DB, keys []string, statements map[string]*storage.Statement) {
	t.Helper()
	pool, err := db.Read(t.Context()).DB()
	if err != nil {
		t.Fatal(err)
	}
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := behaveHot(t.Context(), db, tx); err != nil {
		t.Fatal(err)
	}
	indexes, err := columns(t.Context(), tx)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*storage.Statement]string{}
	for _, name := range slices.Sorted(maps.Keys(statements)) {
		if other := seen[statements[name]]; other != "" {
			t.Errorf("%s is %s under another name", name, other)
		}
		seen[statements[name]] = name
		// The text is nobody's business but storage's and this test's.
		text := reflect.ValueOf(statements[name]).Elem().FieldByName("pg").String()
		if !strings.Contains(text, "unnest(") {
			t.Fatalf("%s: storage.Statement has its text elsewhere now", name)
		}
		plan, err := genericPlan(t.Context(), tx, text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		reads, wrong := plan.judge(indexes, keys)
		if reads == 0 && !strings.HasPrefix(text, "INSERT") {
			wrong = append(wrong, "no table is read")
		}
		if len(wrong) > 0 {
			t.Errorf("%s: %s\n%s\n%s", name, strings.Join(wrong, "; "), text, strings.Join(plan.lines(""), "\n"))
		}
	}
}

// clientSettings asks a connection what the program set on it.
var clientSettings = storage.Lookup([]storage.Column{storage.Col("source", storage.Text)},
	"SELECT s.name, s.setting FROM pg_settings s WHERE s.source = v.source")

// behaveHot gives tx the settings of the hot path's connections, and makes it plan for any values.
func behaveHot(ctx context.Context, db *storage.DB, tx *sql.Tx) error {
	settings := map[string]string{}
	q := storage.NewQueue(db, storage.QueueOptions{Name: "settings", Max: 1}, func(tx *storage.Tx, _ []int) error {
		rows := clientSettings.Rows()
		rows.Add("client") // in the URL or the driver's configuration
		rows.Add("session")
		tx.Query(clientSettings, rows, func(r storage.Row) error {
			var name, value string
			err := r.Scan(&name, &value)
			settings[name] = value
			return err
		})
		return tx.Flush()
	})
	defer q.Stop()
	if err := q.Do(ctx, 1); err != nil {
		return fmt.Errorf("read the hot path's settings: %w", err)
	}
	settings["plan_cache_mode"] = "force_generic_plan"
	for name, value := range settings {
		if _, err := tx.ExecContext(ctx, "SELECT set_config($1, $2, true)", name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// genericPlan prepares a statement and returns what Postgres would do for any values.
func genericPlan(ctx context.Context, tx *sql.Tx, text string) (n node, err error) {
	if _, err := tx.ExecContext(ctx, "PREPARE keyed AS "+text); err != nil {
		return n, fmt.Errorf("prepare %s: %w", text, err)
	}
	var values string
	if err := tx.QueryRowContext(ctx, `SELECT array_to_string(array_fill('NULL'::text, ARRAY[cardinality(parameter_types)]), ', ')
		FROM pg_prepared_statements WHERE name = 'keyed'`).Scan(&values); err != nil {
		return n, fmt.Errorf("count the parameters of %s: %w", text, err)
	}
	var raw []byte
	if err := tx.QueryRowContext(ctx, "EXPLAIN (FORMAT JSON) EXECUTE keyed ("+values+")").Scan(&raw); err != nil {
		return n, fmt.Errorf("explain %s: %w", text, err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal(raw, &plans); err != nil || len(plans) != 1 {
		return n, fmt.Errorf("read the plan %s: %w", raw, err)
	}
	if _, err := tx.ExecContext(ctx, "DEALLOCATE keyed"); err != nil {
		return n, fmt.Errorf("forget %s: %w", text, err)
	}
	return plans[0].Plan, nil
}

// columns lists those of each index, in order.
func columns(ctx context.Context, tx *sql.Tx) (map[string][]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT c.relname, pg_get_indexdef(c.oid, n, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		CROSS JOIN generate_series(1, i.indnkeyatts) n WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname, n`)
	if err != nil {
		return nil, fmt.Errorf("read the indexes: %w", err)
	}
	defer rows.Close()
	indexes := map[string][]string{}
	for rows.Next() {
		var index, column string
		if err := rows.Scan(&index, &column); err != nil {
			return nil, fmt.Errorf("read the indexes: %w", err)
		}
		indexes[index] = append(indexes[index], column)
	}
	return indexes, rows.Err()
}

// node is a step of a plan (https://www.postgresql.org/docs/current/sql-explain.html, FORMAT JSON).
type node struct {
	Type  string `json:"Node Type"`
	Table string `json:"Relation Name"`
	Index string `json:"Index Name"`
	Cond  string `json:"Index Cond"`
	Plans []node
}

// judge counts how often the plan reads a table, and says which of that goes by no key.
func (n node) judge(indexes map[string][]string, keys []string) (reads int, wrong []string) {
	switch n.Type {
	case "ModifyTable", "Bitmap Heap Scan": // what they touch is found below them
	case "Index Scan", "Index Only Scan", "Bitmap Index Scan":
		reads++
		if !n.keyed(indexes[n.Index], keys) {
			wrong = append(wrong, fmt.Sprintf("%s (%s) is not read by key: %q", n.Index, strings.Join(indexes[n.Index], ", "), n.Cond))
		}
	default:
		if n.Table != "" {
			reads++
			wrong = append(wrong, fmt.Sprintf("%s of %s", n.Type, n.Table))
		}
	}
	for _, below := range n.Plans {
		more, worse := below.judge(indexes, keys)
		reads, wrong = reads+more, append(wrong, worse...)
	}
	return reads, wrong
}

// keyed goes through the columns of the index for as long as they are compared, and looks for a key among them.
func (n node) keyed(columns, keys []string) bool {
	for _, c := range columns {
		for _, key := range keys {
			column, operator, _ := strings.Cut(key, " ")
			if column == c && n.compares(c, cmp.Or(operator, "=")) {
				return true
			}
		}
		if !n.compares(c, "=") {
			return false
		}
	}
	return false
}

// lines are the plan with what was judged of it.
func (n node) lines(indent string) []string {
	out := []string{indent + strings.Join(strings.Fields(n.Type+" "+n.Index+" "+n.Table+" "+n.Cond), " ")}
	for _, below := range n.Plans {
		out = append(out, below.lines(indent+"  ")...)
	}
	return out
}

func (n node) compares(column, operator string) bool {
	return strings.Contains(n.Cond, "("+column+" "+operator+" ")
}
