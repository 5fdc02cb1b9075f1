package channeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// PagerDuty is a fake of PagerDuty's Events API v2: it refuses what the API refuses and keeps alerts by deduplication key.
//
//	pd := channeltest.NewPagerDuty("0123456789abcdef0123456789abcdef")
//	r := channeltest.Receive(t, pd.Step)
type PagerDuty struct {
	key string

	mu     sync.Mutex
	alerts []*PagerDutyAlert
}

// PagerDutyAlert is an alert, with the incident that it opened.
type PagerDutyAlert struct {
	DedupKey string
	State    string   // triggered, acknowledged or resolved
	Actions  []string // all that was sent for it, in order
	Notified int      // how often somebody was woken: once, unless it was triggered anew after its end
	Last     map[string]any
}

// The states of an alert.
const (
	PagerDutyTriggered    = "triggered"
	PagerDutyAcknowledged = "acknowledged"
	PagerDutyResolved     = "resolved"
)

// NewPagerDuty knows one service, with this integration key.
func NewPagerDuty(integrationKey string) *PagerDuty { return &PagerDuty{key: integrationKey} }

// Alerts returns the alerts, in the order they were opened. A key that was triggered again after its end has several.
func (p *PagerDuty) Alerts() []PagerDutyAlert {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := copies(p.alerts)
	for i := range out {
		out[i].Actions = slices.Clone(out[i].Actions)
	}
	return out
}

// Accepted is the answer of the API to an event that it took.
func (p *PagerDuty) Accepted(dedupKey string) Step {
	return Answer(http.StatusAccepted, fmt.Sprintf(`{"status":"success","message":"Event processed","dedup_key":%q}`, dedupKey))
}

// Step is the API.
func (p *PagerDuty) Step(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
	body := readAll(r)
	if r.URL.Path != "/v2/enqueue" {
		Answer(http.StatusNotFound, `{"error":{"message":"Not Found","code":2100}}`)(w, r, gone)
		return
	}
	status, err := p.refuse(r.Method, body)
	if err != nil {
		answer, _ := json.Marshal(map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": []string{err.Error()}})
		Answer(status, string(answer), "Content-Type", "application/json")(w, r, gone)
		return
	}
	var e map[string]any
	_ = json.Unmarshal(body, &e) // refuse has read it
	p.Accepted(p.take(e))(w, r, gone)
}

// Refuses is HTTP.Refuses.
func (p *PagerDuty) Refuses(r Request) error {
	if r.URL.Path != "/v2/enqueue" {
		return fmt.Errorf("no such path: %s", r.URL.Path)
	}
	_, err := p.refuse(r.Method, r.Body)
	return err
}

// refuse follows developer.pagerduty.com, "Send an Alert Event", and the API's schema.
func (p *PagerDuty) refuse(method string, body []byte) (int, error) {
	bad := func(format string, args ...any) (int, error) {
		return http.StatusBadRequest, fmt.Errorf(format, args...)
	}
	if method != http.MethodPost {
		return http.StatusMethodNotAllowed, fmt.Errorf("method %s", method)
	}
	if len(body) > 512_000 {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("%d bytes are more than 512 KB", len(body))
	}
	var e struct {
		RoutingKey *string `json:"routing_key"`
		Action     string  `json:"event_action"`
		DedupKey   string  `json:"dedup_key"`
		Client     string  `json:"client"`
		ClientURL  string  `json:"client_url"`
		Payload    *struct {
			Summary   string         `json:"summary"`
			Source    string         `json:"source"`
			Severity  string         `json:"severity"`
			Timestamp string         `json:"timestamp"`
			Component string         `json:"component"`
			Group     string         `json:"group"`
			Class     string         `json:"class"`
			Details   map[string]any `json:"custom_details"`
		} `json:"payload"`
		Links []struct {
			Href string `json:"href"`
			Text string `json:"text"`
		} `json:"links"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return bad("JSON parse error: %w", err)
	}
	switch {
	case e.RoutingKey == nil:
		return bad("'routing_key' is missing or blank")
	case *e.RoutingKey != p.key:
		return bad("Invalid routing key")
	case e.Action != "trigger" && e.Action != "acknowledge" && e.Action != "resolve":
		return bad("'event_action' is invalid: %q", e.Action)
	case utf8.RuneCountInString(e.DedupKey) > 255:
		return bad("'dedup_key' is too long")
	case e.Action != "trigger" && e.DedupKey == "":
		return bad("'dedup_key' is missing or blank")
	case e.Action != "trigger":
		return 0, nil
	case e.Payload == nil:
		return bad("'payload' is missing or blank")
	case e.Payload.Summary == "", utf8.RuneCountInString(e.Payload.Summary) > 1024:
		return bad("'payload.summary' is blank or longer than 1024 characters")
	case e.Payload.Source == "":
		return bad("'payload.source' is missing or blank")
	case !slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity):
		return bad("'payload.severity' is invalid: %q", e.Payload.Severity)
	}
	if at := e.Payload.Timestamp; at != "" {
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			return bad("'payload.timestamp' is invalid: %w", err)
		}
	}
	for _, l := range e.Links {
		if u, err := url.Parse(l.Href); err != nil || u.Host == "" {
			return bad("'links' has no address: %q", l.Href)
		}
	}
	return 0, nil
}

// take does what an event says and returns its key.
func (p *PagerDuty) take(e map[string]any) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	action, key := str(e, "event_action"), str(e, "dedup_key")
	if key == "" {
		key = fmt.Sprintf("made-up-%d", len(p.alerts)+1)
	}
	var open *PagerDutyAlert
	for _, a := range p.alerts {
		if a.DedupKey == key && a.State != PagerDutyResolved {
			open = a
		}
	}
	if open == nil {
		if action != "trigger" { // taken and without effect, as the API does
			return key
		}
		open = &PagerDutyAlert{DedupKey: key, State: PagerDutyTriggered, Notified: 1}
		p.alerts = append(p.alerts, open)
	}
	switch {
	case action == "trigger":
		open.Last = e
	case action == "resolve":
		open.State = PagerDutyResolved
	case open.State == PagerDutyTriggered:
		open.State = PagerDutyAcknowledged
	}
	open.Actions = append(open.Actions, action)
	return key
}
