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

// Push is what checks found, on its way into alerts.
type Push struct {
	Tenant       string
	TraceID      string
	Observations []event.Observation
	Body         []byte // of the receipt
	NoIncidents  bool
}

// Taken is what became of a Push.
type Taken struct {
	Receipt  id.ID
	Runs     []id.ID
	Counters *event.Counters // nil: it is stored, but what it did is not known in time
}

// Intake is the hub's way into alerts, as it is for webhooks; internal/server fits apps/orchestration and apps/alerts to it.
type Intake interface {
	// Known returns the alerts of checks with these fingerprints that there are.
	Known(ctx context.Context, tenant string, fingerprints []string) (map[string]Known, error)
	// Accept stores observations, and waits for a while until they are folded.
	Accept(ctx context.Context, p Push) (Taken, error)
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
	if r.Error != "" {
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
		s.Log.WarnContext(ctx, what, "error", err)
		report.Errors = append(report.Errors, what+": "+err.Error())
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
	p := Push{Tenant: req.Tenant, TraceID: req.TraceID, NoIncidents: req.NoIncidents}
	told := []int{}
	for _, i := range concerned {
		r := &report.Results[i]
		o := Observe(*r, report.Hostname, req.Labels)
		k, is := known[o.Fingerprint]
		if is {
			r.AlertID = k.ID
		}
		if r.Status == OK && !k.Firing || !flights[i].alerted.CompareAndSwap(false, true) {
			continue // nothing to resolve, or somebody who shares this result does it
		}
		o.Index = len(p.Observations)
		p.Observations = append(p.Observations, o)
		told = append(told, i)
	}
	report.Alerts = &Alerted{RunIDs: []id.ID{}}
	if len(told) > 0 && !s.push(ctx, p, report, told, complain) {
		for _, i := range told {
			flights[i].alerted.Store(false)
		}
		return
	}
	s.link(ctx, req, report, flights, told)
}

// push stores the observations and reads what became of them; false: they are not stored.
func (s *Service) push(ctx context.Context, p Push, report *Report, told []int, complain func(string, error)) bool {
	results := make([]Result, len(told))
	for n, i := range told {
		results[n] = report.Results[i]
	}
	body, err := json.Marshal(map[string]any{"hostname": report.Hostname, "checks": results})
	if err != nil {
		complain("results of checks not written", err)
		return false
	}
	p.Body = body
	taken, err := s.Intake.Accept(ctx, p)
	if err != nil {
		complain("alerts of checks not stored", err)
		return false
	}
	report.Alerts.ReceiptID, report.Alerts.RunIDs = taken.Receipt, taken.Runs
	if taken.Counters == nil {
		report.Errors = append(report.Errors, "alerts: stored, but not folded yet; GET /api/v1/receipts/"+taken.Receipt.String()+" tells when they are")
		return true
	}
	report.Alerts.Counters = *taken.Counters
	fingerprints := make([]string, len(p.Observations))
	for n := range p.Observations {
		fingerprints[n] = p.Observations[n].Fingerprint
	}
	known, err := s.Intake.Known(ctx, p.Tenant, fingerprints)
	if err != nil {
		complain("alerts of checks not looked up", err)
		return true
	}
	for n, i := range told {
		report.Results[i].AlertID = known[fingerprints[n]].ID
	}
	return true
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
