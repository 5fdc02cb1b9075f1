package notify_test

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// onHub is what a pipeline finds on the hub's own machine, as nodes give it; abroad: the analyzer says that the alert is about another one.
func onHub(abroad bool) map[string]any {
	rung, fault := "local", "cpu"
	if abroad {
		rung, fault = "facts", "elsewhere"
	}
	return map[string]any{
		"check": json.RawMessage(`{"checks_run":4,"checks_passed":2,"checks_failed":2,"hostname":"vm","results":{
			"cpu":{"status":"critical","message":"97 %: stress --cpu 8 (pid 77)","metrics":{"top":[{"cmdline":"stress --cpu 8"}]}},
			"disk":{"status":"ok","message":"12 %"},"memory":{"status":"ok","message":"30 %"},
			"http":{"status":"critical","message":"https://web-1/health answers 503"}},
			"evidence":{"checks":[{"id":"C1","message":"stress --cpu 8"}],"history":[{"id":"H1","title":"as before"}]},"note":"n"}`),
		"intelligence": json.RawMessage(fmt.Sprintf(`{"provider":"local","rung":%q,"summary":"Looked at vm, the alert is about web-1","recommendations":[
			{"title":"Looked at vm, the alert is about web-1","priority":"low","details":{"fault":%q,"looked_at":"vm","about":"web-1"}},
			{"title":"Seen on vm, not the cause: stress --cpu 8","priority":"low"}]}`, rung, fault)),
	}
}

func about(labels ...map[string]string) notify.NoticeInput {
	in := firing()
	in.Outputs, in.Alerts = onHub(true), nil
	for _, l := range labels {
		a := diskFull()
		a.Labels, a.Annotations = l, nil
		in.Alerts = append(in.Alerts, a)
	}
	return in
}

// TestAnotherHost: what was found on a machine that the alerts are not about is one line, in the text and in what drivers get.
func TestAnotherHost(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]func() notify.NoticeInput{
		"abroad": func() notify.NoticeInput { return about(map[string]string{"instance": "web-1:9100"}) },
		"abroad_model": func() notify.NoticeInput {
			in := about(map[string]string{"instance": "web-1:9100"})
			in.Outputs["intelligence"] = map[string]any{"provider": "openai", "rung": "provider", "grounded": true, "overview": "The deploy broke it.", "recommendations": []any{}}
			return in
		},
		"abroad_failed": func() notify.NoticeInput {
			in := about(map[string]string{"instance": "web-1:9100"}, map[string]string{"hostname": "web-2"})
			found := channel.Object(in.Outputs["intelligence"])
			found["fallback_used"], found["why"] = true, "it took too long"
			in.Outputs["intelligence"] = found
			return in
		},
		"abroad_unchecked": func() notify.NoticeInput {
			in := about(map[string]string{"instance": "web-1:9100"})
			delete(in.Outputs, "check")
			return in
		},
		"abroad_update": func() notify.NoticeInput {
			in := about(map[string]string{"instance": "web-1:9100"})
			in.Kind, in.Event = channel.KindUpdated, "analysis"
			return in
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := in()
			n := notices(t).Build(given)
			golden(t, "notice/"+name+".txt", fmt.Sprintf("%s (%s)\n\n%s\n", n.Title, n.Severity, n.Text))
			told, err := json.Marshal(n)
			if err != nil {
				t.Fatal(err)
			}
			for _, of := range []string{"stress", "Seen on vm", "Looked at vm, the alert"} {
				if strings.Contains(string(told), of) {
					t.Errorf("%q of another machine is told: %s", of, told)
				}
			}
			if found := channel.Object(n.Context["intelligence"]); name != "abroad_model" && (found["rung"] != "facts" || found["looked_at"] != "vm" ||
				!strings.HasPrefix(fmt.Sprint(found["summary"]), "Looked at vm, which is no")) {
				t.Errorf("programs are not told where was looked: %v", found)
			}
			if given.Outputs["check"] != nil && !strings.Contains(string(told), "as before") {
				t.Errorf("what is known of earlier incidents is lost: %s", told)
			}
			if was, _ := json.Marshal(given.Outputs); given.Outputs["check"] != nil && !strings.Contains(string(was), "stress") {
				t.Errorf("the run's own outputs were changed: %s", was)
			}
		})
	}
}

// TestOwnHost: of the alerts' own machine, and where nobody can tell, nothing is left out.
func TestOwnHost(t *testing.T) {
	t.Parallel()
	addrs, err := net.InterfaceAddrs()
	if err != nil || len(addrs) == 0 {
		t.Fatalf("this machine has no address: %v", err)
	}
	own, _, err := net.ParseCIDR(addrs[0].String())
	if err != nil {
		t.Fatal(err)
	}
	for name, labels := range map[string][]map[string]string{
		"name": {{"instance": "VM:9100"}}, "full name": {{"hostname": "vm.example.org"}}, "loopback": {{"instance": "localhost:80"}},
		"address": {{"instance": net.JoinHostPort(own.String(), "9100")}}, "one of several": {{"instance": "web-1"}, {"instance": "vm"}},
		"none named": {{"job": "x"}}, "a target": {{"host": "web-1", "url": "https://web-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := about(labels...)
			delete(in.Outputs, "intelligence")
			n := notices(t).Build(in)
			if !strings.Contains(n.Text, "97 %: stress --cpu 8") || !strings.Contains(n.Text, "Checks on vm: 2 of 4 passed") {
				t.Errorf("what was found is lost:\n%s", n.Text)
			}
		})
	}
	t.Run("the analyzer knows better", func(t *testing.T) {
		t.Parallel()
		in := about(map[string]string{"instance_id": "i-0123"})
		in.Outputs = onHub(false)
		if n := notices(t).Build(in); !strings.Contains(n.Text, "97 %: stress") || !strings.Contains(n.Text, "Seen on vm") {
			t.Errorf("what was found is lost:\n%s", n.Text)
		}
	})
	t.Run("only what fires counts", func(t *testing.T) {
		t.Parallel()
		in := about(map[string]string{"instance": "web-1"}, map[string]string{"instance": "vm"})
		in.Alerts[0].Status = event.StatusResolved
		delete(in.Outputs, "intelligence")
		if n := notices(t).Build(in); !strings.Contains(n.Text, "97 %: stress") {
			t.Errorf("what was found is lost:\n%s", n.Text)
		}
	})
}
