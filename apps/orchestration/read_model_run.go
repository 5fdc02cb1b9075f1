package orchestration

import (
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Run is one execution of one version of a definition, as lists, pages and the API show it.
type Run struct {
	ID                id.ID      `json:"run_id" gorm:"column:id"`
	TraceID           string     `json:"trace_id" gorm:"column:trace_id"`
	DefinitionID      id.ID      `json:"definition_id" gorm:"column:definition_id"`
	DefinitionName    string     `json:"definition_name" gorm:"column:definition_name"`
	DefinitionVersion int64      `json:"definition_version" gorm:"column:definition_version"`
	ReceiptID         *id.ID     `json:"receipt_id" gorm:"column:receipt_id"`
	ParentRunID       *id.ID     `json:"parent_run_id" gorm:"column:parent_run_id"`
	IncidentID        *id.ID     `json:"incident_id" gorm:"column:incident_id"`
	EventSeq          int64      `json:"event_seq" gorm:"column:event_seq"`   // of the incident's event that it tells
	EventKind         string     `json:"event_kind" gorm:"column:event_kind"` // of that event
	State             string     `json:"state" gorm:"column:state"`           // pending, running, retrying, succeeded, failed, canceled
	Status            string     `json:"status" gorm:"column:status"`         // pending, ingested, checked, analyzed, notified, failed …
	CurrentNode       string     `json:"current_node" gorm:"column:current_node"`
	Source            string     `json:"source" gorm:"column:source"`
	AlertFingerprint  string     `json:"alert_fingerprint" gorm:"column:alert_fingerprint"`
	Environment       string     `json:"environment" gorm:"column:environment"`
	Origin            string     `json:"origin" gorm:"column:origin"`
	TotalAttempts     int64      `json:"total_attempts" gorm:"column:total_attempts"`
	ErrorType         string     `json:"-" gorm:"column:error_type"`
	ErrorMessage      string     `json:"-" gorm:"column:error_message"`
	ErrorRetryable    bool       `json:"-" gorm:"column:error_retryable"`
	CreatedAt         time.Time  `json:"created_at" gorm:"column:created_at"`
	UpdatedAt         time.Time  `json:"updated_at" gorm:"column:updated_at"`
	StartedAt         *time.Time `json:"started_at" gorm:"column:started_at"`
	CompletedAt       *time.Time `json:"completed_at" gorm:"column:finished_at"`

	LastError       *RunError `json:"last_error" gorm:"-"`        // null when nothing went wrong
	TotalDurationMS *float64  `json:"total_duration_ms" gorm:"-"` // from created to completed, null while it runs
}

// RunError is why a run failed or waits for another try.
type RunError struct {
	Type      string `json:"type"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

// RunRefs name what the stages of a run gave out, as older tools do; "" where none has given out anything.
type RunRefs struct {
	NormalizedPayloadRef  string `json:"normalized_payload_ref"`
	CheckerOutputRef      string `json:"checker_output_ref"`
	IntelligenceOutputRef string `json:"intelligence_output_ref"`
	NotifyOutputRef       string `json:"notify_output_ref"`
	// IntelligenceFallbackUsed says that the run went on without what it had asked an analysis of.
	IntelligenceFallbackUsed bool `json:"intelligence_fallback_used"`
}

// RunDetail is one run with its nodes.
type RunDetail struct {
	Run
	RunRefs
	// Nodes are the nodes that have a state, in the order they were started; those that have not started follow by name.
	Nodes []NodeRun `json:"nodes"`
	// Config is the definition as this run executes it.
	Config json.RawMessage `json:"config"`
	// Graph places the definition's nodes for a picture, null when this release cannot read the definition.
	Graph      *Drawing      `json:"graph"`
	Deliveries []RunDelivery `json:"deliveries"`
	Children   []id.ID       `json:"child_run_ids"` // runs of the same push for its further incidents
}

// NodeRun is where a node of a run stands.
type NodeRun struct {
	Node        string          `json:"node_id" gorm:"column:node"`
	Type        string          `json:"node_type" gorm:"column:type"`
	State       string          `json:"state" gorm:"column:state"`
	Attempt     int64           `json:"attempt" gorm:"column:attempt"`
	Failures    int64           `json:"failures" gorm:"column:failures"`
	Rescues     int64           `json:"rescues" gorm:"column:rescues"`
	HasErrors   bool            `json:"has_errors" gorm:"column:has_errors"`
	Reason      string          `json:"reason" gorm:"column:reason"` // why it was skipped or ended
	Choice      string          `json:"choice" gorm:"column:choice"` // the branch a condition took
	Output      json.RawMessage `json:"output" gorm:"column:output;serializer:json"`
	Pruned      bool            `json:"pruned" gorm:"column:pruned"` // input and output were there and are no longer kept
	StartedAt   *time.Time      `json:"started_at" gorm:"column:started_at"`
	CompletedAt *time.Time      `json:"completed_at" gorm:"column:finished_at"`

	// Of the last execution, which is the last of Attempts.
	Input      json.RawMessage `json:"-" gorm:"column:input;serializer:json"`
	ErrorType  string          `json:"-" gorm:"column:error_type"`
	Error      string          `json:"-" gorm:"column:error"`
	Retryable  bool            `json:"-" gorm:"column:retryable"`
	DurationUS int64           `json:"-" gorm:"column:duration_us"`

	DurationMS *float64  `json:"duration_ms" gorm:"-"` // from its first start to its end, null before
	Attempts   []Attempt `json:"attempts" gorm:"-"`    // in order
}

// Attempt is one execution of a node.
type Attempt struct {
	Node       string          `json:"-" gorm:"column:node"`
	Attempt    int64           `json:"attempt" gorm:"column:attempt"`
	State      string          `json:"state" gorm:"column:state"`
	Input      json.RawMessage `json:"input" gorm:"column:input;serializer:json"`
	Pruned     bool            `json:"pruned" gorm:"column:pruned"` // as of the node
	Output     json.RawMessage `json:"output" gorm:"-"`             // what a failed one gave out is not kept
	ErrorType  string          `json:"error_type" gorm:"column:error_type"`
	Error      string          `json:"error_message" gorm:"column:error"`
	Retryable  bool            `json:"error_retryable" gorm:"column:retryable"`
	StartedAt  time.Time       `json:"started_at" gorm:"column:started_at"`
	DurationUS int64           `json:"-" gorm:"column:duration_us"`

	CompletedAt time.Time `json:"completed_at" gorm:"-"`
	DurationMS  float64   `json:"duration_ms" gorm:"-"`
}

// RunDelivery names a delivery that a node of the run made or joined.
type RunDelivery struct {
	DeliveryID id.ID  `json:"delivery_id" gorm:"column:delivery_id"`
	Node       string `json:"node_id" gorm:"column:node"`
}

func (r *Run) derive() {
	if r.ErrorType != "" || r.ErrorMessage != "" {
		r.LastError = &RunError{Type: r.ErrorType, Message: r.ErrorMessage, Retryable: r.ErrorRetryable}
	}
	r.TotalDurationMS = milliseconds(&r.CreatedAt, r.CompletedAt)
}

// refs names what the nodes gave out.
func (d *RunDetail) refs() {
	var config struct {
		Nodes []struct {
			ID       string `json:"id"`
			Required bool   `json:"required"`
		} `json:"nodes"`
	}
	needed := map[string]bool{} // whose failure the run does not survive
	if json.Unmarshal(d.Config, &config) == nil {
		for _, n := range config.Nodes {
			needed[n.ID] = n.Required
		}
	}
	for i := range d.Nodes {
		n := &d.Nodes[i]
		if n.Type == "intelligence" && !needed[n.Node] && n.FellBack() {
			d.IntelligenceFallbackUsed = true
		}
		if n.State != string(graph.NodeSucceeded) {
			continue
		}
		ref := d.TraceID + ":" + d.ID.String() + ":" + stages[n.Type]
		switch n.Type {
		case "ingest":
			d.NormalizedPayloadRef = "payload:" + ref
		case "context":
			d.CheckerOutputRef = "checker:" + ref
		case "intelligence":
			d.IntelligenceOutputRef = "intelligence:" + ref
		case "notify":
			d.NotifyOutputRef = "notify:" + ref
		}
	}
}

// FellBack reports whether an intelligence node gave out what it did not get from its provider, or nothing, and the run went on.
func (n *NodeRun) FellBack() bool {
	var out struct {
		FallbackUsed bool `json:"fallback_used"`
	}
	if n.State == string(graph.NodeFailed) {
		return n.Reason == ""
	}
	return n.State == string(graph.NodeSucceeded) && json.Unmarshal(n.Output, &out) == nil && out.FallbackUsed
}

// last is a node's last execution, which is kept with the node.
func (n *NodeRun) last() (Attempt, bool) {
	if n.CompletedAt == nil || n.State != string(graph.NodeSucceeded) && n.ErrorType == "" {
		return Attempt{}, false
	}
	a := Attempt{
		Node: n.Node, Attempt: n.Attempt, State: n.State, Pruned: n.Pruned, Input: n.Input, ErrorType: n.ErrorType, Error: n.Error, Retryable: n.Retryable,
		StartedAt: n.CompletedAt.Add(-time.Duration(n.DurationUS) * time.Microsecond), DurationUS: n.DurationUS,
	}
	if n.ErrorType == "" {
		a.Output = n.Output
	} else {
		a.State = string(graph.NodeFailed)
	}
	return a, true
}

func (a *Attempt) derive() {
	a.DurationMS = float64(a.DurationUS) / 1000
	a.CompletedAt = a.StartedAt.Add(time.Duration(a.DurationUS) * time.Microsecond)
}

// milliseconds is the time between two points, nil while one of them is not known.
func milliseconds(from, to *time.Time) *float64 {
	if from == nil || to == nil {
		return nil
	}
	ms := max(0, float64(to.Sub(*from).Microseconds())/1000)
	return &ms
}
