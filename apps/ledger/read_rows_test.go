package ledger_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

func TestLines(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *ledger.Reader) {
		first, second, incident, alert, definition := id.New(), id.New(), id.New(), id.New(), id.New()
		put := func(tenant string, receipt id.ID, idx int, definition id.ID, state, reason, trace string) {
			exec(t, db, `INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, incident_id, alert_id, state, reason, trace, created_at) VALUES (?,?,?,?,?,?,?,?,?,?)`,
				receipt, idx, definition[:], tenant, incident, alert, state, reason, trace, db.Now())
		}
		put("a", first, 0, definition, "delivered", "", `[{"what":"route","name":"old","result":"miss","why":"severity is info"},{"what":"channel","name":"ops","result":"delivered"}]`)
		put("a", first, 1, definition, "suppressed", "duplicate", `[{"what":"fold","result":"updated","why":"nothing material changed"}]`)
		put("a", second, 0, id.ID{}, "no_route", "", `[{"what":"route","name":"old","result":"miss","why":"severity is info"},{"what":"route","name":"new","result":"miss","why":"labels.env is test"}]`)
		put("a", second, 1, definition, "dead", "http_404", `nonsense`)
		put("b", second, 2, definition, "dead", "http_404", `[]`)
		exec(t, db, `INSERT INTO alert_history (alert_id, id, tenant_id, incident_id, receipt_id, idx, event, old_status, new_status, details, created_at)
			VALUES (?,?,?,?,?,0,'created','','firing','{}',?)`, alert, id.New(), "a", incident, first, db.Now())
		exec(t, db, `INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key, vendor_group_key, incident_id, trace_id,
			last_seq, occurrences, started_at, received_at, updated_at) VALUES (?,'a','s','f','n','info','firing','','{}','{}','','',?,'',1,1,?,?,?)`, alert, incident, db.Now(), db.Now(), db.Now())

		list := func(f ledger.LineFilter) (out []string) {
			for before := ""; ; { // by pages of one
				page, err := r.Lines(t.Context(), "a", f, ledger.LinePaging{Before: before, Limit: 1})
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range page.Items {
					out = append(out, l.State+"("+l.Reason+") "+l.Why)
				}
				if before = page.NextCursor; before == "" {
					return out
				}
			}
		}
		dead, untaken := "dead(http_404) ", "no_route() old: severity is info; new: labels.env is test"
		repeat, told := "suppressed(duplicate) nothing material changed", "delivered() "
		for name, tt := range map[string]struct {
			filter ledger.LineFilter
			want   []string
		}{
			"all":      {ledger.LineFilter{}, []string{dead, untaken, repeat, told}},
			"dead":     {ledger.LineFilter{States: []string{"dead"}}, []string{dead}},
			"states":   {ledger.LineFilter{States: []string{"suppressed", "no_route"}}, []string{untaken, repeat}},
			"reason":   {ledger.LineFilter{Reasons: []string{"duplicate"}}, []string{repeat}},
			"receipt":  {ledger.LineFilter{Receipt: first}, []string{repeat, told}},
			"incident": {ledger.LineFilter{Incident: incident}, []string{repeat, told}},
			"run":      {ledger.LineFilter{Run: id.New()}, nil},
		} {
			if diff := cmp.Diff(tt.want, list(tt.filter)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		run := id.New()
		exec(t, db, `UPDATE ledger SET run_id = ? WHERE receipt_id = ? AND idx IN (0, 1)`, run, second)
		exec(t, db, `UPDATE ledger SET state = 'suppressed', reason = 'silenced' WHERE receipt_id = ? AND idx = 0`, second)
		for n, d := range []struct{ state, reason, detail string }{{"suppressed", "silenced", "by a silence of dana: deploy"}, {"dead", "http_404", ""}} {
			key := id.New()
			exec(t, db, `INSERT INTO deliveries (id, tenant_id, idem_key, event_seq, step, channel_id, kind, severity, state, reason, detail, trace_id, created_at, expires_at)
				VALUES (?,'a',?,1,0,?,'firing','info',?,?,?,'',?,?)`, key, key.String(), id.New(), d.state, d.reason, d.detail, db.Now(), db.Now())
			if n == 0 {
				exec(t, db, `UPDATE deliveries SET run_id = ? WHERE id = ?`, run, key)
			} else {
				exec(t, db, `INSERT INTO delivery_routes (run_id, delivery_id, tenant_id, definition_id, node) VALUES (?,?,'a',?,'n')`, run, key, definition)
			}
		}
		both := []ledger.LineChannel{{State: "suppressed", Reason: "silenced"}, {State: "dead", Reason: "http_404"}}
		for _, tt := range []struct {
			filter ledger.LineFilter
			why    string
			want   []ledger.LineChannel
		}{
			{ledger.LineFilter{States: []string{"dead"}}, "", both},
			{ledger.LineFilter{Reasons: []string{"silenced"}}, "by a silence of dana: deploy", both},
			{ledger.LineFilter{Reasons: []string{"duplicate"}}, "nothing material changed", []ledger.LineChannel{}},
		} {
			page, err := r.Lines(t.Context(), "a", tt.filter, ledger.LinePaging{})
			if err != nil || len(page.Items) != 1 || page.Items[0].Why != tt.why {
				t.Fatalf("%v: %+v %v", tt.filter, page, err)
			}
			if diff := cmp.Diff(tt.want, page.Items[0].Channels); diff != "" {
				t.Errorf("%v: %s", tt.filter, diff)
			}
		}
		page, err := r.Lines(t.Context(), "a", ledger.LineFilter{States: []string{"delivered"}}, ledger.LinePaging{})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%v %v", page, err)
		}
		if diff := cmp.Diff([]ledger.LineChannel{{Channel: "ops", State: "delivered"}}, page.Items[0].Channels); diff != "" {
			t.Error(diff)
		}
		for _, bad := range []string{"x", "..", first.String() + ".x.", first.String() + ".1.x"} {
			if _, err := r.Lines(t.Context(), "a", ledger.LineFilter{}, ledger.LinePaging{Before: bad}); !errors.Is(err, storage.ErrCursor) {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
	})
}
