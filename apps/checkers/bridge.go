package checkers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Source is what alerts of checks have as theirs.
const Source = event.SourceChecks

// Known is what the hub knows of an alert.
type Known struct {
	ID     id.ID
	Firing bool
}

// Found is what checks found, on its way into alerts. It is the body of a receipt, as JSON, so that it can be taken in once more.
type Found struct {
	Hostname    string            `json:"hostname"`
	Labels      map[string]string `json:"labels,omitempty"`
	NoIncidents bool              `json:"no_incidents,omitempty"`
	Pipeline    string            `json:"pipeline,omitempty"` // whose step ran the checks: it takes what no trigger takes
	Results     []Result          `json:"checks"`
}

// Read reads the body of a receipt of checks.
func Read(body []byte) (Found, error) {
	var f Found
	if err := json.Unmarshal(body, &f); err != nil {
		return f, fmt.Errorf("read what checks found: %w", err)
	}
	return f, nil
}

// Observations are what it says about alerts, in the order of the results.
func (f *Found) Observations() []event.Observation {
	list := make([]event.Observation, len(f.Results))
	for i, r := range f.Results {
		list[i] = Observe(r, f.Hostname, f.Labels)
		list[i].Index = i
	}
	return list
}

// Taken is what became of it.
type Taken struct {
	Receipt  id.ID
	Runs     []id.ID
	Counters *event.Counters // nil: it is stored, but what it did is not known in time
}

// Intake is the hub's way into alerts, as it is for webhooks; internal/server fits apps/orchestration and apps/alerts to it.
type Intake interface {
	// Known returns the alerts of checks with these fingerprints that there are.
	Known(ctx context.Context, tenant string, fingerprints []string) (map[string]Known, error)
	// Accept stores what was found, and waits for a while until it is folded.
	Accept(ctx context.Context, tenant, traceID string, f Found) (Taken, error)
}

// Fingerprint identifies the alert of a check on a host.
func Fingerprint(checker, hostname string) string {
	sum := sha256.Sum256([]byte(checker + ":" + hostname))
	return hex.EncodeToString(sum[:])[:16]
}

// Observe is what a result says about its alert.
func Observe(r Result, hostname string, labels map[string]string) event.Observation {
	o := event.Observation{
		Fingerprint: Fingerprint(r.CheckerName, hostname), Name: strings.ToUpper(r.CheckerName) + " Check Alert",
		Status: event.StatusFiring, Severity: event.SeverityWarning, Description: r.Message, Source: Source,
		Labels: map[string]string{}, Annotations: map[string]string{},
	}
	maps.Copy(o.Labels, labels)
	switch r.Status {
	case OK:
		o.Status, o.Severity = event.StatusResolved, event.SeverityInfo
	case Critical:
		o.Severity = event.SeverityCritical
	case Warning, Unknown: // what cannot be found out wants a look too
	}
	if r.Error != "" && r.Error != r.Message { // a check that knows what it could not find out says it once
		o.Description += "\n" + r.Error
	}
	for name, v := range r.Metrics {
		text, scalar := metricText(v)
		if scalar {
			o.Labels["metric_"+name] = text
		}
		o.Annotations[name] = text
	}
	o.Labels["hostname"], o.Labels["checker"] = hostname, r.CheckerName
	return o
}

// maxAnnotation bounds a metric as text, in bytes.
const maxAnnotation = 4000

// metricText writes a metric as text, and says whether it is one value rather than a list or an object.
func metricText(v any) (text string, scalar bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return cutText(v, maxAnnotation), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case float32, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v), true
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "", false
	}
	return cutText(string(raw), maxAnnotation), false
}

// alert turns results into alerts and notes their ids. Nothing that goes wrong here changes a result.
func (s *Service) alert(ctx context.Context, req Request, report *Report, flights []*flight) {
	complain := func(what string, err error) {
		s.Log.WarnContext(ctx, "alerts of checks", "problem", what, "error", err)
		report.Errors = append(report.Errors, what+"; the log of the hub says why")
	}
	if s.Intake == nil {
		report.Errors = append(report.Errors, "alerts: this process has no way to store them")
		return
	}
	var fingerprints []string
	var concerned []int
	for i := range report.Results {
		if r := &report.Results[i]; !r.Skipped && flights[i] != nil {
			concerned = append(concerned, i)
			fingerprints = append(fingerprints, Fingerprint(r.CheckerName, report.Hostname))
		}
	}
	known, err := s.Intake.Known(ctx, req.Tenant, fingerprints)
	if err != nil {
		complain("alerts of checks not looked up", err)
		return
	}
	found := Found{Hostname: report.Hostname, Labels: req.Labels, NoIncidents: req.NoIncidents, Pipeline: req.Pipeline}
	var told []int
	for _, i := range concerned {
		r := &report.Results[i]
		k, is := known[Fingerprint(r.CheckerName, report.Hostname)]
		if is {
			r.AlertID = k.ID
		}
		if r.Status == OK && !k.Firing || !flights[i].alerted.CompareAndSwap(false, true) {
			continue // nothing to resolve, or somebody who shares this result does it
		}
		found.Results = append(found.Results, *r)
		told = append(told, i)
	}
	report.Alerts = &Alerted{RunIDs: []id.ID{}}
	if len(told) == 0 {
		return
	}
	taken, err := s.Intake.Accept(ctx, req.Tenant, req.TraceID, found)
	if err != nil {
		complain("alerts of checks not stored", err)
		for _, i := range told {
			flights[i].alerted.Store(false)
		}
		report.Alerts = nil
		return
	}
	report.Alerts.ReceiptID, report.Alerts.RunIDs = taken.Receipt, taken.Runs
	if taken.Counters == nil {
		report.Errors = append(report.Errors, "alerts: stored, but not folded yet; GET /api/v1/receipts/"+taken.Receipt.String()+" tells when they are")
		return
	}
	report.Alerts.Counters = *taken.Counters
	if known, err = s.Intake.Known(ctx, req.Tenant, fingerprints); err != nil {
		complain("alerts of checks not looked up", err)
		return
	}
	for _, i := range told {
		r := &report.Results[i]
		r.AlertID = known[Fingerprint(r.CheckerName, report.Hostname)].ID
	}
	s.link(ctx, req, report, flights, told)
}

// link notes in the rows which alerts came of them.
func (s *Service) link(ctx context.Context, req Request, report *Report, flights []*flight, told []int) {
	rows := map[id.ID]id.ID{}
	for _, i := range told {
		if r := &report.Results[i]; !r.AlertID.IsZero() && flights[i].kept {
			rows[r.ID] = r.AlertID
		}
	}
	if len(rows) == 0 || s.Store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	if err := s.Store.link(ctx, req.Tenant, rows); err != nil {
		s.Log.WarnContext(ctx, "alerts of checks not noted", "error", err)
	}
}
