package rehearsal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Backtest asks what would have been told in a window of the past if things had been otherwise.
type Backtest struct {
	Candidate *Candidate
	Since     time.Time
	Until     time.Time // zero: until now
	// GroupBy are other groupings of source entries, by name: labels, or "vendor" alone for the sender's own key.
	GroupBy map[string][]string
}

// MostListed is how many lines of one kind a report lists; their number is told in any case.
const MostListed = 100

// Report says what would have been otherwise. Before is what really happened, after is what the rehearsal did.
type Report struct {
	Summary      []string `json:"summary" doc:"The result in plain sentences."`
	Definition   string   `json:"definition" doc:"Name of the pipeline that was tried, empty when only groupings were."`
	Since        string   `json:"since"`
	Until        string   `json:"until"`
	Receipts     int      `json:"receipts"`
	Observations int      `json:"observations"`
	TookMS       int64    `json:"took_ms"`

	Messages  []ChannelCount `json:"messages" doc:"Messages per channel and kind."`
	HeldBack  []ChannelCount `json:"held_back" doc:"What was, and would be, suppressed, per channel, kind and reason."`
	Fewer     Messages       `json:"fewer" doc:"Messages that were sent and would not be."`
	More      Messages       `json:"more" doc:"Messages that were not sent and would be."`
	Nowhere   Observations   `json:"nowhere" doc:"Alerts that somebody was told of and that would go nowhere."`
	Somewhere Observations   `json:"somewhere" doc:"Alerts that went nowhere and that somebody would be told of."`
	Merged    Incidents      `json:"merged" doc:"Incidents that would be one."`
	Split     Incidents      `json:"split" doc:"Incidents that would be several."`
	// Unreadable are receipts that could be read then and cannot now; Readable is the reverse.
	Unreadable Receipts `json:"unreadable" doc:"Receipts that could be read then and cannot be now."`
	Readable   Receipts `json:"readable" doc:"Receipts that could not be read then and can be now."`
	Notes      []string `json:"notes" doc:"What the comparison cannot show."`
}

// ChannelCount is a number of messages, as it was and as it would be.
type ChannelCount struct {
	Channel string `json:"channel"`
	Kind    string `json:"kind"`
	Reason  string `json:"reason,omitempty"`
	Before  int64  `json:"before"`
	After   int64  `json:"after"`
}

// Messages are lines about messages, at most MostListed.
type Messages struct {
	Total int64         `json:"total"`
	Items []MessageLine `json:"items"`
}

// MessageLine is one message that would be there, or not, with where to look.
type MessageLine struct {
	Channel    string   `json:"channel"`
	Kind       string   `json:"kind"`
	Alert      string   `json:"alert" doc:"Name of the alert that it is about."`
	Was        string   `json:"was,omitempty" doc:"What became of the alert."`
	WouldBe    string   `json:"would_be,omitempty" doc:"What would become of it."`
	ReceiptID  id.ID    `json:"receipt_id"`
	IncidentID id.ID    `json:"incident_id" doc:"The real one; empty when there is none."`
	RunID      id.ID    `json:"run_id" doc:"The real run that told it; empty when there is none."`
	DeliveryID id.ID    `json:"delivery_id" doc:"The real one; empty for messages that were not sent."`
	Links      []string `json:"links"`
}

// Observations are lines about alerts that came in, at most MostListed.
type Observations struct {
	Total int64             `json:"total"`
	Items []ObservationLine `json:"items"`
}

// ObservationLine is one alert of a receipt.
type ObservationLine struct {
	ReceiptID  id.ID    `json:"receipt_id"`
	Index      int      `json:"index"`
	Alert      string   `json:"alert"`
	Was        string   `json:"was"`
	WouldBe    string   `json:"would_be"`
	IncidentID id.ID    `json:"incident_id"`
	RunID      id.ID    `json:"run_id"`
	Links      []string `json:"links"`
}

// Incidents are groups of incidents, at most MostListed.
type Incidents struct {
	Total int64          `json:"total"`
	Items []IncidentLine `json:"items"`
}

// IncidentLine is one incident that would be made of several, or the reverse.
type IncidentLine struct {
	Incidents []id.ID  `json:"incidents" doc:"The real ones: several that would be one, or one that would be several."`
	Titles    []string `json:"titles" doc:"Of the incidents that there would be."`
	Parts     int64    `json:"parts" doc:"How many become one, or how many there would be."`
	Receipts  []id.ID  `json:"receipts" doc:"Receipts to look at, one of each part, at most ten."`
	Links     []string `json:"links"`
}

// Receipts are lines about receipts, at most MostListed.
type Receipts struct {
	Total int64         `json:"total"`
	Items []ReceiptLine `json:"items"`
}

// ReceiptLine is one receipt.
type ReceiptLine struct {
	ReceiptID id.ID    `json:"receipt_id"`
	Why       string   `json:"why"`
	Links     []string `json:"links"`
}

// SinceHelp says what ParseSince reads.
const SinceHelp = "write a time like 2026-11-20T10:00:00Z, or how long ago: 7d, 2w, 36h, 90m"

// longest is how many days or weeks may lie between the beginning of a window and now.
const longest = 10_000

// ParseSince reads the beginning of a window: a point in time (RFC 3339), or how long before now: 7d, 2w, 36h, 90m.
func ParseSince(text string, now time.Time) (time.Time, error) {
	bad := fmt.Errorf("%w: %s", ErrBadInput, SinceHelp)
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	if text == "" {
		return time.Time{}, bad
	}
	day := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
	span, err := time.ParseDuration(text)
	if day > 0 {
		var n float64
		n, err = strconv.ParseFloat(text[:len(text)-1], 64)
		if err == nil && n > 0 && n < longest {
			span = time.Duration(n * float64(day))
		}
	}
	if err != nil || span <= 0 {
		return time.Time{}, bad
	}
	return now.Add(-span).UTC(), nil
}
