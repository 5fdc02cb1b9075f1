package server_test

import (
	"net/http"
	"testing"
)

// TestUnstorableText: what a database cannot store is refused or cleaned, never a fault of the hub.
func TestUnstorableText(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		for _, path := range []string{
			"/api/v1/alerts?q=%00", "/api/v1/alerts?name=a%00b", "/api/v1/alerts?source=%ff", "/api/v1/alerts?fingerprint=%00", "/api/v1/incidents?q=%00",
			"/api/v1/sources/%00", "/api/v1/channels/a%00", "/api/v1/definitions/%ff", "/api/v1/runs?definition=%00", "/api/v1/runs?source=%00",
			"/api/v1/runs?status=%00", "/api/v1/receipts?driver=%00", "/api/v1/receipts?source=%00", "/api/v1/deliveries?channel=%00",
			"/orchestration/definitions/%00", "/orchestration/pipelines?source=%00&status=%00", "/alerts/webhook/%00/", "/api/v1/alerts?q=%00&limit=%zz", "/incidents?q=%00",
		} {
			if status, raw := h.Do(http.MethodGet, path, nil); status != http.StatusBadRequest {
				t.Errorf("GET %s: %d %s", path, status, raw)
			}
		}
		for path, body := range map[string]any{
			"/api/v1/sources":                obj{"name": "a", "description": "x\x00y", "source_name": "\x00"},
			"/api/v1/channels":               obj{"name": "a", "driver": "generic", "description": "x\x00y", "config": obj{"channel": "\x00"}},
			"/api/v1/definitions":            obj{"name": "a", "description": "x\x00y", "config": obj{"version": "1.0", "description": "\x00", "nodes": []any{obj{"id": "in", "type": "ingest"}}}},
			"/api/v1/keys":                   obj{"name": "a\x00", "scopes": []string{"read"}},
			"/api/v1/definitions/lint":       obj{"version": "\x00"},
			"/alerts/webhook/?source=%00":    obj{"name": "x"},
			"/alerts/webhook/?pipeline=%00":  obj{"name": "x"},
			"/alerts/webhook/generic?sync=1": obj{"name": "x\x00", "source": "\x00", "labels": obj{"\x00": "\x00"}},
		} {
			if status, raw := h.Do(http.MethodPost, path, body); status >= 500 {
				t.Errorf("POST %s: %d %s", path, status, raw)
			}
		}
	})
}
