package server_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// mailSettings are those of a channel on a test server.
func mailSettings(t *testing.T, s *channeltest.SMTP) servertest.Map {
	t.Helper()
	config := servertest.Map{}
	if err := json.Unmarshal([]byte(s.Settings()+`,"from_address":"hub@example.com","to_addresses":["ops@example.com"]}`), &config); err != nil {
		t.Fatal(err)
	}
	return config
}

// TestMail: an incident is a thread of mails, of which a greylisted one arrives later and one of unknown outcome under the same id; the
// password goes to no other server than the one that it was entered for.
func TestMail(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		s := (&channeltest.SMTP{Username: "hub", Password: "canary-password", OnData: func(n int) error {
			if n == 1 {
				return channeltest.Refusal(451, "greylisted")
			}
			return nil
		}}).Start(t)
		config := mailSettings(t, s)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{"name": "mail", "driver": "email", "config": config})
		if status, raw := h.Do(http.MethodGet, "/api/v1/channels", nil); status != http.StatusOK || strings.Contains(string(raw), "canary") {
			t.Errorf("the password is shown: %s", raw)
		}
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		i := h.Incident()
		h.Act(i.ID, "acknowledge", servertest.Map{})
		testkit.Eventually(t, 2*time.Minute, func() bool { return len(s.Mails()) == 2 }, "nobody was told of the acknowledgement")
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		var subjects, threads, ids []string
		for _, m := range s.Mails() {
			parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
			if err != nil {
				t.Fatal(err)
			}
			subjects = append(subjects, strings.SplitN(parsed.Header.Get("Subject"), " ", 2)[0]+" "+parsed.Header.Get("X-IncidentHub-Event"))
			threads = append(threads, parsed.Header.Get("References"))
			ids = append(ids, parsed.Header.Get("Message-ID"))
		}
		if diff := cmp.Diff([]string{"[CRITICAL] firing", "[CRITICAL] acknowledged", "[RESOLVED] resolved"}, subjects); diff != "" {
			t.Fatalf("mails (-want +got)\n%s", diff)
		}
		if thread := "<incident." + i.ID + "@example.com>"; threads[0] != thread || threads[1] != thread || threads[2] != thread || ids[0] == ids[1] || ids[1] == ids[2] {
			t.Errorf("threads %v ids %v", threads, ids)
		}

		for name, change := range map[string]servertest.Map{
			"host": {"smtp_host": "mail.evil.example"}, "port": {"smtp_port": 2525}, "no encryption": {"use_tls": false, "ca_certificate": ""},
		} {
			moved := mailSettings(t, s)
			moved["password"] = servertest.Map{"configured": true}
			maps.Copy(moved, change)
			status, raw := h.Do(http.MethodPut, "/api/v1/channels/mail", servertest.Map{"name": "mail", "driver": "email", "is_active": true, "config": moved})
			if status != http.StatusUnprocessableEntity || !strings.Contains(string(raw), "enter it again") {
				t.Errorf("another %s: %d %s", name, status, raw)
			}
		}
		status, raw := h.Do(http.MethodPost, "/api/v1/channels", servertest.Map{
			"name": "metadata", "driver": "email", "config": servertest.Map{"smtp_host": "169.254.169.254", "from_address": "hub@example.com"},
		})
		if status != http.StatusUnprocessableEntity || !strings.Contains(string(raw), "never called") {
			t.Errorf("a blocked mail server: %d %s", status, raw)
		}
	})
}

// TestTelegram: an incident is one message that changes, and a reply at its end; a change that may have arrived is made again.
func TestTelegram(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		fake := &channeltest.Telegram{Token: "123456:canary-token", Chats: []string{"-1001"}}
		late := channeltest.Answer(http.StatusTooManyRequests, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}`)
		r := channeltest.Receive(t, late, fake.Step, channeltest.Reset(), fake.Step)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{
			"name": "chat", "driver": "telegram", "config": servertest.Map{"server": r.URL, "bot_token": fake.Token, "chat_id": -1001},
		})
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		h.Act(h.Incident().ID, "acknowledge", servertest.Map{})
		testkit.Eventually(t, 2*time.Minute, func() bool {
			got := fake.Messages()
			return len(got) == 1 && got[0].Edits == 1 && strings.HasPrefix(got[0].Text, "👀 Acknowledged: Disk")
		}, "the acknowledgement is not in the message")
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		got := fake.Messages()
		if len(got) != 2 || got[0].Edits != 2 || got[1].ReplyTo != got[0].ID || !strings.HasPrefix(got[1].Text, "✅ Resolved: Disk") {
			t.Errorf("at the end: %+v", got)
		}
	})
}

// TestNtfy: pushes by severity; what is told again after an unknown outcome says so.
func TestNtfy(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		fake := &channeltest.Ntfy{Authorization: "Bearer tk_canary"}
		r := channeltest.Receive(t, channeltest.Reset(), fake.Step)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", servertest.Map{
			"name": "phones", "driver": "ntfy", "config": servertest.Map{"server": r.URL, "topic": "ops", "token": "tk_canary"},
		})
		became(t, h, h.Send(servertest.Fire("Disk")), "delivered")
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		got := fake.Messages()
		if len(got) != 2 || got[0].Priority != 5 || got[1].Priority != 3 || !strings.HasSuffix(got[0].Title, mayRepeat) || strings.HasSuffix(got[1].Title, mayRepeat) {
			t.Errorf("%+v", got)
		}
	})
}

const mayRepeat = "(may repeat)"
