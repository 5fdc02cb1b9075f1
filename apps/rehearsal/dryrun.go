// Package rehearsal holds the words of dry runs and back-tests, and keeps at most one back-test at work: what may be asked, how far it
// is, and what came out. internal/server does the work: the real engine on a database of its own that is thrown away, from which
// nothing can be sent.
package rehearsal

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// ErrBadInput is wrapped by refusals of what was asked for; the text says what to change.
var ErrBadInput = errors.New("this cannot be rehearsed")

// Candidate is a definition as it might be. It takes the place of the stored one of that name, or stands beside the others when there is
// none. Without a config the stored one is meant, made active for the rehearsal when it is not.
type Candidate struct {
	Name   string
	Config json.RawMessage
}

// DryRun asks what the hub would do with one body if it came in now. internal/server answers by its method
//
//	DryRun(ctx context.Context, tenant string, in rehearsal.DryRun) (rehearsal.DryRunResult, error)
//
// which stores nothing in the hub and sends nothing. Alerts and incidents that are known stand as they do in the hub, so a repeat is seen as
// a repeat. Errors: ErrBadInput (no JSON object, unknown driver or pipeline), storage.ErrNotFound (no such source or definition),
// *orchestration.InvalidDefinition (the candidate has problems), storage.ErrUnavailable.
type DryRun struct {
	Body   []byte
	Driver string // "": the source's own, else by the shape of the body
	Source string // name of the source entry; "": the default one
	// Pipeline forces a definition by name, whatever its trigger says; "": routes decide. It may name the candidate.
	Pipeline    string
	Candidate   *Candidate // nil: the definitions as they are
	Environment string     // "": production
	// Of runs by hand. Without a Body one begins as by a start, about Incident if that is set; Pipeline must be set then.
	Labels    map[string]string // put onto every alert of the body, over its own
	Incident  id.ID
	Origin    string // "": that of a webhook
	RunSource string // what the run shows as its source; "": as that of a webhook
	TraceID   string // "": a new one
}

// DryRunResult is what would happen.
type DryRunResult struct {
	Outcome      string           `json:"outcome" doc:"queued, no_route, ignored or rejected."`
	Reason       string           `json:"reason,omitempty"`
	Driver       string           `json:"driver" doc:"Of the tool that the body was read as."`
	TraceID      string           `json:"trace_id"`
	Observations []DryObservation `json:"observations" doc:"One for each alert in the body, in its order."`
	Incidents    []DryIncident    `json:"incidents" doc:"Those that would be opened or changed."`
	Runs         []DryRunOfNodes  `json:"runs"`
	Messages     []DryMessage     `json:"messages" doc:"As each receiver would get them, and those that would be held back."`
}

// DryObservation is what would become of one alert of the body.
type DryObservation struct {
	Index       int               `json:"index"`
	Name        string            `json:"name"`
	Source      string            `json:"source"`
	Fingerprint string            `json:"fingerprint"`
	Status      string            `json:"status"`
	Severity    string            `json:"severity"`
	Labels      map[string]string `json:"labels"`
	Rejected    string            `json:"rejected,omitempty" doc:"Why it cannot be used."`
	Routes      []DryRoute        `json:"routes" doc:"What becomes of it on each pipeline that takes it."`
}

// DryRoute is what would become of an alert on one route, with every decision in order.
type DryRoute struct {
	Definition string           `json:"definition" doc:"Name of the pipeline, empty when none takes it."`
	RunID      id.ID            `json:"run_id" doc:"One of runs."`
	State      string           `json:"state"`
	Reason     string           `json:"reason,omitempty"`
	Trace      []event.Decision `json:"trace"`
}

// DryIncident is an incident that would be opened or changed.
type DryIncident struct {
	ID       id.ID      `json:"id" doc:"Of the hub's incident when known is true, else made up."`
	Known    bool       `json:"known"`
	Title    string     `json:"title"`
	Status   string     `json:"status"`
	Severity string     `json:"severity"`
	Events   []DryEvent `json:"events"`
}

// DryEvent is something that would happen to an incident.
type DryEvent struct {
	Seq  int64  `json:"seq"`
	Kind string `json:"kind"`
}

// DryRunOfNodes is a run that would begin.
type DryRunOfNodes struct {
	ID         id.ID         `json:"id"`
	ParentID   id.ID         `json:"parent_run_id"`
	Definition string        `json:"definition"`
	Version    int64         `json:"version"`
	IncidentID id.ID         `json:"incident_id"`
	State      string        `json:"state"`
	Status     string        `json:"status"`
	Event      string        `json:"event" doc:"What happened to the incident, as the run sees it."`
	Origin     string        `json:"origin"`
	ErrorType  string        `json:"error_type,omitempty"`
	Error      string        `json:"error,omitempty"`
	Nodes      []DryRunsNode `json:"nodes" doc:"In the order of the definition."`
}

// DryRunsNode is where a node would end.
type DryRunsNode struct {
	Node       string          `json:"node"`
	Type       string          `json:"type"`
	State      string          `json:"state"`
	Reason     string          `json:"reason,omitempty" doc:"Why it was skipped."`
	Choice     string          `json:"choice,omitempty"`
	Attempt    int             `json:"attempt"`
	Input      json.RawMessage `json:"input,omitempty"`
	Output     json.RawMessage `json:"output,omitempty"`
	ErrorType  string          `json:"error_type,omitempty"`
	Error      string          `json:"error,omitempty"`
	DurationMS float64         `json:"duration_ms"`
}

// WouldSend is the state of what would be sent.
const WouldSend = "would_send"

// DryMessage is one message to one channel.
type DryMessage struct {
	Channel    string    `json:"channel"`
	Driver     string    `json:"driver"`
	Kind       string    `json:"kind" doc:"firing, updated or resolved."`
	State      string    `json:"state" doc:"would_send or suppressed."`
	Reason     string    `json:"reason,omitempty" doc:"Why it would be held back."`
	Severity   string    `json:"severity"`
	Title      string    `json:"title,omitempty"`
	Body       string    `json:"body,omitempty" doc:"What would go on the wire."`
	IncidentID id.ID     `json:"incident_id"`
	RunID      id.ID     `json:"run_id" doc:"Empty for ends, which are told to whoever was told of the beginning."`
	Node       string    `json:"node,omitempty"`
	At         time.Time `json:"at"`
}
