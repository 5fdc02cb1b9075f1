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
)

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
