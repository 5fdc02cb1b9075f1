package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// How much of its subject an Explanation covers, the newest first: an alert may have fired ten thousand times.
const (
	WhyReceipts   = 50
	WhyRows       = 200 // of the ledger
	WhyRuns       = 100
	WhyDeliveries = 200
	WhyEvents     = 100 // of incidents
	WhyAttempts   = 400 // to send
	WhySteps      = 1000
)

// Explanation is why somebody was, or was not, told of something.
type Explanation struct {
	Subject WhySubject `json:"subject"`
	Verdict string     `json:"verdict" doc:"The answer in one plain sentence."`
	Steps   []WhyStep  `json:"steps" doc:"Every decision on the way, the oldest first."`
	// Left says what is not covered; empty when everything is.
	Left []string `json:"left_out" doc:"What the steps do not cover, in words: the newest come first."`
}

// WhySubject is what was asked about.
type WhySubject struct {
	Kind  string `json:"kind" enum:"alert,incident,delivery,receipt,run"`
	ID    string `json:"id"`
	Title string `json:"title"`
}

// WhyStep is one decision, or one thing that happened.
type WhyStep struct {
	At     time.Time      `json:"at"`
	What   string         `json:"what" doc:"receipt, parse, route, fold, incident, run, node, channel, attempt, resolve, ledger, or the word of a pipeline's decision."`
	Name   string         `json:"name" doc:"Of the source, pipeline, alert, node or channel."`
	Result string         `json:"result"`
	Why    string         `json:"why" doc:"In plain words."`
	Values map[string]any `json:"values,omitempty" doc:"What was compared or counted."`
	Links  WhyLinks       `json:"links"`

	rank int // among steps of one moment
}

// WhyLinks are the ids that a step is about; "" for none.
type WhyLinks struct {
	Run      string `json:"run,omitempty"`
	Delivery string `json:"delivery,omitempty"`
	Receipt  string `json:"receipt,omitempty"`
	Incident string `json:"incident,omitempty"`
}

// Kinds of subjects.
const (
	aboutAlert    = "alert"
	aboutIncident = "incident"
	aboutDelivery = "delivery"
	aboutReceipt  = "receipt"
	aboutRun      = "run"
)

// Why explains an alert, incident, delivery (or its message), receipt or run, whichever has the id; storage.ErrNotFound when the
// tenant has none. It reads a bounded number of rows, each by an index.
func (r *Reader) Why(ctx context.Context, tenant string, about id.ID) (Explanation, error) {
	q := &inquiry{db: r.db.Read(ctx), engine: r.db.Engine(), tenant: tenant, now: r.db.Now()}
	if err := q.find(about); err != nil {
		return Explanation{}, err
	}
	for _, load := range []func() error{q.scope, q.loadRows, q.loadRuns, q.loadRetold, q.loadReceipts, q.loadDeliveries, q.loadNodes, q.loadNames, q.loadEvents} {
		if err := load(); err != nil {
			return Explanation{}, fmt.Errorf("explain %s %s: %w", q.kind, about, storage.Classify(err))
		}
	}
	q.tell()
	slices.SortStableFunc(q.steps, func(a, b WhyStep) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.rank, b.rank)) })
	if n := len(q.steps); n > WhySteps {
		q.leave("%d older steps are left out.", n-WhySteps)
		q.steps = q.steps[n-WhySteps:]
	}
	return Explanation{
		Subject: WhySubject{Kind: q.kind, ID: q.subject.ID.String(), Title: q.title()}, Verdict: q.verdict(), Steps: q.steps, Left: q.left,
	}, nil
}

// inquiry is what one question has found so far.
type inquiry struct {
	db     *gorm.DB // for as long as the question is asked
	engine storage.Engine
	tenant string
	now    time.Time

	kind    string
	subject subjectRow

	items      []itemKey // observations, the newest first; nil with all: those of the receipt
	runIDs     []id.ID
	rows       []*bookRow // the newest receipt first, then in body order
	receipts   map[id.ID]*receiptRow
	seen       map[itemKey]*observationRow
	runs       map[id.ID]*runRow
	retold     retellings
	nodes      []*nodeRow
	tries      []nodeTry
	deliveries []*deliveryRow // the oldest first
	routes     map[id.ID][]id.ID
	attempts   map[id.ID][]attemptRow // by message
	names      map[id.ID]string       // of definitions
	sources    map[id.ID]string
	configs    map[versionKey]map[string]nodeConfig
	incidents  []id.ID
	events     []eventRow

	steps []WhyStep
	left  []string
}

func (q *inquiry) leave(format string, args ...any) {
	q.left = append(q.left, fmt.Sprintf(format, args...))
}

type itemKey struct {
	receipt id.ID
	index   int64
}

type versionKey struct {
	definition id.ID
	version    int64
}

// subjectRow is the row that has the id, whatever it is.
type subjectRow struct {
	Kind       string
	ID         id.ID
	Title      string
	IncidentID id.ID
	ReceiptID  id.ID
	RunID      id.ID
}

// find looks the id up wherever it may be.
func (q *inquiry) find(about id.ID) error {
	var found []subjectRow
	none := "CAST(NULL AS uuid)"
	if q.engine == storage.SQLite {
		none = "NULL"
	}
	one := func(kind, columns, from string) string {
		return "SELECT '" + kind + "' AS kind, " + columns + " FROM " + from + " WHERE t.id = @id AND t.tenant_id = @tenant"
	}
	sql := one(aboutAlert, "t.id, t.name AS title, t.incident_id, t.receipt_id, "+none+" AS run_id", "alerts t") +
		" UNION ALL " + one(aboutIncident, "t.id, t.title, t.id AS incident_id, "+none+", "+none, "incidents t") +
		" UNION ALL " + one(aboutReceipt, "t.id, t.driver, "+none+", t.id, "+none, "receipts t") +
		" UNION ALL " + one(aboutRun, "t.id, t.definition_name, t.incident_id, t.receipt_id, t.id", "runs t") +
		" UNION ALL " + one(aboutDelivery, "t.id, t.kind, t.incident_id, "+none+", t.run_id", "deliveries t") +
		" UNION ALL " + one(aboutDelivery, "d.id, d.kind, d.incident_id, "+none+", d.run_id", "messages t JOIN deliveries d ON d.idem_key = t.idem_key")
	err := q.db.Raw(sql, map[string]any{"id": about, "tenant": q.tenant}).Scan(&found).Error
	if err != nil {
		return fmt.Errorf("look for %s: %w", about, storage.Classify(err))
	}
	if len(found) == 0 {
		return fmt.Errorf("no alert, incident, delivery, inbox message, receipt or run has the id %s, or it is kept no longer: %w", about, storage.ErrNotFound)
	}
	q.subject, q.kind = found[0], found[0].Kind
	return nil
}

// title says what the subject is, in words that a person knows it by.
func (q *inquiry) title() string {
	switch q.kind {
	case aboutReceipt:
		if r := q.receipts[q.subject.ID]; r != nil {
			return fmt.Sprintf("%s from %s, %s", count(r.N, "alert"), q.entry(r), r.Driver)
		}
	case aboutRun:
		if u := q.runs[q.subject.ID]; u != nil {
			return fmt.Sprintf("%s v%d", u.DefinitionName, u.DefinitionVersion)
		}
	case aboutDelivery:
		if d := q.about(); d != nil {
			return fmt.Sprintf("%s to channel %s: %s", d.Kind, d.channel(), d.title())
		}
	}
	return q.subject.Title
}

// about is the delivery that is asked about, nil for other subjects.
func (q *inquiry) about() *deliveryRow {
	for _, d := range q.deliveries {
		if q.kind == aboutDelivery && d.ID == q.subject.ID {
			return d
		}
	}
	return nil
}
