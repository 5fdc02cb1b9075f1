package retention

import (
	"context"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// changes and preflights are over when they are old: nothing else leads to them.
var (
	changes    = aged("changes")
	preflights = aged("preflight_runs")
	checkRuns  = often(aged("check_runs"))
)

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
