package notify_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNoticeTellsNoSecret: what senders write into texts, labels and annotations leaves the hub without its secrets, and what the hub
// keeps stays as it was.
func TestNoticeTellsNoSecret(t *testing.T) {
	t.Parallel()
	in := firing()
	in.Incident.Title = "login failed, password=hunter2secret"
	in.Incident.Description = "curl https://bob:hunter2secret@db-1/x failed"
	a := &in.Alerts[0]
	a.Name, a.Description = in.Incident.Title, in.Incident.Description
	a.Labels["api_token"] = "hunter2secret"
	a.Annotations["summary"] = "Authorization: Bearer hunter2secret"
	before := diskFull()
	before.Name, before.Description = a.Name, a.Description
	before.Labels["api_token"], before.Annotations["summary"] = "hunter2secret", a.Annotations["summary"]

	n := notices(t).Build(in)
	sent, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sent), "hunter2secret") {
		t.Errorf("the secret is told:\n%s", sent)
	}
	for _, want := range []string{"login failed, password=[redacted:password]", "api_token=[redacted:token]"} {
		if !strings.Contains(n.Title+"\n"+n.Text, want) {
			t.Errorf("%q is not in\n%s\n%s", want, n.Title, n.Text)
		}
	}
	if n.Alerts[0].Labels["instance"] != "db-1:9100" || n.Alerts[0].Fingerprint != before.Fingerprint {
		t.Errorf("lost what is no secret: %+v", n.Alerts[0])
	}
	if diff := cmp.Diff(before, in.Alerts[0]); diff != "" {
		t.Errorf("the caller's alert was changed (-want +got):\n%s", diff)
	}
}
