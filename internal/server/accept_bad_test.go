package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// The oversized bodies of the shared fixtures' gen_big.py.
const (
	mib  = 1 << 20
	head = `{"version":"4","groupKey":"g","status":"firing","receiver":"hub","groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"","alerts":`
)

var bigBodies = map[string]func() []byte{
	"nested_arrays_20mb": func() []byte {
		unit := strings.Repeat("[", 500) + strings.Repeat("]", 500)
		units := slices.Repeat([]string{unit}, 20*mib/1001)
		return []byte(head + "[" + strings.Join(units, ",") + "]}")
	},
	"flat_alerts_20mb": func() []byte {
		one := func(i int) string {
			return fmt.Sprintf(`{"status":"firing","labels":{"alertname":"A%06d","severity":"warning"},"annotations":{},"startsAt":"2025-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"%016x"}`, i, i)
		}
		var b bytes.Buffer
		b.WriteString(head + "[" + one(0))
		for i := 1; b.Len() < 20*mib; i++ {
			b.WriteString("," + one(i))
		}
		b.WriteString("]}")
		return b.Bytes()
	},
	"gzip_bomb": func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(head + `[],"pad":"` + strings.Repeat("A", 20*mib) + `"}`)) // a buffer takes everything
		_ = z.Close()
		return b.Bytes()
	},
	"hundred_thousand_labels": func() []byte {
		labels := map[string]string{"alertname": "Wide"}
		for i := range 100_000 {
			labels[fmt.Sprintf("label_%06d", i)] = "value"
		}
		raw, err := json.Marshal(obj{
			"version": "4", "status": "firing", "receiver": "hub", "groupKey": "g", "groupLabels": obj{}, "commonLabels": obj{},
			"alerts": []any{obj{"status": "firing", "labels": labels, "startsAt": "2025-01-01T00:00:00Z"}},
		})
		if err != nil {
			panic(err) // texts only
		}
		return raw
	},
	"depth_100000": func() []byte {
		return []byte(`{"name":"deep","annotations":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}")
	},
}

type badCase struct {
	File        string            `json:"file"`
	Generator   string            `json:"generator"`
	Driver      string            `json:"driver"`
	Drivers     []string          `json:"drivers"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers"`
	Expect      []int             `json:"expect_status"`
	AlsoOK      []int             `json:"also_ok"`
	Alerts      *int              `json:"alerts"`
}

// TestBadFixtures sends everything that is broken or hostile, with and without a length.
func TestBadFixtures(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(fixtures(t), "bad")
	var manifest struct{ Cases []badCase }
	readJSON(t, filepath.Join(dir, "MANIFEST.json"), &manifest)
	if len(manifest.Cases) < 39 {
		t.Fatalf("%d cases", len(manifest.Cases))
	}
	engines(t, nil, func(t *testing.T, h hub) {
		for _, c := range manifest.Cases {
			name := c.File
			var body []byte
			if c.Generator != "" {
				name = strings.TrimPrefix(c.Generator, "gen_big.py ")
				body = bigBodies[name]()
			} else {
				raw, err := os.ReadFile(filepath.Join(dir, c.File))
				if err != nil {
					t.Fatal(err)
				}
				body = raw
			}
			drivers := c.Drivers
			if len(drivers) == 0 {
				drivers = []string{c.Driver}
			}
			for _, driver := range drivers {
				c.send(t, h, name, driver, body)
			}
		}
		h.Rest()
		atRest(t, h, nil)
		if status, raw := h.Do(http.MethodPost, door, servertest.Fire("Alive")); status != http.StatusAccepted {
			t.Errorf("the hub is not well afterwards: %d %s", status, raw)
		}
	})
}

func (c badCase) send(t *testing.T, h hub, name, driver string, body []byte) {
	t.Helper()
	path := door
	if driver != "auto" {
		path += driver + "/"
	}
	headers := []string{"Content-Type", c.ContentType}
	for k, v := range c.Headers {
		headers = append(headers, k, v)
	}
	for way, in := range map[string]any{"": body, " in chunks": bytes.NewBuffer(slices.Clone(body))} {
		before := count(t, h, "alerts")
		a, err := h.Try(http.MethodPost, path+"?sync=1", in, headers...)
		if err != nil {
			if len(body) > 8*mib { // the hub hung up on a body that it had refused
				continue
			}
			t.Fatalf("%s%s: %v", name, way, err)
		}
		if !slices.Contains(append(slices.Clone(c.Expect), c.AlsoOK...), a.Status) {
			t.Errorf("%s%s to %s: %d, want %v or %v: %.300s", name, way, driver, a.Status, c.Expect, c.AlsoOK, a.Body)
		}
		if a.Status >= 400 {
			refused(t, name+way, a, a.Status)
		}
		late(h, a) // else it is counted with the next one
		if c.Alerts != nil && *c.Alerts == 0 && count(t, h, "alerts") != before {
			t.Errorf("%s%s to %s: alerts were stored", name, way, driver)
		}
	}
}

// TestBadBodies is the same in small, for where the shared fixtures are not: hostile values inside of good JSON.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		for name, tt := range map[string]struct {
			driver, body string
			also         int // besides 200
			alerts       int64
		}{
			"NUL":               {"alertmanager", servertest.Push(alert{Name: "a\x00b", Labels: map[string]string{"k\x00": "v\x00"}, Summary: "\x00"}), 0, 1},
			"lone surrogate":    {"generic", `{"name":"lone\ud800b","labels":{"\udc00":"\ud800"}}`, 0, 1},
			"broken utf-8":      {"generic", "{\"name\":\"a\xff\xfeb\",\"labels\":{\"\xff\":\"\xc3\"}}", 400, 1},
			"huge numbers":      {"generic", `{"name":"n","labels":{"a":1e999,"b":` + strings.Repeat("9", 5000) + `},"started_at":1e308}`, 0, 1},
			"far times":         {"generic", `{"name":"t","started_at":99999999999999999,"status":"resolved","ended_at":"9999999-01-01T00:00:00Z"}`, 0, 1},
			"year 10000":        {"generic", `{"name":"y","started_at":"10000-01-01T00:00:00Z"}`, 0, 1},
			"year 1":            {"generic", `{"name":"z","started_at":"0001-01-01T00:00:00Z"}`, 0, 1},
			"nulls":             {"alertmanager", `{"version":"4","status":"firing","receiver":null,"groupKey":null,"alerts":[{"status":null,"labels":{"alertname":null,"x":"y"},"annotations":null,"startsAt":null}]}`, 0, 1},
			"wrong types":       {"generic", `{"name":["x"],"labels":[1],"severity":{"a":1},"annotations":"x","status":7,"title":"x"}`, 422, 1},
			"doubled keys":      {"generic", `{"name":"a","name":"b"}`, 400, 1},
			"prototype":         {"generic", `{"name":"p","labels":{"__proto__":"x","constructor":"y"}}`, 0, 1},
			"very long":         {"generic", `{"name":"` + strings.Repeat("n", 1<<20) + `","description":"` + strings.Repeat("d", 1<<20) + `","labels":{"l":"` + strings.Repeat("v", 1<<20) + `"}}`, 0, 1},
			"alerts null":       {"alertmanager", `{"version":"4","status":"firing","receiver":"x","groupKey":"g","alerts":null}`, 422, 0},
			"alerts object":     {"alertmanager", `{"version":"4","status":"firing","receiver":"x","groupKey":"g","alerts":{}}`, 422, 0},
			"event is text":     {"pagerduty", `{"event":"event_type resource_type"}`, 422, 0},
			"messages scalars":  {"pagerduty", `{"messages":[1,"x"]}`, 422, 0},
			"alert is a list":   {"opsgenie", `{"action":"Create","alert":[]}`, 422, 0},
			"many labels":       {"alertmanager", string(bigBodies["hundred_thousand_labels"]()), 422, 1},
			"a thousand, 1 bad": {"generic", `{"alerts":[` + strings.Repeat(`{"name":"x","labels":{"a":"b"}},`, 999) + `17]}`, 0, 1},
		} {
			before := count(t, h, "alerts")
			a := late(h, h.Ask(http.MethodPost, door+tt.driver+"/?sync=1", tt.body))
			if a.Status != http.StatusOK && a.Status != tt.also {
				t.Errorf("%s: %d %.300s", name, a.Status, a.Body)
				continue
			}
			if n := count(t, h, "alerts") - before; a.Status == http.StatusOK && n != tt.alerts || a.Status != http.StatusOK && n != 0 {
				t.Errorf("%s: %d, and %d alerts", name, a.Status, n)
			}
		}
		h.Rest()
		if len(h.Alerts()) == 0 || len(h.Incidents()) == 0 {
			t.Error("nothing can be read back")
		}
		atRest(t, h, nil)
	})
}
