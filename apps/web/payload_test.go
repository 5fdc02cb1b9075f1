package web_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// payloadOf is the template as its file has it, which is the place to change it.
func payloadOf(t *testing.T, driver string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("payloads", driver+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestOnePayload holds every place that shows the template to one text.
func TestOnePayload(t *testing.T) {
	t.Parallel()
	want := payloadOf(t, "datadog")
	for _, path := range []string{"../../docs/sources.md", "../../drivers/datadog/README.md"} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), "```json\n"+want+"```\n") || strings.Count(string(raw), `"$ALERT_ID"`) != 1 {
			t.Errorf("%s does not have the text of payloads/datadog.json, or another one beside it", path)
		}
	}
	v := visit(t, serve(t, demo(now()))).signIn(ownerToken)
	_, text, _ := strings.Cut(v.get("/sources/connect?driver=datadog").text, `id="config">`)
	shown, _, _ := strings.Cut(text, "</pre>")
	for _, plain := range [][2]string{{"&#34;", `"`}, {"&#43;", "+"}, {"&amp;", "&"}} {
		shown = strings.ReplaceAll(shown, plain[0], plain[1])
	}
	if !strings.HasSuffix(shown, "Payload:\n"+want) {
		t.Errorf("the page shows\n%s", shown)
	}
}

// TestPayloadIsRead fills the template in as Datadog documents its variables and reads what comes of it.
func TestPayloadIsRead(t *testing.T) {
	t.Parallel()
	reg, err := registry.New(registry.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`\$[A-Z_]+`)
	read := func(values map[string]string) event.Observation {
		body := variable.ReplaceAllStringFunc(payloadOf(t, "datadog"), func(name string) string { return values[name] })
		d, err := doc.Decode([]byte(body), doc.Limits{})
		if err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		drv, err := reg.Detect(d)
		if err != nil || drv.Name() != "datadog" {
			t.Fatalf("taken for %v, %v", drv, err)
		}
		p, err := drv.Parse(d)
		if err != nil || len(p.Observations) != 1 {
			t.Fatalf("%+v, %v", p, err)
		}
		return p.Observations[0]
	}
	group := url.QueryEscape("host:db-1")
	values := map[string]string{
		"$ALERT_ID": "1234", "$ALERT_TITLE": "[Triggered on {host:db-1}] Disk is full", "$ALERT_TRANSITION": "Triggered", "$ALERT_TYPE": "error", "$ALERT_PRIORITY": "P1",
		"$ALERT_SCOPE": "host:db-1", "$ALERT_METRIC": "system.disk.in_use", "$ALERT_QUERY": "max(last_5m):max:system.disk.in_use{*} by {host} > 0.9",
		"$AGGREG_KEY": "9bd4ac31", "$HOSTNAME": "db-1", "$TAGS": "env:prod,host:db-1", "$LAST_UPDATED": "1746439200000", "$EVENT_MSG": "Disk is full",
		"$LINK": "https://app.datadoghq.com/monitors/1234?group=" + group,
	}
	fired := read(values)
	if fired.Name != "Disk is full" || fired.Status != event.StatusFiring || fired.Severity != event.SeverityCritical || event.Instance(fired.Labels) != "db-1" ||
		fired.Labels["env"] != "prod" || fired.Description != "Disk is full" || !fired.StartedAt.Equal(time.UnixMilli(1746439200000)) ||
		fired.Annotations["alert_query"] == "" || !strings.HasPrefix(fired.Annotations["url"], "https://app.datadoghq.com/") {
		t.Errorf("%+v", fired)
	}
	values["$ALERT_TITLE"], values["$ALERT_TRANSITION"], values["$ALERT_TYPE"] = "[Recovered on {host:db-1}] Disk is full", "Recovered", "success"
	if over := read(values); over.Status != event.StatusResolved || over.Fingerprint != fired.Fingerprint {
		t.Errorf("recovered: %+v", over)
	}
}
