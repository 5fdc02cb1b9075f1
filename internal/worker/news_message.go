package worker

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
)

const (
	newsVersion = 1
	newsBytes   = 64 << 10 // of a message that is read; the longest that is written has a tenth of it
	tenantBytes = 200
)

// message is news on the wire. Only newsVersion is read: a process of another release may say things that this one misreads, and a
// page that is not told reads anew by itself.
type message struct {
	Version int                `json:"v"`
	From    id.ID              `json:"from"`
	Tenant  string             `json:"tenant"`
	Changed map[string][]id.ID `json:"changed,omitempty"` // by kind; the zero id stands for no id
	Reload  bool               `json:"reload,omitempty"`
}

func (n *news) write(tenant string, of *note) ([]byte, error) {
	m := message{Version: newsVersion, From: n.from, Tenant: tenant, Reload: of.reload, Changed: map[string][]id.ID{}}
	for e := range of.events {
		m.Changed[e.Kind] = append(m.Changed[e.Kind], e.ID)
	}
	return json.Marshal(m)
}

var errNews = errors.New("malformed news")

// readNews returns what a message says. Redis may be shared: anything can come.
func readNews(text string) (m message, events []pubsub.Event, err error) {
	if len(text) > newsBytes {
		return m, nil, fmt.Errorf("%w: %d bytes", errNews, len(text))
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return m, nil, fmt.Errorf("%w: %w", errNews, err)
	}
	if m.Version != newsVersion || m.From.IsZero() || m.Tenant == "" || len(m.Tenant) > tenantBytes {
		return m, nil, errNews
	}
	if m.Reload {
		return m, []pubsub.Event{{Kind: pubsub.Reload}}, nil
	}
	for kind, ids := range m.Changed {
		if !isKind(kind) || len(events)+len(ids) > newsMost {
			return m, nil, errNews
		}
		for _, i := range ids {
			events = append(events, pubsub.Event{Kind: kind, ID: i})
		}
	}
	return m, events, nil
}

// isKind reports whether a kind is one that streams can carry: a word of small letters.
func isKind(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 40 && s != pubsub.Reload
}
