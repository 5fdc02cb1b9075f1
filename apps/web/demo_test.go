package web_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/apps/web"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

func emptyHub(now time.Time) *hub {
	h := &hub{
		now: now, lines: map[id.ID][]alerts.TimelineEntry{}, sessions: map[string]auth.Session{},
		queues:  quiet(now),
		books:   ledger.Report{Balanced: true, CheckedAt: now},
		sources: []sources.Source{{ID: id.New(), Name: "default", KeyPrefix: "ihi_a81c02", IsActive: true, IsDefault: true, UpdatedAt: now}},
	}
	h.channels = []notify.Channel{channelOf(h, "inbox", "inbox", true)}
	h.channels[0].Description = "Messages in this UI"
	return h
}

func channelOf(h *hub, name, driver string, active bool) notify.Channel {
	return notify.Channel{ID: id.New(), Name: name, Driver: driver, IsActive: active, UpdatedAt: h.now}
}

// ago is a point in time before the hub's now.
func (h *hub) ago(d time.Duration) time.Time { return h.now.Add(-d) }

// demo is a hub in the middle of a bad night.
func demo(now time.Time) *hub {
	h := emptyHub(now)
	// Ids are time order, so the oldest thing is made first.
	h.setup()
	for _, s := range []struct {
		title, source, instance, text string
		severity                      event.Severity
		status                        event.IncidentStatus
		age                           time.Duration
		alerts, firing                int
		told                          []told
	}{
		{"TLS certificate of shop.example.com expires in 3 days", "opsgenie", "shop.example.com", "Issued for 90 days and not renewed.", "info", event.IncidentClosed, 76 * time.Hour, 1, 0, []told{{"inbox", "inbox", "delivered", ""}}},
		{"No answer from mail-1 for 3 minutes", "zabbix", "mail-1", "ICMP ping: Down (0)", "critical", event.IncidentResolved, 31 * time.Hour, 1, 0, []told{{"inbox", "inbox", "delivered", ""}, {"ops", "generic", "delivered", ""}}},
		{"Nightly backup failed", "backup", "db-2", "pg_dump of the orders database ended with exit code 1.", "warning", event.IncidentResolved, 7 * time.Hour, 1, 0, []told{{"inbox", "inbox", "delivered", ""}}},
		{"Slow searches", "newrelic", "search-api", "Median answer is 930 ms; the limit is 800 ms.", "warning", event.IncidentAcknowledged, 3 * time.Hour, 3, 2, []told{{"inbox", "inbox", "delivered", ""}, {"ops", "generic", "delivered", ""}}},
		{"Data disk almost full", "grafana", "db-1.eu-west.internal:9100", "91 % used; full in about 9 hours at the growth of the last day.", "warning", event.IncidentAcknowledged, 100 * time.Minute, 1, 1, []told{{"inbox", "inbox", "delivered", ""}, {"ops", "generic", "suppressed", "below_min_severity"}}},
		{"Deployment of checkout has been rolling back for longer than the deadline allows and its replicas do not become ready", "generic", "checkout", "", "info", event.IncidentOpen, 52 * time.Minute, 1, 1, nil},
		{"Payments queue is not draining", "pagerduty", "payments", "12 480 messages wait; the oldest is 14 minutes old.", "critical", event.IncidentOpen, 14 * time.Minute, 2, 2, []told{{"inbox", "inbox", "delivered", ""}, {"ops", "generic", "dead", "expired"}}},
		{"CPU above 90 %", "datadog", "api-2", "96.4 % on average over 10 minutes.", "warning", event.IncidentOpen, 6 * time.Minute, 4, 3, []told{{"inbox", "inbox", "delivered", ""}, {"ops", "generic", "pending", ""}}},
		{"HighErrorRate", "alertmanager", "checkout-1:8080", "checkout-1 answered 7.2 % of the last 5 minutes' requests with a 5xx status; the limit is 1 %.", "critical", event.IncidentOpen, 95 * time.Second, 3, 2, []told{{"inbox", "inbox", "delivered", ""}, {"ops", "generic", "delivered", ""}, {"log", "console", "delivered", ""}}},
	} {
		h.add(s.title, s.source, s.instance, s.text, s.severity, s.status, s.age, s.alerts, s.firing, s.told)
	}
	h.flows()
	h.busy()
	h.watch()
	h.explained()
	h.askers()
	h.changed()
	return h
}

// told is what became of an incident on a channel.
type told struct{ channel, driver, state, reason string }

func (h *hub) setup() {
	h.sources = append(h.sources,
		sources.Source{ID: id.New(), Name: "prometheus-eu", Driver: "alertmanager", KeyPrefix: "ihi_77b0e1", IsActive: true, Description: "both clusters in Ireland", UpdatedAt: h.ago(50 * time.Hour)},
		sources.Source{ID: id.New(), Name: "pagerduty", Driver: "pagerduty", KeyPrefix: "ihi_e1d4aa", Signature: sources.Signature{Scheme: sources.SchemePagerDuty}, IsActive: true, UpdatedAt: h.ago(50 * time.Hour)},
		sources.Source{ID: id.New(), Name: "old-zabbix", Driver: "zabbix", KeyPrefix: "ihi_0c9a41", UpdatedAt: h.ago(31 * time.Hour)})
	ops := channelOf(h, "ops", "generic", true)
	ops.Description, ops.MinSeverity = "chat bridge", event.SeverityWarning
	h.channels = append(h.channels, ops, channelOf(h, "log", "console", false))
	definition := func(name, text, config string, version int64, active bool, tags ...string) orchestration.Definition {
		d := orchestration.Definition{ID: id.New(), Name: name, Description: text, Version: version, IsActive: active, UpdatedAt: h.ago(30 * time.Hour)}
		d.Config.V, d.Tags.V = json.RawMessage(config), tags
		return d
	}
	h.pipelines = []orchestration.Definition{
		definition("direct", "Take in and tell everyone at once.", directConfig, 1, true, "preset"),
		definition("night", "Looks at the hosts and the history before it tells; only the critical goes to the bridge.", nightConfig, 7, false),
	}
}

const directConfig = `{"version":"1.0","nodes":[{"id":"ingest","type":"ingest","next":"tell"},{"id":"tell","type":"notify","config":{"channels":["*"]}}]}`

const nightConfig = `{"version":"1.0","trigger":{"on":"webhook","sources":["prometheus-eu"],"match":[{"field":"severity","op":"in","value":["critical","warning"]}],"when":"labels.env != 'test'"},
"nodes":[
{"id":"ingest","type":"ingest","next":["health","history"]},
{"id":"health","type":"context","config":{"checker_names":["cpu","memory"]},"next":"analyze"},
{"id":"history","type":"context","config":{"similar_incidents":5},"next":"analyze"},
{"id":"analyze","type":"intelligence","next":"grave"},
{"id":"grave","type":"condition","config":{"expression":"incident.severity == 'critical'","then":["tell-all"],"else":["tell-inbox"]}},
{"id":"tell-all","type":"notify","config":{"channels":["*"]}},
{"id":"tell-inbox","type":"notify","config":{"channels":["inbox"]}}]}`

func (h *hub) add(title, source, instance, text string, severity event.Severity, status event.IncidentStatus, age time.Duration, n, firing int, told []told) id.ID {
	d := alerts.IncidentDetail{Incident: alerts.Incident{
		ID: id.New(), Title: title, Description: text, Status: status, Severity: severity, CreatedAt: h.ago(age), UpdatedAt: h.ago(age / 3),
		IsOpen: status == event.IncidentOpen, IsResolved: !status.Active(), AlertCount: int64(n), FiringAlertCount: int64(firing), Sources: []string{source},
	}}
	receipt := receiptOf(h, source, "{}", age)
	for i := range n {
		a := alerts.Alert{
			ID: id.New(), Name: title, Source: source, Severity: severity, Status: event.StatusFiring, Description: text, ReceiptID: &receipt.ID,
			Labels:      map[string]string{"alertname": title, "instance": instance, "env": "prod", "job": "checkout", "team": "payments"},
			Annotations: map[string]string{"runbook_url": "https://runbooks.example.com/checkout", "dashboard": "javascript:alert(1)"},
			StartedAt:   h.ago(age + time.Minute), Occurrences: int64(1 + 3*i), IsFiring: true,
		}
		if i > 0 {
			a.Labels["instance"] = instance[:max(1, len(instance)-1)] + string(rune('1'+i))
		}
		if i >= firing {
			a.Status, a.IsFiring, a.EndedAt = event.StatusResolved, false, new(h.ago(age/2))
		}
		d.Alerts = append(d.Alerts, a)
	}
	h.incidents = append([]alerts.IncidentDetail{d}, h.incidents...)
	line := []alerts.TimelineEntry{
		{At: h.ago(age), Kind: "alert", Event: "created", AlertID: &d.Alerts[0].ID, AlertName: title, NewStatus: "firing", ReceiptID: &receipt.ID},
		{At: h.ago(age), Kind: "incident", Event: "opened", Seq: 1},
	}
	if n > 1 {
		line = append([]alerts.TimelineEntry{
			{At: h.ago(age / 2), Kind: "incident", Event: "note", Actor: "dana", Seq: 4, Details: json.RawMessage(`{"text":"The new build went out at 02:41.\nRolling back now; watching the error rate."}`)},
			{At: h.ago(age * 2 / 3), Kind: "incident", Event: "severity_raised", Seq: 3, Details: json.RawMessage(`{"from":"warning","to":"critical"}`)},
			{At: h.ago(age * 3 / 4), Kind: "incident", Event: "alert_added", Seq: 2},
		}, line...)
	}
	h.lines[d.ID] = line
	h.tellAll(&d, told, age)
	return d.ID
}

func (h *hub) tellAll(d *alerts.IncidentDetail, all []told, age time.Duration) {
	for _, t := range all {
		one := notify.DeliveryView{
			ID: id.New(), ChannelName: t.channel, Driver: t.driver, Kind: "firing", Severity: string(d.Severity), State: t.state, Reason: t.reason,
			IncidentID: d.ID, IncidentTitle: d.Title, AttemptCount: 1, CreatedAt: h.ago(age - time.Second), FinishedAt: new(h.ago(age - 2*time.Second)),
			Attempts: []notify.AttemptView{{N: 1, At: h.ago(age - time.Second), Status: 200, LatencyMS: 38, Verdict: "done", Response: "ok"}},
		}
		for _, c := range h.channels {
			if c.Name == t.channel {
				one.ChannelID = c.ID
			}
		}
		switch t.state {
		case "pending":
			one.AttemptCount, one.FinishedAt, one.NextAt = 2, nil, new(h.now.Add(19*time.Second))
			one.Attempts = []notify.AttemptView{
				{N: 1, At: h.ago(50 * time.Second), Status: 503, LatencyMS: 1204, Verdict: "retry", Error: "the receiver answered 503 Service Unavailable"},
				{N: 2, At: h.ago(20 * time.Second), LatencyMS: 10_000, Verdict: "retry", Error: "no answer within 10 s"},
			}
		case "dead":
			one.AttemptCount = 3
			one.Attempts = []notify.AttemptView{{N: 3, At: h.ago(2 * time.Minute), Status: 410, LatencyMS: 71, Verdict: "permanent", Error: "the receiver answered 410 Gone"}}
		case "suppressed":
			one.AttemptCount, one.Attempts = 0, nil
		}
		h.told = append([]notify.DeliveryView{one}, h.told...)
		if t.driver == "inbox" {
			h.post(d, one.CreatedAt, age)
		}
	}
}

// post puts a message into the inbox.
func (h *hub) post(d *alerts.IncidentDetail, at time.Time, age time.Duration) {
	instance := d.Alerts[0].Labels["instance"]
	body, err := json.Marshal(map[string]any{
		"event": "firing", "title": d.Title, "severity": d.Severity, "alert_count": len(d.Alerts),
		"text":   d.Description + "\n\nInstance: " + instance + "\nFiring since " + d.Alerts[0].StartedAt.Format(time.TimeOnly) + " UTC",
		"alerts": []map[string]any{{"name": d.Alerts[0].Name, "instance": instance, "status": "firing", "severity": d.Severity}},
		"links":  []map[string]string{{"name": "runbook", "url": "https://runbooks.example.com/checkout"}, {"name": "bad", "url": "javascript:alert(1)"}},
	})
	if err != nil {
		panic(err)
	}
	m := notify.MessageView{
		ID: id.New(), ChannelName: "inbox", Driver: "inbox", IncidentID: d.ID, Severity: string(d.Severity),
		Title: "[" + strings.ToUpper(string(d.Severity)) + "] " + d.Title, Body: body, CreatedAt: at,
	}
	if age > 10*time.Minute {
		m.ReadAt = new(h.ago(age / 2))
	}
	h.messages = append([]notify.MessageView{m}, h.messages...)
}

// drawing is what the graph engine makes of the demo's two definitions; it reads no others.
func drawing(config json.RawMessage) *orchestration.Drawing {
	text := `{"layers":2,"rows":1,"nodes":[{"id":"ingest","type":"ingest"},{"id":"tell","type":"notify","layer":1}],"edges":[{"from":"ingest","to":"tell"}]}`
	switch string(config) {
	case directConfig:
	case nightConfig:
		text = `{"layers":5,"rows":2,"nodes":[{"id":"ingest","type":"ingest"},{"id":"health","type":"context","layer":1},{"id":"history","type":"context","layer":1,"row":1},
			{"id":"analyze","type":"intelligence","layer":2},{"id":"grave","type":"condition","layer":3},{"id":"tell-all","type":"notify","layer":4},{"id":"tell-inbox","type":"notify","layer":4,"row":1}],
			"edges":[{"from":"ingest","to":"health"},{"from":"ingest","to":"history"},{"from":"health","to":"analyze"},{"from":"history","to":"analyze"},
			{"from":"analyze","to":"grave"},{"from":"grave","to":"tell-all","label":"then"},{"from":"grave","to":"tell-inbox","label":"else"},{"from":"ingest","to":"tell-all","label":"labels.page == 'now'"}]}`
	default:
		return nil
	}
	d := &orchestration.Drawing{}
	if err := json.Unmarshal([]byte(text), d); err != nil {
		panic(err)
	}
	return d
}

func receiptOf(h *hub, driver, body string, age time.Duration) orchestration.ReceiptDetail {
	return orchestration.ReceiptDetail{
		Receipt: orchestration.Receipt{
			ID: id.New(), SourceID: h.sources[0].ID, Driver: driver, Origin: "incoming_webhook", Outcome: "queued", Observations: 1, ReceivedAt: h.ago(age),
			Headers: map[string]string{"Content-Type": "application/json", "User-Agent": "Alertmanager/0.28.1"},
		},
		Body: body, BodySize: int64(len(body)),
	}
}

// flows adds receipts and runs for the newest incident.
func (h *hub) flows() {
	newest := &h.incidents[0]
	body, err := web.Sample("alertmanager", h.now)
	if err != nil {
		panic(err)
	}
	bad := receiptOf(h, "generic", `{"hello": "world", "n": 12345678901234567890, "html": "</script><script>alert(1)</script>"}`, 40*time.Minute)
	bad.Outcome, bad.Reason = "rejected", "no driver knows this shape: alertmanager wants alerts and status; generic wants a name, alert_name or title"
	bad.Items = []orchestration.Observation{{Rejected: "no driver knows this shape", Outcomes: []orchestration.Outcome{{State: "rejected", Reason: "no_driver"}}}}
	lost := receiptOf(h, "zabbix", `{"event_id": "1"}`, 30*time.Minute)
	lost.Outcome, lost.Reason = "no_route", "no_route"
	good := receiptOf(h, "alertmanager", string(body), 95*time.Second)
	good.Observations = 2
	run := id.New()
	good.Items = []orchestration.Observation{
		{
			Index: 0, Name: newest.Title, Status: "firing", Severity: "critical", Fingerprint: "5a3b1e0c9d7f2468", StartedAt: new(h.ago(3 * time.Minute)),
			Description: newest.Description, Labels: newest.Alerts[0].Labels, Source: "alertmanager",
			Outcomes: []orchestration.Outcome{{DefinitionID: &h.pipelines[1].ID, RunID: &run, IncidentID: &newest.ID, State: "delivered", Trace: json.RawMessage(`[{"what":"route","name":"old","result":"miss","why":"severity is critical, it wants info"},{"what":"route","name":"night","result":"match"},{"what":"fold","result":"created"},{"what":"channel","name":"ops","result":"delivered"}]`)}},
		},
		{
			Index: 1, Name: newest.Title, Status: "firing", Severity: "critical", Fingerprint: "0c11aa54be310977", StartedAt: new(h.ago(3 * time.Minute)), Labels: newest.Alerts[1].Labels,
			Outcomes: []orchestration.Outcome{{DefinitionID: &h.pipelines[1].ID, RunID: &run, IncidentID: &newest.ID, State: "suppressed", Reason: "duplicate"}},
		},
	}
	h.receipts = []orchestration.ReceiptDetail{good, lost, bad}
	at := func(ms int) *time.Time { return new(h.ago(95*time.Second - time.Duration(ms)*time.Millisecond)) }
	r := orchestration.RunDetail{
		Run: orchestration.Run{
			ID: run, DefinitionID: h.pipelines[1].ID, DefinitionName: "night", DefinitionVersion: 7, State: "succeeded", Status: "notified", EventKind: "opened", Source: "alertmanager",
			ReceiptID: &good.ID, IncidentID: &newest.ID, CreatedAt: h.ago(95 * time.Second), CompletedAt: at(2310), TotalDurationMS: new(2310.0),
		},
		Config: json.RawMessage(nightConfig), Graph: drawing(json.RawMessage(nightConfig)),
	}
	node := func(name, kind, state, reason, choice string, ms float64, out string) {
		n := orchestration.NodeRun{Node: name, Type: kind, State: state, Reason: reason, Choice: choice, Attempt: 1, Output: json.RawMessage(out), StartedAt: at(10), CompletedAt: at(20), DurationMS: &ms}
		if state != "skipped" {
			n.Attempts = []orchestration.Attempt{{Attempt: 1, State: state, Input: json.RawMessage(`{"incident":{"id":"` + newest.ID.String() + `","severity":"critical"},"alerts":2}`), Output: n.Output, StartedAt: *at(10), DurationMS: ms}}
		} else {
			n.DurationMS = nil
		}
		r.Nodes = append(r.Nodes, n)
	}
	node("ingest", "ingest", "succeeded", "", "", 1.8, `{"alerts_created":2,"incidents_created":1}`)
	node("health", "context", "succeeded", "", "", 1018, `{"cpu":{"state":"ok","percent":31.4},"memory":{"state":"warning","percent":88.1}}`)
	node("history", "context", "failed", "", "", 12, ``)
	r.Nodes[2].Attempt = 3
	r.Nodes[2].HasErrors = true
	r.Nodes[2].Attempts = []orchestration.Attempt{{Attempt: 3, State: "failed", Error: "search similar incidents: no answer within 10 s", ErrorType: "timeout", Retryable: true, StartedAt: *at(10), DurationMS: 12}}
	node("analyze", "intelligence", "succeeded", "", "", 1260, `{"summary":"The error rate rose right after a deployment."}`)
	node("grave", "condition", "succeeded", "", "then", 0.2, `{"result":true}`)
	node("tell-all", "notify", "succeeded", "", "", 44, `{"deliveries":3}`)
	node("tell-inbox", "notify", "skipped", "not_reached", "", 0, ``)
	for _, d := range h.told[:3] {
		r.Deliveries = append(r.Deliveries, orchestration.RunDelivery{DeliveryID: d.ID, Node: "tell-all"})
	}
	failed := r
	failed.ID, failed.State, failed.LastError = id.New(), "failed", &orchestration.RunError{Type: "timeout", Message: "Node tell-all failed: no answer within 10 s"}
	failed.CreatedAt = h.ago(26 * time.Hour)
	direct := orchestration.RunDetail{
		Run:    orchestration.Run{ID: id.New(), DefinitionName: "direct", DefinitionVersion: 1, State: "running", CurrentNode: "tell", Source: "datadog", EventKind: "opened", CreatedAt: h.ago(3 * time.Second)},
		Config: json.RawMessage(directConfig), Graph: drawing(json.RawMessage(directConfig)), Nodes: []orchestration.NodeRun{{Node: "ingest", Type: "ingest", State: "succeeded", DurationMS: new(2.0)}, {Node: "tell", Type: "notify", State: "running", Attempt: 2}},
	}
	h.runs = []orchestration.RunDetail{direct, r, failed}
}
