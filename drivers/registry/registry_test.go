package registry_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/drivers"
	"github.com/incidenthub/incidenthub/drivers/generic"
	"github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

func object(t *testing.T, body string) doc.Object {
	t.Helper()
	o, err := doc.Decode([]byte(body), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNewRejectsNames(t *testing.T) {
	t.Parallel()
	if _, err := registry.New(generic.New(), generic.New()); err == nil || !strings.Contains(err.Error(), `"generic" is given twice`) {
		t.Errorf("New = %v", err)
	}
	if _, err := registry.New(shouting{}); err == nil {
		t.Error("New takes a name in upper case")
	}
}

// shouting is a driver with a name that the registry refuses.
type shouting struct{ generic.Driver }

func (shouting) Name() string { return "GENERIC" }

func TestNamesAndGet(t *testing.T) {
	t.Parallel()
	reg := builtin(t)
	want := []string{"pagerduty", "opsgenie", "newrelic", "zabbix", "datadog", "grafana", "alertmanager", "generic"}
	if diff := cmp.Diff(want, reg.Names()); diff != "" {
		t.Error(diff)
	}
	for _, name := range want {
		if d, err := reg.Get(name); err != nil || d.Name() != name {
			t.Errorf("Get(%q) = %v, %v", name, d, err)
		}
		if !drivers.ReservedSource(name) {
			t.Errorf("a payload may call its source %q", name)
		}
	}
	if _, err := reg.Get("nosuch"); !errors.Is(err, registry.ErrUnknown) || !strings.Contains(err.Error(), `"nosuch"; known are pagerduty, `) {
		t.Errorf("Get = %v", err)
	}
}

// TestDetect holds bodies that more than one driver could mean against the order.
func TestDetect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"Grafana is Alertmanager with more":    {`{"alerts":[],"status":"firing","receiver":"r","groupKey":"k","orgId":1}`, "grafana"},
		"Alertmanager":                         {`{"alerts":[],"status":"firing","receiver":"r"}`, "alertmanager"},
		"a list of alerts is anybody's":        {`{"alerts":[]}`, "generic"},
		"title and state are anybody's":        {`{"title":"x","state":"alerting"}`, "generic"},
		"an issue has a title and a state":     {`{"title":"x","state":"CLOSED","issueUrl":"u","workflowName":"w"}`, "newrelic"},
		"a legacy rule without matches":        {`{"ruleId":0,"state":"ok","title":"x"}`, "grafana"},
		"an incident inside another":           {`{"title":"x","incident":{"incident_id":1,"policy_name":"p","condition_name":"c"}}`, "generic"},
		"one of Datadog's names is not enough": {`{"name":"x","alert_type":"error"}`, "generic"},
		"Coralogix has two of them":            {`{"alert_name":"x","alert_id":"1","alert_type":"logs"}`, "generic"},
		"two of Datadog's names":               {`{"title":"x","alert_id":"1","alert_type":"error"}`, "datadog"},
		"an event that is not PagerDuty's":     {`{"title":"x","event":{"id":1,"value":"1"}}`, "generic"},
		"an alert that is not Opsgenie's":      {`{"title":"x","alert":{"id":1},"action":"Create"}`, "generic"},
		"messages that are not PagerDuty's":    {`{"title":"x","messages":[{"type":"text","text":"incident."}]}`, "generic"},
		"Zabbix by its ids":                    {`{"event_id":1,"trigger_id":2,"name":"x"}`, "zabbix"},
		"null is not there":                    {`{"event_id":null,"trigger_id":2,"name":"x"}`, "generic"},
		"an integration of Opsgenie":           {`{"integrationId":"i","integrationName":"n"}`, "opsgenie"},
		"a name of white space":                {`{"name":" "}`, ""},
		"nothing":                              {`{}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := builtin(t).Detect(object(t, tt.body))
			got := ""
			if err == nil {
				got = d.Name()
			}
			if got != tt.want {
				t.Errorf("Detect = %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestDetectSaysWhatWasMissing(t *testing.T) {
	t.Parallel()
	reg := builtin(t)
	_, err := reg.Detect(object(t, `{"foo":1}`))
	var unrecognised *registry.UnrecognisedError
	if !errors.As(err, &unrecognised) || !errors.Is(err, registry.ErrUnrecognised) {
		t.Fatalf("Detect = %v", err)
	}
	for i, name := range reg.Names() {
		if miss := unrecognised.Tried[i]; miss.Driver != name || miss.Missing == "" {
			t.Errorf("tried[%d] = %+v, want %s with what it missed", i, miss, name)
		}
	}
	for _, want := range []string{"no driver recognises this body; tried pagerduty (neither an object event", "generic (no list alerts"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not contain %q", err, want)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 6, 1, 12, 0, 0, 123456789, time.UTC)
	for name, tt := range map[string]struct{ driver, body, want, err string }{
		"first sight": {
			"", `{"name":"x","source":"cron","version":3,"group_key":"g","alerts":[{"name":"a"},7,{"title":"b","status":"ok","ended_at":1748779000}]}`,
			`{"driver":"generic","source":"cron","version":"3","group_key":"g","alerts":[` +
				`{"fingerprint":"*","name":"a","status":"firing","severity":"warning","started_at":"2025-06-01T12:00:00.123456Z","ended_at":null,"description":"","labels":{},"annotations":{}},` +
				`{"fingerprint":"*","name":"b","status":"resolved","severity":"warning","started_at":"2025-06-01T12:00:00.123456Z","ended_at":"2025-06-01T11:56:40Z","description":"","labels":{},"annotations":{}}],` +
				`"rejected":[{"index":1,"reason":"not an object but a number"}]}`, "",
		},
		"ignored": {
			"", `{"event":{"event_type":"pagey.ping","resource_type":"pagey"}}`,
			`{"driver":"pagerduty","source":"pagerduty","version":"3","group_key":"","ignored":"PagerDuty event pagey.ping is not about an incident","alerts":[],"rejected":[]}`, "",
		},
		"forced": {
			"zabbix", `{"trigger":"x","name":"y"}`,
			`{"driver":"zabbix","source":"zabbix","version":"","group_key":"","alerts":[{"fingerprint":"*","name":"y","status":"firing","severity":"warning",` +
				`"started_at":"2025-06-01T12:00:00.123456Z","ended_at":null,"description":"","labels":{"alertname":"y"},"annotations":{}}],"rejected":[]}`, "",
		},
		"all rejected": {
			"", `{"alerts":[1]}`,
			`{"driver":"generic","source":"generic","version":"","group_key":"","alerts":[],"rejected":[{"index":0,"reason":"not an object but a number"}]}`,
			"not one item of the body can be used",
		},
		"not JSON":     {"", `{"name":}`, "", "body is not JSON: unexpected '}' at byte 8"},
		"unknown name": {"nosuch", `{}`, "", `unknown driver "nosuch"; known are pagerduty`},
		"wrong shape":  {"grafana", `{"name":"x"}`, "", "grafana: body does not have the driver's shape: no alerts, evalMatches"},
		"unrecognised": {"", `{}`, "", "no driver recognises this body; tried pagerduty ("},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := registry.Explain(builtin(t), tt.driver, []byte(tt.body), now)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if tt.want == "" {
				return
			}
			for i, a := range r.Alerts {
				if a.Fingerprint == "" {
					t.Errorf("alert %d has no fingerprint", i)
				}
				r.Alerts[i].Fingerprint = "*"
			}
			got, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// BenchmarkAlertmanager is the hot path of an accept: decode, detect and parse a group of two alerts.
func BenchmarkAlertmanager(b *testing.B) {
	alert := `{"status":"firing","labels":{"alertname":"InstanceDown","instance":"localhost:8081","job":"node","severity":"critical"},` +
		`"annotations":{"description":"localhost:8081 of job node has been down for more than 1 minute.","summary":"Instance down"},` +
		`"startsAt":"2023-06-12T08:24:38.326Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090/graph","fingerprint":"f404ecabc8dd5cd7"}`
	body := []byte(`{"receiver":"hub","status":"firing","alerts":[` + alert + `,` + alert + `],"groupLabels":{"alertname":"InstanceDown"},` +
		`"commonLabels":{"alertname":"InstanceDown"},"commonAnnotations":{},"externalURL":"http://alertmanager:9093","version":"4","groupKey":"{}:{}"}`)
	reg, err := registry.New(registry.Builtin()...)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		d, err := doc.Decode(body, doc.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		drv, err := reg.Detect(d)
		if err != nil {
			b.Fatal(err)
		}
		if p, err := drv.Parse(d); err != nil || len(p.Observations) != 2 {
			b.Fatal(p, err)
		}
	}
}
