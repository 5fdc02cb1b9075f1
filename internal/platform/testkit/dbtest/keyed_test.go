//go:build unix

package dbtest

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestKeyed makes each kind of plan that must not pass, most of them by taking away the index that made it good.
func TestKeyed(t *testing.T) {
	t.Parallel()
	cols := []storage.Column{storage.Col("id", storage.UUID), storage.Col("tenant_id", storage.Text), storage.Col("state", storage.Text)}
	lookup := func(where string) *storage.Statement {
		return storage.Lookup(cols, "SELECT t.n FROM things t WHERE "+where+" LIMIT 1 {lock}")
	}
	byID := lookup("t.id = v.id")
	const noKey = "ALTER TABLE things DROP CONSTRAINT things_pkey"
	for name, tt := range map[string]struct {
		statement *storage.Statement
		change    string
		want      string // "": passes
	}{
		"by key":                {byID, "", ""},
		"key and tenant":        {lookup("t.tenant_id = v.tenant_id AND t.id = v.id"), "", ""},
		"two columns":           {lookup("t.tenant_id = v.tenant_id AND t.id = v.id"), noKey + "; CREATE INDEX pair ON things (tenant_id, id)", ""},
		"by time":               {lookup("t.tenant_id = v.tenant_id AND t.due_at <= {now}"), "CREATE INDEX due ON things (tenant_id, due_at)", ""},
		"update":                {storage.Update("things", cols, "state = v.state", "t.id = v.id", ""), "", ""},
		"delete":                {storage.Delete("things", cols, "t.id = v.id", ""), "", ""},
		"insert":                {storage.Insert("things", cols, ""), "", ""},
		"dropped":               {byID, noKey, "Seq Scan of things"},
		"update, dropped":       {storage.Update("things", cols, "state = v.state", "t.id = v.id", ""), noKey, "Seq Scan of things"},
		"delete, dropped":       {storage.Delete("things", cols, "t.id = v.id", ""), noKey, "Seq Scan of things"},
		"inner table":           {lookup("t.id = v.id AND EXISTS (SELECT 1 FROM things o WHERE o.n = t.n)"), "", "Seq Scan of things"},
		"prefix":                {byState(lookup), noKey + "; CREATE INDEX tenants ON things (tenant_id, state, id)", `tenants (tenant_id, state, id) is not read by key: "((tenant_id = v.tenant_id) AND (state = v.state))"`},
		"state":                 {byState(lookup), "CREATE INDEX states ON things (state)", `states (state) is not read by key: "(state = v.state)"`},
		"gap":                   {lookup("t.tenant_id = v.tenant_id AND t.id = v.id"), noKey + "; CREATE INDEX gap ON things (tenant_id, state, id)", `gap (tenant_id, state, id) is not read by key: "((tenant_id = v.tenant_id) AND (id = v.id))"`},
		"whole index":           {lookup("t.n > 1"), "CREATE INDEX cover ON things (id) WHERE n > 1", `cover (id) is not read by key: ""`},
		"bitmap":                {storage.Lookup(cols, "SELECT count(*) FROM things t WHERE t.state = v.state"), "CREATE INDEX states ON things (state)", "states (state) is not read by key"},
		"due, no lower columns": {lookup("t.due_at <= {now}"), "CREATE INDEX due ON things (tenant_id, due_at)", "is not read by key"},
		"nothing read":          {storage.Lookup(cols, "SELECT v.id AS id"), "", "no table is read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := Open(t, storage.Postgres)
			for _, sql := range append([]string{
				"CREATE TABLE things (id uuid PRIMARY KEY, tenant_id text, state text, n bigint, due_at timestamptz)",
			}, strings.Split(tt.change, "; ")...) {
				if err := db.From(t.Context()).Exec(sql).Error; err != nil {
					t.Fatal(err)
				}
			}
			got := failure(t, func(t testing.TB) {
				judge(t, db, []string{"id", "due_at <="}, map[string]*storage.Statement{name: tt.statement})
			})
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("it said %q, want %q", got, tt.want)
			}
		})
	}
}

func byState(lookup func(string) *storage.Statement) *storage.Statement {
	return lookup("t.tenant_id = v.tenant_id AND t.state = v.state")
}

// TestKeyedTwice: a statement listed under a second name hides another one.
func TestKeyedTwice(t *testing.T) {
	t.Parallel()
	db := Open(t, storage.Postgres)
	one := storage.Lookup([]storage.Column{storage.Col("token", storage.Text)}, "SELECT t.token FROM sessions t WHERE t.token = v.token")
	got := failure(t, func(t testing.TB) {
		judge(t, db, []string{"token"}, map[string]*storage.Statement{"one": one, "two": one})
	})
	if got != "two is one under another name" {
		t.Errorf("it said %q", got)
	}
}

// TestBehaveHot: without the settings of the hot path the plans are those of other connections.
func TestBehaveHot(t *testing.T) {
	t.Parallel()
	db := Open(t, storage.Postgres)
	pool, err := db.Read(t.Context()).DB()
	if err != nil {
		t.Fatal(err)
	}
	type asked interface {
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	show := func(q asked) (answer string) {
		if err := q.QueryRowContext(t.Context(), `SELECT concat_ws(' ', current_setting('application_name'), current_setting('enable_seqscan'),
			current_setting('plan_cache_mode'))`).Scan(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	pool.SetMaxOpenConns(1)
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := behaveHot(t.Context(), db, tx); err != nil {
		t.Fatal(err)
	}
	if got := show(tx); got != "incidenthub-hot off force_generic_plan" {
		t.Errorf("within: %s", got)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := show(pool); got != "incidenthub on auto" {
		t.Errorf("afterwards: %s", got)
	}
}
