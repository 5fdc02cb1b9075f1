//go:build unix

package target

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// adminKey opens the hubs under test, which listen on the loopback for minutes.
const adminKey = "bench-admin-key-0123456789abcdef"

// Redirect gives the channel that Setup made another address.
func (h *Hub) Redirect(ctx context.Context, receiver string) error {
	return h.call(ctx, http.MethodPatch, "/api/v1/channels/receiver", map[string]any{"config": map[string]any{"endpoint": receiver}}, nil)
}

// Setup says what a hub is to have beside its defaults.
type Setup struct {
	Receiver string // URL of a generic channel, "" for none
	Pipeline string // the definition that is active, "" for none
	TakesIn  bool   // the server takes alerts in and leaves the rest to workers
}

// Setup makes a source for the load and does what s asks for.
func (h *Hub) Setup(ctx context.Context, s Setup) error {
	var source struct {
		Key string `json:"key"`
	}
	if err := h.call(ctx, http.MethodPost, "/api/v1/sources", map[string]any{"name": "bench"}, &source); err != nil {
		return err
	}
	h.Key = source.Key
	if s.Receiver != "" {
		channel := map[string]any{"name": "receiver", "driver": "generic", "config": map[string]any{"endpoint": s.Receiver}}
		if err := h.call(ctx, http.MethodPost, "/api/v1/channels", channel, nil); err != nil {
			return err
		}
	}
	var list struct {
		Items []struct {
			ID       string `json:"id"`
			Name     string `json:"name"`
			IsActive bool   `json:"is_active"`
		} `json:"items"`
	}
	if err := h.call(ctx, http.MethodGet, "/api/v1/definitions", nil, &list); err != nil {
		return err
	}
	for _, d := range list.Items {
		if active := d.Name == s.Pipeline; active != d.IsActive {
			if err := h.call(ctx, http.MethodPatch, "/api/v1/definitions/"+d.ID, map[string]any{"is_active": active}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Ledger is the hub's own account of what became of the alerts.
type Ledger struct {
	Counts   map[string]int64 `json:"counts"`
	ByReason map[string]int64 `json:"by_reason"`
	Balanced bool             `json:"balanced"`
	Problem  string           `json:"problem"`
}

// Ledger asks for it; the hub checks its books to answer, as far as they are older than 5 seconds.
func (h *Hub) Ledger(ctx context.Context) (l Ledger, err error) {
	return l, h.call(ctx, http.MethodGet, "/api/v1/ledger", nil, &l)
}

func (h *Hub) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+h.Address+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+adminKey)
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, raw)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}
