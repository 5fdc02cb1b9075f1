package intelligence

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

func TestPrepare(t *testing.T) {
	t.Parallel()
	in := &providers.Incident{
		Title: "disk\x1b[31m full \u202e", Description: strings.Repeat("x", 5000), Labels: map[string]string{"api_token": "hunter2hunter2", "instance": "web-1"},
		Metadata: map[string]any{"path": "/var", "note": "password=hunter2hunter2"},
	}
	var ev providers.Evidence
	for i := range 14 {
		ev.Alerts = append(ev.Alerts, providers.Alert{Name: fmt.Sprintf("a%d", i+1), Description: "Bearer abcdefghijklmnop1234567890"})
		status := "ok"
		if i%2 == 1 {
			status = "critical"
		}
		ev.Checks = append(ev.Checks, providers.Check{Name: fmt.Sprintf("c%d", i+1), Status: status, Metrics: map[string]any{"long": strings.Repeat("y", 9000)}})
		ev.History = append(ev.History, providers.Past{Title: "h", Summary: strings.Repeat("z", 900)})
		ev.Changes = append(ev.Changes, providers.Change{Title: "r"})
		ev.Runbook = append(ev.Runbook, "https://user:secret123@wiki.example.com/x")
	}
	ev.Alerts[0].Count = 40 // of one name
	r := redact.New("the-hubs-own-secret")
	got, out, sum := prepare(r, in, ev)
	if got.Title != "disk full " || len(got.Description) > maxDescription || !strings.Contains(got.Description, "[cut ") || got.Labels["instance"] != "web-1" {
		t.Errorf("incident %+v", got)
	}
	everything := fmt.Sprintf("%+v %+v", got, out)
	for _, secret := range []string{"hunter2", "abcdefghijklmnop", "secret123", "\x1b", "\u202e"} {
		if strings.Contains(everything, secret) {
			t.Errorf("%q went in", secret)
		}
	}
	var ids []string
	for _, a := range out.Alerts {
		ids = append(ids, a.ID+"="+a.Name)
	}
	for _, c := range out.Checks {
		ids = append(ids, c.ID+"="+c.Name)
		if raw := fmt.Sprint(c.Metrics); len(raw) > 3000 {
			t.Errorf("metrics of %d bytes", len(raw))
		}
	}
	for _, h := range out.History {
		ids = append(ids, h.ID)
	}
	for _, c := range out.Changes {
		ids = append(ids, c.ID)
	}
	want := "A1=a1 A2=a2 A3=a3 A4=a4 A5=a5 A6=a6 A7=a7 A8=a8 A9=a9 A10=a10 C1=c2 C2=c4 C3=c6 C4=c8 C5=c10 C6=c12 C7=c14 C8=c1 C9=c3 C10=c5 " +
		"H1 H2 H3 H4 H5 R1 R2 R3 R4 R5 R6 R7 R8 R9 R10"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("ids\n%s, want\n%s", got, want)
	}
	if diff := cmp.Diff(InputSummary{Alerts: 10, AlertsAll: 53, Checks: 10, ChecksAll: 14, ChecksBad: 7, History: 5, Changes: 10, Runbooks: 5, HasIncident: true, Cut: true}, sum); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if in.Title != "disk\x1b[31m full \u202e" || ev.Checks[0].ID != "" {
		t.Error("the caller's own evidence was changed")
	}
	if _, out, sum := prepare(r, nil, providers.Evidence{}); sum != (InputSummary{}) || len(List(&out)) != 0 {
		t.Errorf("nothing became %+v %+v", out, sum)
	}
}
