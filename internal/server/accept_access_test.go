package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/web"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/server"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// free are the addresses that need no credential: nothing of the hub's data is behind them.
func free(method, pattern string) bool {
	p := strings.TrimSuffix(pattern, "/")
	return method == http.MethodGet && (p == "/healthz" || p == "/livez" || p == "/intelligence/health") || p == "/login" || p == "/theme" || p == "/favicon.ico" || strings.HasPrefix(pattern, "/static/")
}

// TestEveryRoute is abuse test A1 for the whole server, pages included: every route that is registered, with no credential, a wrong
// one, one that may only read, and one that may only bring alerts. Nothing is written.
func TestEveryRoute(t *testing.T) {
	t.Parallel()
	// Wrong keys slow their peer down; each of these has an address of its own.
	engines(t, map[string]string{"HUB_TRUSTED_PROXIES": "127.0.0.1"}, func(t *testing.T, h hub) {
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		incident := h.Incident().ID
		read, bring := newKey(t, h, "read"), newKey(t, h, "ingest")
		_, source := newSource(t, h, "east", nil)
		routes := server.Routes(h.Server)
		if len(routes) < 80 {
			t.Errorf("%d routes, fewer than this test was made for", len(routes))
		}
		reading := map[string]bool{ // POSTs that save nothing
			"/api/v1/definitions/lint": true, "/orchestration/definitions/:ref/validate": true, "/orchestration/definitions/validate": true,
			"/api/v1/silences/preview": true, "/api/v1/notifications/preview": true,
		}
		pages := 0
		nothingWritten(t, h, func() {
			for n, r := range routes {
				path := strings.NewReplacer(":id", incident, ":ref", "direct", ":version", "1", ":driver", "generic", ":queue", "notify", ":name", "x", ":checker", "cpu", "*filepath", "x", "*path", "x", ":act", "resolve", ":target", "generic", ":n", "0").Replace(r.Path)
				if strings.ContainsAny(path, ":*") {
					t.Errorf("%s %s has a parameter that this test does not fill in", r.Method, r.Path)
				}
				bare := strings.TrimSuffix(path, "/")
				page := !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/orchestration/") && !strings.HasPrefix(path, "/intelligence/") && !strings.HasPrefix(path, "/notify/") && !strings.HasPrefix(path, "/alerts/webhook") &&
					bare != "/metrics" && bare != "/docs" && bare != "/openapi.json"
				if free(r.Method, r.Path) {
					continue
				}
				if page {
					pages++
				}
				pattern := strings.TrimSuffix(r.Path, "/")
				for name, c := range map[string]struct {
					header string
					may    bool
				}{
					"nobody":  {"", false},
					"wrong":   {fmt.Sprintf("Bearer %06d-wrong", n), false},
					"reader":  {"Bearer " + read, r.Method == http.MethodGet && !page && !strings.HasPrefix(pattern, "/api/v1/keys") && !strings.HasPrefix(pattern, "/alerts/webhook") || reading[pattern]},
					"sender":  {"Bearer " + bring, strings.HasPrefix(pattern, "/alerts/webhook")},
					"source":  {"Bearer " + source, strings.HasPrefix(pattern, "/alerts/webhook")},
					"session": {"Cookie ", false},
				} {
					if c.may {
						continue
					}
					headers := []string{"Authorization", c.header}
					if c.header == "Cookie " {
						headers = []string{"Authorization", "", "Cookie", web.SessionCookie + "=" + id.New().String(), "Origin", h.URL}
					}
					a := h.Ask(r.Method, path, `{}`, append(headers, "X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", n/250, n%250))...)
					ok := a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden
					// A page sends whoever is not logged in to the login.
					if page && a.Status >= 300 && a.Status < 400 && strings.HasPrefix(a.Header.Get("Location"), "/login") {
						ok = true
					}
					if !ok {
						t.Errorf("%s %s as %s: %d %.200s", r.Method, path, name, a.Status, a.Body)
					}
					if strings.Contains(string(a.Body), "Disk") || strings.Contains(string(a.Body), servertest.AdminKey) {
						t.Errorf("%s %s as %s tells what is inside: %.300s", r.Method, path, name, a.Body)
					}
				}
			}
		})
		if pages < 8 {
			t.Errorf("%d pages, fewer than there must be", pages)
		}
		if h.Incident().Status != "open" {
			t.Error("somebody without the right did something to the incident")
		}
	})
}
