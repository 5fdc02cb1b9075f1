package channeltest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// table is what every driver makes of what a receiver does (RELIABILITY section 2, C18).
func (h HTTP) table() map[string]Row {
	rows := map[string]Row{
		"accepted":           {h.Accept, channel.Done, "", 0},
		"200 and 10 MiB":     {Huge(10 << 20), channel.Done, "", 0},
		"302 in a circle":    {Redirect(), channel.Permanent, "http_302", 0},
		"400":                {Answer(400, "no"), channel.Permanent, "http_400", 0},
		"401":                {Answer(401, "no"), channel.Permanent, "http_401", 0},
		"404":                {Answer(404, "no"), channel.Permanent, "http_404", 0},
		"408":                {Answer(408, "late"), channel.Retry, "http_408", 0},
		"425":                {Answer(425, "early"), channel.Retry, "http_425", 0},
		"429":                {Answer(429, "slow down", "Retry-After", "7"), channel.Retry, "http_429", 7 * time.Second},
		"429 without a wait": {Answer(429, "slow down"), channel.Retry, "http_429", 0},
		"500":                {Answer(500, "oops"), channel.Retry, "http_500", 0},
		"500 and 10 MiB":     {HugeStatus(http.StatusInternalServerError, 10<<20), channel.Retry, "http_500", 0},
		"501":                {Answer(501, "never"), channel.Permanent, "http_501", 0},
		"503":                {Answer(503, "busy", "Retry-After", "60"), channel.Retry, "http_503", time.Minute},
		"hang":               {Hang(), channel.Retry, "timeout", 0},
		"reset after accept": {Reset(), channel.Retry, "reset", 0},
		"one byte a second":  {Drip(), channel.Retry, "timeout", 0},
	}
	for name, row := range h.Rows {
		if row.Step == nil {
			row.Step = rows[name].Step
		}
		rows[name] = row
	}
	return rows
}

func (h HTTP) verdicts(t *testing.T) {
	t.Helper()
	for name, tt := range h.table() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.Step == nil || tt.Want == "" {
				t.Fatal("the row has no Step, or wants nothing")
			}
			r, c := h.open(t, tt.Step)
			o := Rendered(t, c, Notice())
			wait := bound
			if tt.Class == "timeout" {
				wait = patience
			}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			got := c.Send(ctx, o)
			if got.Verdict != tt.Want || got.Class != tt.Class || got.RetryAfter != tt.After {
				t.Errorf("got %s %q after %s, want %s %q after %s (%+v)", got.Verdict, got.Class, got.RetryAfter, tt.Want, tt.Class, tt.After, got)
			}
			if (got.Error == "") != (tt.Want == channel.Done) {
				t.Errorf("error %q with verdict %s", got.Error, got.Verdict)
			}
			if len(got.Response) > channel.MaxAnswer {
				t.Errorf("%d bytes of the answer are kept", len(got.Response))
			}
			if n := len(r.Requests()); n != 1 {
				t.Errorf("one attempt made %d requests", n)
			}
		})
	}
}

// blocked: the guarded client is the only way out.
func (h HTTP) blocked(t *testing.T) {
	t.Helper()
	t.Parallel()
	r := Receive(t)
	c, err := h.New(Client(t)).New(json.RawMessage(h.Config(r.URL))) // not on the allow-list
	if err != nil {                                                  // drivers that know where their receivers are need not wait for the first call
		if !errors.Is(err, channel.ErrConfig) || !strings.Contains(err.Error(), "HUB_EGRESS_ALLOW="+r.Allow) {
			t.Errorf("got %v", err)
		}
		return
	}
	got := c.Send(t.Context(), Rendered(t, c, Notice()))
	if got.Verdict != channel.Permanent || got.Class != "blocked_address" || !strings.Contains(got.Error, "HUB_EGRESS_ALLOW="+r.Allow) {
		t.Errorf("got %+v", got)
	}
	if n := len(r.Requests()); n != 0 {
		t.Errorf("%d requests reached a blocked address", n)
	}
}
