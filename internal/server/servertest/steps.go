package servertest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Accepted is the answer to a push.
type Accepted struct {
	Status     string   `json:"status"`
	ReceiptID  string   `json:"receipt_id"`
	TraceID    string   `json:"trace_id"`
	RunID      *string  `json:"run_id"`
	RunIDs     []string `json:"run_ids"`
	PipelineID *string  `json:"pipeline_id"`
	Outcome    string   `json:"outcome"`
	Duplicate  bool     `json:"duplicate"`

	AlertsCreated    int `json:"alerts_created"`
	AlertsUpdated    int `json:"alerts_updated"`
	AlertsResolved   int `json:"alerts_resolved"`
	IncidentsCreated int `json:"incidents_created"`
	IncidentsUpdated int `json:"incidents_updated"`
}

// Send posts a body to the webhook and waits until it is folded.
func (h *Hub) Send(body string, headers ...string) Accepted {
	h.t.Helper()
	return h.SendTo("?sync=1", body, headers...)
}

// SendTo is Send to the rest of an address, such as generic/?sync=1. Without sync it does not wait.
func (h *Hub) SendTo(rest, body string, headers ...string) Accepted {
	h.t.Helper()
	a := h.Ask(http.MethodPost, "/alerts/webhook/"+rest, body, headers...)
	if a.Status != http.StatusOK && a.Status != http.StatusAccepted {
		h.t.Fatalf("push: %d %s", a.Status, a.Body)
	}
	var out Accepted
	if err := json.Unmarshal(a.Body, &out); err != nil {
		h.t.Fatal(err)
	}
	if waits(rest) {
		h.folded(a, &out)
	}
	return out
}

// Tell makes a generic channel to a receiver. more are further fields of the channel, names and values by turns.
func (h *Hub) Tell(name string, r *Receiver, more ...any) {
	h.t.Helper()
	in := map[string]any{"name": name, "driver": "generic", "config": map[string]any{"endpoint": r.URL}}
	for i := 0; i+1 < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", in)
}

// Only makes these definitions the only active ones: names and configs by turns.
func (h *Hub) Only(definitions ...any) {
	h.t.Helper()
	h.Want(http.StatusOK, http.MethodPatch, "/api/v1/definitions/direct", map[string]any{"is_active": false})
	for i := 0; i+1 < len(definitions); i += 2 {
		h.Define(definitions[i].(string), definitions[i+1])
	}
}

// Define makes a definition.
func (h *Hub) Define(name string, config any) {
	h.t.Helper()
	h.Want(http.StatusCreated, http.MethodPost, "/api/v1/definitions", map[string]any{"name": name, "config": config})
}

// Map is a JSON object.
type Map = map[string]any

// Pipeline is a definition: a trigger, and nodes in a row.
func Pipeline(trigger Map, nodes ...Map) Map {
	all := make([]any, 0, len(nodes))
	for _, n := range nodes {
		all = append(all, n)
	}
	on := Map{"on": "webhook"}
	maps.Copy(on, trigger)
	d := Map{"version": "1.0", "trigger": on, "nodes": all}
	if len(nodes) == 0 {
		delete(d, "nodes")
	}
	return d
}

// Ingest is the usual first node.
func Ingest(next any) Map { return Map{"id": "in", "type": "ingest", "config": Map{}, "next": next} }

// Notify is a notify node.
func Notify(id string, channels ...string) Map {
	return Map{"id": id, "type": "notify", "config": Map{"channels": channels}}
}

// Run is one run as the API shows it.
type Run struct {
	ID         string   `json:"run_id"`
	TraceID    string   `json:"trace_id"`
	Definition string   `json:"definition_name"`
	Version    int      `json:"definition_version"`
	Origin     string   `json:"origin"`
	Attempts   int      `json:"total_attempts"`
	Parent     *string  `json:"parent_run_id"`
	IncidentID *string  `json:"incident_id"`
	State      string   `json:"state"`
	Status     string   `json:"status"`
	EventKind  string   `json:"event_kind"`
	Children   []string `json:"child_run_ids"`
	LastError  *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"last_error"`
	Nodes []struct {
		Node     string          `json:"node_id"`
		State    string          `json:"state"`
		Reason   string          `json:"reason"`
		Attempt  int             `json:"attempt"`
		Output   json.RawMessage `json:"output"`
		Attempts []struct {
			Attempt   int             `json:"attempt"`
			State     string          `json:"state"`
			Input     json.RawMessage `json:"input"`
			Output    json.RawMessage `json:"output"`
			Type      string          `json:"error_type"`
			Error     string          `json:"error_message"`
			Retryable bool            `json:"error_retryable"`
			Started   time.Time       `json:"started_at"`
			Completed time.Time       `json:"completed_at"`
		} `json:"attempts"`
	} `json:"nodes"`
	Deliveries []struct {
		ID string `json:"delivery_id"`
	} `json:"deliveries"`
}

// Run reads one run.
func (h *Hub) Run(id string) Run {
	h.t.Helper()
	var r Run
	h.Get("/api/v1/runs/"+id, &r)
	return r
}

// Runs lists the runs that a query selects, oldest first.
func (h *Hub) Runs(query string) []Run { return list[Run](h, "/api/v1/runs?limit=200&"+query) }

// Incident is one incident as the API shows it.
type Incident struct {
	ID         string  `json:"id"`
	Title      string  `json:"title"`
	Status     string  `json:"status"`
	Severity   string  `json:"severity"`
	Summary    string  `json:"summary"`
	EventSeq   int     `json:"event_seq"`
	AlertCount int     `json:"alert_count"`
	Firing     int     `json:"firing_alert_count"`
	ResolvedAt *string `json:"resolved_at"`
	Alerts     []Row   `json:"alerts"`
}

// Row is one alert as the API shows it.
type Row struct {
	Name        string            `json:"name"`
	Status      string            `json:"status"`
	Severity    string            `json:"severity"`
	Source      string            `json:"source"`
	Fingerprint string            `json:"fingerprint"`
	Description string            `json:"description"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Occurrences int               `json:"occurrences"`
	StartedAt   string            `json:"started_at"`
	EndedAt     *string           `json:"ended_at"`
	IncidentID  *string           `json:"incident_id"`
}

// Incidents lists every incident, oldest first.
func (h *Hub) Incidents() []Incident { return list[Incident](h, "/api/v1/incidents?limit=200") }

// Incident is the only one there is.
func (h *Hub) Incident() Incident {
	h.t.Helper()
	all := h.Incidents()
	if len(all) != 1 {
		h.t.Fatalf("%d incidents, want one: %+v", len(all), all)
	}
	h.Get("/api/v1/incidents/"+all[0].ID, &all[0])
	return all[0]
}

// Act does something to an incident and returns it as it is then.
func (h *Hub) Act(id, what string, body any) Incident {
	h.t.Helper()
	status, raw := h.Do(http.MethodPost, "/api/v1/incidents/"+id+"/"+what, body)
	if status != http.StatusOK {
		h.t.Fatalf("%s: %d %s", what, status, raw)
	}
	var i Incident
	if err := json.Unmarshal(raw, &i); err != nil {
		h.t.Fatal(err)
	}
	return i
}

// Alerts lists every alert, oldest first.
func (h *Hub) Alerts() []Row { return list[Row](h, "/api/v1/alerts?limit=200") }

// Delivery is one delivery as the API shows it.
type Delivery struct {
	ID         string `json:"id"`
	IncidentID string `json:"incident_id"`
	Channel    string `json:"channel"`
	Kind       string `json:"kind"`
	State      string `json:"state"`
	Reason     string `json:"reason"`
	Detail     string `json:"detail"`
	Cause      string `json:"cause"`
	Key        string `json:"idempotency_key"`
	Count      int    `json:"attempt_count"`
	Title      string `json:"title"`
	Attempts   []struct {
		At      time.Time `json:"at"`
		Status  int       `json:"status"`
		Verdict string    `json:"verdict"`
		Error   string    `json:"error"`
	} `json:"attempts"`
}

// Deliveries lists the deliveries of a channel, oldest first.
func (h *Hub) Deliveries(channel string) []Delivery {
	return list[Delivery](h, "/api/v1/deliveries?limit=200&attempts=true&channel="+url.QueryEscape(channel))
}

// Outcome is what became of one observation on one route.
type Outcome struct {
	Definition string // id
	RunID      *string
	State      string
	Reason     string
	Trace      []struct{ What, Name, Result, Why string }
}

// Outcomes lists what became of each observation of a receipt.
func (h *Hub) Outcomes(receipt string) [][]Outcome {
	h.t.Helper()
	var r struct {
		Items []struct {
			Outcomes []struct {
				DefinitionID *string `json:"definition_id"`
				RunID        *string `json:"run_id"`
				State        string  `json:"state"`
				Reason       string  `json:"reason"`
				Trace        []struct{ What, Name, Result, Why string }
			} `json:"outcomes"`
		} `json:"observations"`
	}
	h.Get("/api/v1/receipts/"+receipt, &r)
	out := make([][]Outcome, 0, len(r.Items))
	for _, o := range r.Items {
		var row []Outcome
		for _, x := range o.Outcomes {
			one := Outcome{RunID: x.RunID, State: x.State, Reason: x.Reason, Trace: x.Trace}
			if x.DefinitionID != nil {
				one.Definition = *x.DefinitionID
			}
			row = append(row, one)
		}
		out = append(out, row)
	}
	return out
}

// Became is the state and reason of the first route of a receipt's first observation, as state or state(reason).
func (h *Hub) Became(receipt string) string {
	h.t.Helper()
	o := h.Outcomes(receipt)
	if len(o) == 0 || len(o[0]) == 0 {
		h.t.Fatalf("receipt %s has no outcome", receipt)
	}
	return o[0][0].String()
}

// String is state or state(reason).
func (o Outcome) String() string {
	if o.Reason == "" {
		return o.State
	}
	return o.State + "(" + o.Reason + ")"
}

func list[T any](h *Hub, path string) []T {
	h.t.Helper()
	var all []T
	cursor := ""
	for {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next_cursor"`
		}
		h.Get(path+cursor, &page)
		all = append(all, page.Items...)
		if page.Next == "" {
			slices.Reverse(all)
			return all
		}
		cursor = "&cursor=" + page.Next
	}
}
