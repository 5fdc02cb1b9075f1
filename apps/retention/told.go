package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// sweeps are in order: what needs something goes before it, and parts go last, of what stays.
var sweeps = []sweep{runs, receipts, deliveries, messages, history, alerts, incidents, bodies, snapshots, analyses, changes, preflights, checkRuns}

// told is any delivery, with a run or without.
var told = sweep{
	table: "deliveries", key: "id",
	over: func(bool) string {
		return all(fmt.Sprintf(deliveryOver, "x"), fmt.Sprintf(incidentOver, "x.incident_id"),
			`(SELECT 1 FROM delivery_routes r JOIN runs u ON u.id = r.run_id WHERE r.delivery_id = x.id AND NOT (`+fmt.Sprintf(runOver, "u")+`) LIMIT 1) IS NULL`)
	},
}

// deliveries are those that no run made, such as the news of an end. The others go with their run.
var deliveries = sweep{
	name: "deliveries", table: "deliveries", key: "id", rows: "3",
	until: func(l limits) time.Time { return l.old },
	over: func(dry bool) string {
		return all(told.over(dry), `(SELECT 1 FROM runs u WHERE u.id = x.run_id LIMIT 1) IS NULL`)
	},
	remove: func(ctx context.Context, p *pass, keys []id.ID) (left []id.ID, err error) {
		var list []ofRun
		err = p.s.db.From(ctx).Raw(`SELECT id, run_id, message_id FROM deliveries WHERE id IN @keys AND tenant_id = @tenant`, p.args(keys)).Scan(&list).Error
		if err != nil {
			return nil, fmt.Errorf("look for the messages of deliveries: %w", storage.Classify(err))
		}
		return nil, p.removeDeliveries(ctx, list)
	},
}

// messages are those that no delivery has, such as tests of channels. The others go with their delivery.
var messages = sweep{
	name: "messages", table: "messages", key: "id", rows: "1",
	until: func(l limits) time.Time { return l.old },
	over: func(bool) string {
		return all(`(SELECT 1 FROM deliveries d WHERE d.idem_key = x.idem_key LIMIT 1) IS NULL`, fmt.Sprintf(incidentOver, "x.incident_id"))
	},
	remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
		return nil, p.each(ctx, p.args(keys), ofMessages...)
	},
}

// oldHistory tells the entries of an alert's history that may go.
const oldHistory = `h.id < @boundOld AND (SELECT 1 FROM receipts r WHERE r.id = h.receipt_id LIMIT 1) IS NULL
	AND (SELECT 1 FROM incidents i WHERE i.id = h.incident_id AND i.status IN ('open', 'acknowledged') LIMIT 1) IS NULL`

// history is what happened to alerts, also to those that go on.
var history = sweep{
	name: "alert_history", table: "alerts", key: "id", whole: true,
	until: func(l limits) time.Time { return l.old },
	over: func(dry bool) string {
		if dry {
			return `(SELECT 1 FROM alert_history h WHERE h.alert_id = x.id AND h.id < @boundOld LIMIT 1) IS NOT NULL`
		}
		return `(SELECT 1 FROM alert_history h WHERE h.alert_id = x.id AND ` + oldHistory + ` LIMIT 1) IS NOT NULL`
	},
	rows: fmt.Sprintf(`(SELECT count(*) FROM (SELECT 1 FROM alert_history h WHERE h.alert_id = x.id AND h.id < @boundOld LIMIT %d) c)`, most+1),
	remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
		return nil, p.each(ctx, p.args(keys), removeHistory)
	},
	large: func(ctx context.Context, p *pass, c candidate) error {
		for {
			var n int64
			if err := p.tx(ctx, func(ctx context.Context) (err error) {
				n, err = p.exec(ctx, removeHistory.table, removeHistory.sql, p.args([]id.ID{c.ID}))
				return err
			}); err != nil || n < most {
				return err
			}
		}
	},
}

var removeHistory = removal{"alert_history", fmt.Sprintf(`DELETE FROM alert_history WHERE (alert_id, id) IN
	(SELECT h.alert_id, h.id FROM alert_history h WHERE h.alert_id IN @keys AND h.tenant_id = @tenant AND `+oldHistory+` LIMIT %d)`, most)}

// alerts go when they have ended and no push that told of them is left.
var alerts = sweep{
	name: "alerts", table: "alerts", key: "id",
	rows:  `1 + (SELECT count(*) FROM alert_history h WHERE h.alert_id = x.id)`,
	until: func(l limits) time.Time { return l.old },
	over: func(dry bool) string {
		over := all(`x.status = 'resolved' AND x.updated_at < @old`, fmt.Sprintf(incidentOver, "x.incident_id"))
		if dry {
			return over
		}
		return all(over, `(SELECT 1 FROM receipts r WHERE r.id = x.receipt_id LIMIT 1) IS NULL`,
			`(SELECT 1 FROM alert_history h JOIN receipts r ON r.id = h.receipt_id WHERE h.alert_id = x.id LIMIT 1) IS NULL`)
	},
	remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
		return nil, p.each(ctx, p.args(keys), ofAlerts...)
	},
}

var ofAlerts = []removal{
	{"alert_history", `DELETE FROM alert_history WHERE alert_id IN @keys AND tenant_id = @tenant`},
	{"alerts", `DELETE FROM alerts WHERE id IN @keys AND tenant_id = @tenant`},
}

// incidents go last, when nothing is left that leads to them.
var incidents = sweep{
	name: "incidents", table: "incidents", key: "id",
	rows:  `1 + (SELECT count(*) FROM incident_events e WHERE e.incident_id = x.id)`,
	until: func(l limits) time.Time { return l.old },
	over: func(dry bool) string {
		over := `x.status NOT IN ('open', 'acknowledged') AND x.updated_at < @old`
		if dry {
			return over
		}
		return all(over, `(SELECT 1 FROM alerts a WHERE a.incident_id = x.id LIMIT 1) IS NULL`, `(SELECT 1 FROM deliveries d WHERE d.incident_id = x.id LIMIT 1) IS NULL`,
			`(SELECT 1 FROM runs u WHERE u.incident_id = x.id LIMIT 1) IS NULL`)
	},
	remove: func(ctx context.Context, p *pass, keys []id.ID) ([]id.ID, error) {
		return nil, p.each(ctx, p.args(keys), removeEvents, removeVectors,
			removal{"incidents", `DELETE FROM incidents WHERE id IN @keys AND tenant_id = @tenant`})
	},
	large: func(ctx context.Context, p *pass, c candidate) error {
		args := p.args(nil)
		args["incident"] = c.ID
		for {
			var n int64
			if err := p.tx(ctx, func(ctx context.Context) (err error) {
				n, err = p.exec(ctx, "incident_events", removeSomeEvents, args)
				return err
			}); err != nil || n < most {
				return err
			}
		}
	},
}

var removeVectors = removal{"incident_vectors", `DELETE FROM incident_vectors WHERE incident_id IN @keys AND tenant_id = @tenant`}

var removeEvents = removal{"incident_events", `DELETE FROM incident_events WHERE incident_id IN @keys AND tenant_id = @tenant`}

var removeSomeEvents = fmt.Sprintf(`DELETE FROM incident_events WHERE incident_id = @incident AND tenant_id = @tenant AND seq IN
	(SELECT seq FROM incident_events WHERE incident_id = @incident ORDER BY seq LIMIT %d)`, most)
