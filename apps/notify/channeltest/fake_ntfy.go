package channeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
)

// Ntfy is a server as github.com/binwiederhier/ntfy, v2.11: it takes POST / with JSON, and refuses what that refuses.
type Ntfy struct {
	Authorization string // the header that it asks for; "" is a topic open to all

	mu  sync.Mutex
	got []NtfyMessage
}

// NtfyMessage is a message that it took.
type NtfyMessage struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags"`
	Click    string   `json:"click"`
	Actions  []struct {
		Action string `json:"action"`
		Label  string `json:"label"`
		URL    string `json:"url"`
	} `json:"actions"`
}

var ntfyTopic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

// Messages are those that it took, in order.
func (n *Ntfy) Messages() []NtfyMessage {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got)
}

// Refuses says why it would refuse a request; nil when it would not.
func (n *Ntfy) Refuses(r Request) error {
	_, _, err := n.judge(r.Method, r.URL.Path, r.Header, r.Body)
	return err
}

// Step answers one request.
func (n *Ntfy) Step(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
	m, code, err := n.judge(r.Method, r.URL.Path, r.Header, readAll(r))
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(code / 100)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "http": code / 100, "error": err.Error()})
		return
	}
	n.mu.Lock()
	n.got = append(n.got, m)
	id := fmt.Sprintf("msg%09d", len(n.got))
	n.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "time": 1772359200, "event": "message", "topic": m.Topic, "title": m.Title, "message": m.Message})
}

// judge returns the service's own code, whose first three digits are the status.
func (n *Ntfy) judge(method, path string, header http.Header, body []byte) (m NtfyMessage, code int, err error) {
	switch {
	case path != "/" || method != http.MethodPost && method != http.MethodPut:
		return m, 40401, fmt.Errorf("page not found: %s %s", method, path)
	case n.Authorization != "" && header.Get("Authorization") != n.Authorization:
		return m, 40301, errors.New("forbidden")
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, 40024, fmt.Errorf("invalid request: request body must be message JSON: %w", err)
	}
	switch {
	case !ntfyTopic.MatchString(m.Topic):
		return m, 40009, errors.New("invalid request: topic invalid")
	case m.Priority < 0 || m.Priority > 5:
		return m, 40007, errors.New("invalid request: priority invalid")
	case len(m.Message) > 4096:
		return m, 40014, errors.New("invalid request: attachments not allowed")
	case len(m.Actions) > 3:
		return m, 40018, errors.New("invalid request: actions invalid; only 3 actions allowed")
	}
	for _, a := range m.Actions {
		u, err := url.Parse(a.URL)
		if a.Action != "view" || a.Label == "" || err != nil || u.Host == "" {
			return m, 40018, fmt.Errorf("invalid request: actions invalid: %+v", a)
		}
	}
	return m, 0, nil
}
