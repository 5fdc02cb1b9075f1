// Package providers is the contract of those who analyse incidents: the local analyzer, and language models behind an API. A provider
// gives an answer and has no handle on anything that can change a state.
package providers

import (
	"context"
	"encoding/json"
	"time"
)

// Provider analyses an incident. It is safe for concurrent use and holds no state of requests.
type Provider interface {
	// Name is stored with each analysis: lower case, never changed.
	Name() string
	// Analyze answers within ctx. An error has a class (see Error) and leaves nothing behind.
	Analyze(ctx context.Context, r *Request) (*Answer, error)
}

// Request is what an analysis is made of. What it holds of alerts comes from outside and is hostile.
type Request struct {
	// Kind asks for one report of the local analyzer ("memory", "disk", "cpu"); "": whatever fits the incident.
	Kind     string    `json:"kind,omitempty"`
	Incident *Incident `json:"incident,omitempty"` // nil: look at the host as it is
	Evidence Evidence  `json:"evidence"`
	Hint     string    `json:"hint,omitempty"`    // system_prompt_hint of the node, trusted
	Context  string    `json:"context,omitempty"` // extra_context of the node, trusted
	Options  Options   `json:"options"`
	// Prompt is what a language model is asked; nil for providers that reason by themselves.
	Prompt *Prompt `json:"-"`
}

// Incident is what is to be explained.
type Incident struct {
	ID          string            `json:"id,omitempty"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Severity    string            `json:"severity"`
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels,omitempty"` // common to its alerts, or given
	StartedAt   time.Time         `json:"started_at,omitzero"`
	Metadata    map[string]any    `json:"metadata,omitempty"`
}

// Evidence is what claims may cite, each piece by its id.
type Evidence struct {
	Alerts  []Alert  `json:"alerts,omitempty"`  // A1…
	Checks  []Check  `json:"checks,omitempty"`  // C1…, failed ones first
	History []Past   `json:"history,omitempty"` // H1…
	Changes []Change `json:"changes,omitempty"` // R1…
	Runbook []string `json:"runbooks,omitempty"`
}

// Alert is one alert of the incident.
type Alert struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Severity    string            `json:"severity,omitempty"`
	Status      string            `json:"status,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	StartedAt   time.Time         `json:"started_at,omitzero"`
	Count       int               `json:"count,omitempty"` // alerts of this name, this one included
}

// Check is a result of a host check.
type Check struct {
	ID      string         `json:"id"`
	Name    string         `json:"checker_name"`
	Status  string         `json:"status"` // ok, warning, critical, unknown
	Message string         `json:"message"`
	Metrics map[string]any `json:"metrics,omitempty"`
	Host    string         `json:"hostname,omitempty"`
}

// Past is an earlier incident like this one.
type Past struct {
	ID         string    `json:"id"`
	IncidentID string    `json:"incident_id,omitempty"`
	Title      string    `json:"title"`
	Summary    string    `json:"summary,omitempty"` // cause, and what helped
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	Similarity float64   `json:"similarity,omitempty"` // 0..1
}

// Change is something that was changed shortly before.
type Change struct {
	ID      string            `json:"id"`
	Title   string            `json:"title"`
	Kind    string            `json:"kind,omitempty"`
	Service string            `json:"service,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	At      time.Time         `json:"at"`
	URL     string            `json:"url,omitempty"`
	Author  string            `json:"author,omitempty"`
}

// Options are what an operator or a caller may choose for one analysis. Zero values mean the provider's own.
type Options struct {
	TopProcesses int      `json:"top_n_processes,omitempty"`         // 10
	LargeFileMB  int      `json:"large_file_threshold_mb,omitempty"` // 100
	OldFileDays  int      `json:"old_file_days,omitempty"`           // 30
	ScanPaths    []string `json:"scan_paths,omitempty"`              // /var/log, /tmp, /var/tmp, ~/.cache, /var/cache
	Path         string   `json:"path,omitempty"`                    // for disk reports; "": the incident's, or /
	Model        string   `json:"model,omitempty"`
	MaxTokens    int      `json:"max_tokens,omitempty"`
	Temperature  *float64 `json:"temperature,omitempty"`
}

// Prompt is what is asked in words. Schema is the JSON Schema of the answer.
type Prompt struct {
	Version string
	System  string
	User    string
	Schema  json.RawMessage
}

// Rungs say who wrote an analysis.
const (
	RungProvider = "provider" // a language model
	RungLocal    = "local"    // the local analyzer, which looked at the host
	RungFacts    = "facts"    // nobody reasoned: what checks and alerts say
)

// Answer is what came back. Providers that reason by themselves fill Result, those that are asked in words Text.
type Answer struct {
	Result *Result
	Text   string
	Rung   string // "": the provider's own. The local analyzer says facts when the incident is about another machine
	Model  string // as the answer says it
	Cut    bool   // the answer was cut at its limit
	Usage  Usage
}

// Usage counts tokens; nil is unknown.
type Usage struct {
	Prompt     *int64 `json:"prompt_tokens"`
	Completion *int64 `json:"completion_tokens"`
	Total      *int64 `json:"total_tokens"`
}

// Result is an analysis.
type Result struct {
	Summary         string           `json:"summary"`
	ProbableCause   string           `json:"probable_cause"`
	Confidence      *float64         `json:"confidence"` // 0..1; nil: unknown
	Recommendations []Recommendation `json:"recommendations"`
}

// Kinds of recommendations.
const (
	Memory  = "memory"
	Disk    = "disk"
	CPU     = "cpu"
	Proc    = "process"
	Network = "network"
	General = "general"
)

// Priorities of recommendations, least first.
const (
	Low      = "low"
	Medium   = "medium"
	High     = "high"
	Critical = "critical"
)

// Recommendation is one thing that is wrong, and what to do.
type Recommendation struct {
	Type        string         `json:"type"`
	Priority    string         `json:"priority"`
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Actions     []string       `json:"actions"`
	Evidence    []string       `json:"evidence"`
	Details     map[string]any `json:"details"`
	Grounded    *bool          `json:"grounded,omitempty"` // it stands on evidence or on what was measured; nil: nobody has looked
	IncidentID  string         `json:"incident_id,omitempty"`
}

// Culprit is details.culprit: what is to blame.
type Culprit struct {
	Kind    string `json:"kind"` // process, path, mount, endpoint, interface, cgroup, service, resolver
	PID     int    `json:"pid,omitempty"`
	Name    string `json:"name,omitempty"`
	Path    string `json:"path,omitempty"`
	Address string `json:"address,omitempty"`
}

// Classes of errors.
const (
	ErrAuth       = "auth"
	ErrQuota      = "quota"
	ErrRateLimit  = "rate_limit"
	ErrOverloaded = "overloaded"
	ErrServer     = "server"
	ErrNetwork    = "network"
	ErrBadRequest = "bad_request"
	ErrNotFound   = "not_found"
	ErrTooLarge   = "too_large"
	ErrRefusal    = "refusal"
	ErrMalformed  = "malformed"
	ErrTimeout    = "timeout"
	ErrInternal   = "internal" // the provider's own code failed
	ErrConfig     = "config"   // nobody was asked: the stored settings cannot be used
	ErrBudget     = "budget"   // nobody was asked: the operator's limit of calls, tokens or money is reached
)

// Error is a failed call. Err is for logs that are redacted; only Class goes to rows, pages and messages.
type Error struct {
	Class string
	Wait  time.Duration // the provider said when to come back; 0: it did not
	Err   error
}

func (e *Error) Error() string { return e.Class + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
