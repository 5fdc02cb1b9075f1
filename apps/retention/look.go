package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// changes and preflights are over when they are old: nothing else leads to them.
var (
	changes    = aged("changes")
	preflights = aged("preflight_runs")
	checkRuns  = often(aged("check_runs"))
)

// analyses stay as long as the incident or the run that they belong to; the others are over when they are old.
var analyses = sweep{
	name: "analyses", table: "analyses", key: "id", rows: "1",
	until: func(l limits) time.Time { return l.old },
	over: func(dry bool) string {
		incident := `(SELECT 1 FROM incidents i WHERE i.id = x.incident_id LIMIT 1) IS NULL`
		run := `(SELECT 1 FROM runs u WHERE u.id = x.run_id LIMIT 1) IS NULL`
		if dry {
			incident = fmt.Sprintf(incidentOver, "x.incident_id")
			run = `(SELECT 1 FROM runs u WHERE u.id = x.run_id AND NOT (` + fmt.Sprintf(runOver, "u") + `) LIMIT 1) IS NULL`
		}
		return all(`x.status <> 'running'`, incident, run)
	},
	remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
		return nil, p.each(ctx, p.args(keys), removeAnalyses)
	},
}

var removeAnalyses = removal{"analyses", `DELETE FROM analyses WHERE id IN @keys AND tenant_id = @tenant`}

// checksKept is how long runs of checks are kept, when all is kept no shorter: there are many of them, and charts show no more.
const checksKept = 30 * 24 * time.Hour

// often is a sweep of what is written so often that it is kept for checksKept at most.
func often(sw sweep) sweep {
	sw.until = func(l limits) time.Time { return l.checks }
	return sw
}

// aged is the sweep of a table whose rows go by their age alone.
func aged(table string) sweep {
	return sweep{
		name: table, table: table, key: "id", rows: "1",
		until: func(l limits) time.Time { return l.old },
		over:  func(bool) string { return "1 = 1" },
		remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
			return nil, p.each(ctx, p.args(keys), removal{table, `DELETE FROM ` + table + ` WHERE id IN @keys AND tenant_id = @tenant`})
		},
	}
}
