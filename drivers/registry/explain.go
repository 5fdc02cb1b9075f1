package registry

import (
	"errors"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// ErrNothingUsable is returned for a body of the right shape whose every item had to be rejected.
var ErrNothingUsable = errors.New("not one item of the body can be used")

// Result is what incidenthub parse prints.
type Result struct {
	Driver   string           `json:"driver"`
	Source   string           `json:"source"`
	Version  string           `json:"version"`
	GroupKey string           `json:"group_key"`
	Ignored  string           `json:"ignored,omitempty"` // why a good body holds no alert
	Alerts   []Alert          `json:"alerts"`
	Rejected []event.Rejected `json:"rejected"`
}

// Alert is an alert as a first sight would store it. Times are RFC 3339 in UTC, to the microsecond; a firing one has no end.
type Alert struct {
	Fingerprint string            `json:"fingerprint"`
	Name        string            `json:"name"`
	Status      event.Status      `json:"status"`
	Severity    event.Severity    `json:"severity"`
	StartedAt   time.Time         `json:"started_at"`
	EndedAt     *time.Time        `json:"ended_at"`
	Description string            `json:"description"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// Explain shows how a body parses, for operators who want to see why an alert came out as it did. It decodes and parses body with the driver called driverName, or with the one that detects it if that is empty. now
// stands for the time of receipt. The error tells which drivers were tried and what was missing. If every item was rejected, the
// result comes with ErrNothingUsable.
func Explain(reg *Registry, driverName string, body []byte, now time.Time) (Result, error) {
	d, err := doc.Decode(body, doc.Limits{})
	if err != nil {
		return Result{}, err
	}
	drv, err := reg.Find(driverName, d)
	if err != nil {
		return Result{}, err
	}
	p, err := drv.Parse(d)
	if err != nil {
		return Result{}, err
	}
	r := Result{
		Driver: drv.Name(), Source: p.Source, Version: p.Version, GroupKey: p.GroupKey, Ignored: p.Ignored,
		Alerts:   make([]Alert, 0, len(p.Observations)),
		Rejected: append([]event.Rejected{}, p.Rejected...),
	}
	if r.Source == "" {
		r.Source = r.Driver
	}
	for _, o := range p.Observations {
		r.Alerts = append(r.Alerts, alert(o.FirstSight(now.UTC())))
	}
	if len(r.Alerts) == 0 && r.Ignored == "" {
		return r, ErrNothingUsable
	}
	return r, nil
}

func alert(o event.Observation) Alert {
	a := Alert{
		Fingerprint: o.Fingerprint, Name: o.Name, Status: o.Status, Severity: o.Severity, Description: o.Description,
		StartedAt: o.StartedAt.Truncate(time.Microsecond), Labels: o.Labels, Annotations: o.Annotations,
	}
	if !o.EndedAt.IsZero() {
		end := o.EndedAt.Truncate(time.Microsecond)
		a.EndedAt = &end
	}
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	if a.Annotations == nil {
		a.Annotations = map[string]string{}
	}
	return a
}
