package web

// Vendor is a kind of sender: its name as people know it, two letters for small places, and how to point it at the hub.
type Vendor struct {
	Driver string
	Name   string
	Mono   string
	Steps  []string // in the vendor's own menus
	File   string   // name of the file or place that Config goes to, "" for none
	Config string   // text to paste; {{url}} and {{key}} are filled in, {{payload}} is the file of that name in payloads
}

// Drivers lists the eight kinds of senders in the order in which they are shown.
func Drivers() []string {
	out := make([]string, len(vendors))
	for i, v := range vendors {
		out[i] = v.Driver
	}
	return out
}

// vendorOf returns the vendor of a driver or of an alert's source text; one that is not known stands for itself.
func vendorOf(v any) Vendor {
	name := text(v)
	for _, one := range vendors {
		if one.Driver == name {
			return one
		}
	}
	mono := []rune(name)
	if len(mono) > 2 {
		mono = mono[:2]
	}
	if len(mono) == 0 {
		return Vendor{Name: "Any", Mono: "*"}
	}
	return Vendor{Driver: name, Name: name, Mono: string(mono)}
}

func channelIcon(driver string) string {
	switch driver {
	case "inbox":
		return "inbox"
	case "generic", "webhook":
		return "webhook"
	case "console":
		return "terminal"
	case "slack", "teams", "discord", "mattermost":
		return "hash"
	case "email":
		return "mail"
	case "pagerduty", "ntfy":
		return "bell"
	case "telegram":
		return "channel"
	default:
		return "channel"
	}
}

var vendors = []Vendor{
	{
		Driver: "alertmanager", Name: "Alertmanager", Mono: "AM", File: "alertmanager.yml",
		Steps: []string{"Add the receiver and the route to alertmanager.yml.", "Reload Alertmanager: send it SIGHUP, or POST to /-/reload."},
		Config: `route:
  receiver: incidenthub
receivers:
  - name: incidenthub
    webhook_configs:
      - url: {{url}}
        send_resolved: true
        http_config:
          authorization:
            credentials: {{key}}
`,
	},
	{
		Driver: "grafana", Name: "Grafana", Mono: "Gf", File: "Contact point",
		Steps: []string{
			"Alerting, Contact points, Add contact point; integration Webhook.",
			"Paste the URL. Under Optional settings choose the authorization scheme Bearer and paste the key as credentials.",
			"Press Test, then choose the contact point in your notification policy.",
		},
		Config: "URL:          {{url}}\nMethod:       POST\nScheme:       Bearer\nCredentials:  {{key}}\n",
	},
	{
		Driver: "pagerduty", Name: "PagerDuty", Mono: "PD", File: "Generic webhook (v3)",
		Steps: []string{
			"Integrations, Generic Webhooks (v3), New Webhook.",
			"Paste the URL, choose the scope, keep the incident events.",
			"Add a custom header with the key. PagerDuty signs each request, too: store its secret with the source to have it checked.",
		},
		Config: "Webhook URL:   {{url}}\nHeader name:   Authorization\nHeader value:  Bearer {{key}}\n",
	},
	{
		Driver: "datadog", Name: "Datadog", Mono: "DD", File: "Webhooks integration",
		Steps: []string{
			"Integrations, Webhooks, New webhook; name it incidenthub.",
			"Paste URL, payload and custom headers.",
			"Write @webhook-incidenthub into the message of your monitors.",
		},
		Config: `URL:  {{url}}

Custom headers:
{"Authorization": "Bearer {{key}}"}

Payload:
{{payload}}`,
	},
	{
		Driver: "newrelic", Name: "New Relic", Mono: "NR", File: "Workflow destination",
		Steps: []string{
			"Alerts, Destinations, Webhook: paste the URL, authorization Bearer token with the key.",
			"Alerts, Workflows: add the destination. The default payload template fits as it is.",
		},
		Config: "Endpoint URL:   {{url}}\nAuthorization:  Bearer token\nToken:          {{key}}\n",
	},
	{
		Driver: "opsgenie", Name: "Opsgenie", Mono: "Og", File: "Webhook integration",
		Steps: []string{
			"Settings, Integrations, Add integration, Webhook.",
			"Paste the URL, add the header, tick Add alert description and Add alert details.",
			"Keep the actions Create, Acknowledge, Close and Delete.",
		},
		Config: "Webhook URL:   {{url}}\nHeader name:   Authorization\nHeader value:  Bearer {{key}}\n",
	},
	{
		Driver: "zabbix", Name: "Zabbix", Mono: "Zx", File: "Media type",
		Steps: []string{
			"Alerts, Media types, Create media type, type Webhook; add a parameter for each name of the body below.",
			"Paste the script. Give a user this media type, and use it in a trigger action, with recovery operations on.",
		},
		Config: `var p = JSON.parse(value), r = new HttpRequest();
r.addHeader('Content-Type: application/json');
r.addHeader('Authorization: Bearer {{key}}');
var answer = r.post('{{url}}', JSON.stringify(p));
if (r.getStatus() !== 202) { throw 'hub: ' + r.getStatus() + ' ' + answer; }
return 'OK';

// Parameters: event_id {EVENT.ID}, event_value {EVENT.VALUE}, trigger_id {TRIGGER.ID}, trigger_name {TRIGGER.NAME},
// trigger_severity {TRIGGER.SEVERITY}, trigger_status {TRIGGER.STATUS}, host_name {HOST.NAME}, host_ip {HOST.IP},
// item_name {ITEM.NAME}, item_value {ITEM.LASTVALUE}, event_date {EVENT.DATE}, event_time {EVENT.TIME}
`,
	},
	{
		Driver: "generic", Name: "Generic JSON", Mono: "{}", File: "Any HTTP client",
		Steps: []string{"POST one JSON object per alert, or a list under \"alerts\". Only a name is needed; send status resolved to close it."},
		Config: `{
  "source": "backup",
  "name": "Nightly backup failed",
  "status": "firing",
  "severity": "warning",
  "description": "pg_dump ended with 1",
  "labels": {"instance": "db-1"}
}
`,
	},
}
