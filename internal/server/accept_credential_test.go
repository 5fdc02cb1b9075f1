package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// none takes the admin key out of a request.
var none = []string{"Authorization", ""}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func newKey(t *testing.T, h hub, scopes ...string) string {
	t.Helper()
	name := "k" + strconv.Itoa(int(count(t, h, "api_keys")))
	return h.Want(http.StatusCreated, http.MethodPost, "/api/v1/keys", obj{"name": name, "scopes": scopes})["key"].(string)
}

// newSource makes an entry and returns its id and key.
func newSource(t *testing.T, h hub, name string, more obj) (id, key string) {
	t.Helper()
	in := obj{"name": name}
	maps.Copy(in, more)
	got := h.Want(http.StatusCreated, http.MethodPost, "/api/v1/sources", in)
	return got["id"].(string), got["key"].(string)
}

// TestCredentials: every way to bring a key, and what is not one. Nothing is written for those.
func TestCredentials(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		_, key := newSource(t, h, "east", nil)
		read, ingestOnly := newKey(t, h, "read"), newKey(t, h, "ingest")
		narrow := h.Want(http.StatusCreated, http.MethodPost, "/api/v1/keys", obj{
			"name": "narrow", "scopes": []string{"ingest"}, "allowed_endpoints": []string{"/alerts/webhook/grafana"},
		})["key"].(string)
		off := newKey(t, h, "ingest")
		h.Want(http.StatusOK, http.MethodDelete, "/api/v1/keys/k3", nil)
		for name, tt := range map[string]struct {
			headers []string
			want    int
		}{
			"bearer":             {[]string{"Authorization", "Bearer " + key}, 202},
			"bearer, lower case": {[]string{"Authorization", "bearer " + key}, 202},
			"X-API-Key":          {[]string{"Authorization", "", "X-API-Key", key}, 202},
			"X-Hub-Token":        {[]string{"Authorization", "", "X-Hub-Token", key}, 202},
			"basic":              {[]string{"Authorization", basic("anybody", key)}, 202},
			"basic without user": {[]string{"Authorization", basic("", key)}, 202},
			"first key":          {[]string{"Authorization", "Bearer " + h.Server.IngestKey()}, 202},
			"admin key":          {nil, 202},
			"key for ingest":     {[]string{"Authorization", "Bearer " + ingestOnly}, 202},
			"none":               {none, 401},
			"empty":              {[]string{"Authorization", "Bearer "}, 401},
			"wrong":              {[]string{"Authorization", "Bearer wrong"}, 401},
			"cut off":            {[]string{"Authorization", "Bearer " + key[:len(key)-1]}, 401},
			"upper case":         {[]string{"Authorization", "Bearer " + "X" + key}, 401},
			"basic, as user":     {[]string{"Authorization", basic(key, "")}, 401},
			"other scheme":       {[]string{"Authorization", "Token " + key}, 401},
			"bare":               {[]string{"Authorization", key}, 401},
			"revoked":            {[]string{"Authorization", "Bearer " + off}, 401},
			"read only":          {[]string{"Authorization", "Bearer " + read}, 403},
			"other address":      {[]string{"Authorization", "Bearer " + narrow}, 403},
			"a session's cookie": {[]string{"Authorization", "", "Cookie", "hub_session=" + key}, 401},
		} {
			if tt.want == http.StatusAccepted {
				if a := h.Ask(http.MethodPost, door, servertest.Fire("Disk"), tt.headers...); a.Status != tt.want {
					t.Errorf("%s: %d %s", name, a.Status, a.Body)
				}
				continue
			}
			h.Rest()
			nothingWritten(t, h, func() {
				for _, path := range []string{door, "/alerts/webhook", door + "alertmanager/?sync=1&key=" + key, door + "nosuch/", door + "?source=east"} {
					refused(t, name+" "+path, h.Ask(http.MethodPost, path, servertest.Fire("Disk"), tt.headers...), tt.want)
				}
				refused(t, name+" GET", h.Ask(http.MethodGet, door, nil, tt.headers...), tt.want)
			})
		}
		if a := h.Ask(http.MethodPost, door+"grafana", `{"state":"ok","title":"x","ruleName":"x","ruleId":1}`, "Authorization", "Bearer "+narrow); a.Status != http.StatusAccepted {
			t.Errorf("the address that the key is for: %d %s", a.Status, a.Body)
		}
		atRest(t, h, nil)
	})
}

// TestSources: an entry decides how alerts are named, read and grouped; a key speaks for its own entry only.
func TestSources(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		eastID, east := newSource(t, h, "east", obj{"source_name": "am-east", "group_by": []string{"cluster"}})
		westID, west := newSource(t, h, "west", obj{"source_name": "am-west", "group_by": "vendor"})
		_, zabbix := newSource(t, h, "zbx", obj{"driver": "zabbix"})
		as := func(key string) []string { return []string{"Authorization", "Bearer " + key} }
		sourceOf := func(a servertest.Accepted) string {
			var rec obj
			h.Get("/api/v1/receipts/"+a.ReceiptID, &rec)
			return rec["source_id"].(string)
		}
		two := servertest.Push(alert{Name: "A", Labels: map[string]string{"cluster": "c1"}}, alert{Name: "B", Labels: map[string]string{"cluster": "c1"}})

		got := h.SendTo("?sync=1", two, as(east)...)
		if got.AlertsCreated != 2 || got.IncidentsCreated != 1 || sourceOf(got) != eastID {
			t.Errorf("grouped by a label: %+v", got)
		}
		// The same alerts by another entry are other alerts; Alertmanager's own group is one incident.
		got = h.SendTo("?sync=1&source=east", two, as(west)...)
		if got.AlertsCreated != 2 || got.IncidentsCreated != 1 || sourceOf(got) != westID {
			t.Errorf("a key posted as another source, or the vendor's group was split: %+v", got)
		}
		// The default rule: name and instance.
		got = h.SendTo("?sync=1", two)
		if got.AlertsCreated != 2 || got.IncidentsCreated != 2 {
			t.Errorf("default: %+v", got)
		}
		got = h.SendTo("?sync=1&source=east", two) // the admin key may choose
		if got.AlertsUpdated != 2 || sourceOf(got) != eastID {
			t.Errorf("?source=: %+v", got)
		}
		sources := map[string]int{}
		for _, a := range h.Alerts() {
			sources[a.Source]++
		}
		if sources["am-east"] != 2 || sources["am-west"] != 2 || sources["alertmanager"] != 2 {
			t.Errorf("sources %v", sources)
		}
		// An entry's driver reads what comes without one in the address.
		refused(t, "entry's driver", h.Ask(http.MethodPost, door, two, as(zabbix)...), http.StatusUnprocessableEntity)
		if a := h.Ask(http.MethodPost, door+"alertmanager/", two, as(zabbix)...); a.Status != http.StatusAccepted {
			t.Errorf("a driver in the address wins: %d %s", a.Status, a.Body)
		}
		h.Rest()

		// Rotated, inactive, deleted: the old key is nothing.
		fresh := h.Want(http.StatusOK, http.MethodPost, "/api/v1/sources/east/rotate-key", nil)["key"].(string)
		refused(t, "rotated", h.Ask(http.MethodPost, door, two, as(east)...), http.StatusUnauthorized)
		h.SendTo("", two, as(fresh)...)
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/sources/east", obj{"is_active": false})
		refused(t, "inactive", h.Ask(http.MethodPost, door, two, as(fresh)...), http.StatusUnauthorized)
		refused(t, "inactive by name", h.Ask(http.MethodPost, door+"?source=east", two), http.StatusNotFound)
		if status, _ := h.Do(http.MethodDelete, "/api/v1/sources/west", nil); status != http.StatusNoContent {
			t.Errorf("delete: %d", status)
		}
		refused(t, "deleted", h.Ask(http.MethodPost, door, two, as(west)...), http.StatusUnauthorized)
		// A generic body cannot pose as the hub itself.
		h.SendTo("generic/?sync=1", `{"source":"incidenthub","name":"Posing"}`)
		h.SendTo("generic/?sync=1", `{"source":"mine","name":"Mine"}`)
		bySource := map[string]string{}
		for _, a := range h.Alerts() {
			bySource[a.Name] = a.Source
		}
		if bySource["Posing"] != "generic" || bySource["Mine"] != "mine" {
			t.Errorf("sources %v", bySource)
		}
		atRest(t, h, nil)
	})
}

func sign(secret string, parts ...string) string {
	m := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		m.Write([]byte(p))
	}
	return hex.EncodeToString(m.Sum(nil))
}

// TestSignatures: an entry's scheme and the secrets of the environment.
func TestSignatures(t *testing.T) {
	t.Parallel()
	const envSecret, entrySecret = "the environment's secret", "the entry's secret"
	engines(t, map[string]string{"WEBHOOK_SECRET_PAGERDUTY": envSecret}, func(t *testing.T, h hub) {
		_, key := newSource(t, h, "signed", obj{"signature": "generic", "signature_secret": entrySecret})
		pd, gen := pagerduty("triggered", "P1", "e1"), servertest.Generic(alert{Name: "Disk"})
		now := strconv.FormatInt(time.Now().Unix(), 10)
		old := strconv.FormatInt(time.Now().Unix()-400, 10)
		bearer := "Bearer " + key
		for name, tt := range map[string]struct {
			path, body string
			headers    []string
			want       int
		}{
			"env: good, no key":         {"pagerduty/", pd, []string{"Authorization", "", "X-PagerDuty-Signature", "v1=" + sign(envSecret, pd)}, 202},
			"env: good, auto route":     {"", pd, []string{"Authorization", "", "X-PagerDuty-Signature", "v1=00,v1=" + sign(envSecret, pd)}, 202},
			"env: key alone":            {"pagerduty/", pd, nil, 403},
			"env: key, bad signature":   {"pagerduty/", pd, []string{"X-PagerDuty-Signature", "v1=" + sign("x", pd)}, 403},
			"env: bad, no key":          {"pagerduty/", pd, []string{"Authorization", "", "X-PagerDuty-Signature", "v1=" + sign(envSecret, pd+" ")}, 403},
			"env: bad, auto route":      {"", pd, []string{"Authorization", "", "X-PagerDuty-Signature", "v1=" + sign("x", pd)}, 403},
			"env: neither":              {"", pd, none, 401},
			"env: other driver's":       {"opsgenie/", opsgenie("Create", "O"), []string{"Authorization", "", "X-PagerDuty-Signature", "v1=" + sign(envSecret, opsgenie("Create", "O"))}, 401},
			"env: wrong key":            {"pagerduty/", pd, []string{"Authorization", "Bearer nobody", "X-PagerDuty-Signature", "v1=" + sign(envSecret, pd)}, 401},
			"env: none, auto route":     {"", pd, nil, 403},
			"env: another's sign":       {"", servertest.Fire("Net"), []string{"Authorization", "", "X-PagerDuty-Signature", sign(envSecret, servertest.Fire("Net"))}, 401},
			"env: others need no sign":  {"", servertest.Fire("Net"), nil, 202},
			"entry: good":               {"", gen, []string{"Authorization", bearer, "X-Webhook-Signature", "sha256=" + sign(entrySecret, gen)}, 202},
			"entry: good, no key":       {"?source=signed", gen, []string{"Authorization", "", "X-Webhook-Signature", sign(entrySecret, gen)}, 202},
			"entry: good with time":     {"?source=signed", gen, []string{"Authorization", bearer, "X-Webhook-Timestamp", now, "X-Webhook-Signature", sign(entrySecret, now, ".", gen)}, 202},
			"entry: old":                {"?source=signed", gen, []string{"Authorization", bearer, "X-Webhook-Timestamp", old, "X-Webhook-Signature", sign(entrySecret, old, ".", gen)}, 403},
			"entry: time not signed":    {"?source=signed", gen, []string{"Authorization", bearer, "X-Webhook-Timestamp", now, "X-Webhook-Signature", sign(entrySecret, gen)}, 403},
			"entry: missing":            {"", gen, []string{"Authorization", bearer}, 403},
			"entry: sha1":               {"", gen, []string{"Authorization", bearer, "X-Webhook-Signature", "sha1=" + sign(entrySecret, gen)}, 403},
			"entry: one byte changed":   {"", gen + " ", []string{"Authorization", bearer, "X-Webhook-Signature", sign(entrySecret, gen)}, 403},
			"entry: no key, no sign":    {"?source=signed", gen, none, 403},
			"entry: by another's key":   {"", gen, []string{"X-Webhook-Signature", sign(entrySecret, gen)}, 202}, // the admin key's entry asks for none
			"entry: signed, no source":  {"?source=nobody", gen, []string{"Authorization", "", "X-Webhook-Signature", sign(entrySecret, gen)}, 401},
			"entry: signed, unknown":    {"nosuch/?source=signed", gen, []string{"Authorization", "", "X-Webhook-Signature", sign(entrySecret, gen)}, 404},
			"entry: read key, signed":   {"?source=signed", gen, []string{"Authorization", "Bearer nobody2", "X-Webhook-Signature", sign(entrySecret, gen)}, 401},
			"entry: signed, wrong type": {"?source=signed", gen, []string{"Authorization", "", "Content-Type", "text/html", "X-Webhook-Signature", sign(entrySecret, gen)}, 415},
		} {
			if tt.want == http.StatusAccepted {
				if a := h.Ask(http.MethodPost, door+tt.path, tt.body, tt.headers...); a.Status != tt.want {
					t.Errorf("%s: %d %s", name, a.Status, a.Body)
				}
				continue
			}
			h.Rest()
			nothingWritten(t, h, func() {
				a := h.Ask(http.MethodPost, door+tt.path, tt.body, tt.headers...)
				refused(t, name, a, tt.want)
				if tt.want == http.StatusForbidden && a.JSON()["message"] != "Invalid webhook signature" {
					t.Errorf("%s: says %s", name, a.Body)
				}
			})
		}
		atRest(t, h, nil)
	})
}
