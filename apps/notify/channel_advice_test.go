package notify_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result channel.Result
		want   string // a part of it; "" is nothing
	}{
		"blocked":     {channel.Result{Verdict: channel.Permanent, Class: "blocked_address", Error: "address not allowed: 10.0.0.1"}, "HUB_EGRESS_ALLOW"},
		"settings":    {channel.Result{Verdict: channel.Permanent, Class: "bad_config", Error: "x: y"}, "correct what is marked"},
		"off":         {channel.Result{Verdict: channel.Dropped, Class: "disabled", Error: "nothing is sent: its settings say disabled"}, "Take disabled out"},
		"certificate": {channel.Result{Verdict: channel.Retry, Class: "tls", Error: "x509: unknown authority"}, "certificate"},
		"other":       {channel.Result{Verdict: channel.Permanent, Class: "error"}, "settings"},
		"unknown end": {channel.Result{Verdict: channel.Retry, Class: "error"}, "few minutes"},
		"what Slack says of a token": {channel.Result{
			Verdict: channel.Permanent, Status: 200, Class: "slack_invalid_auth", Error: "Slack refused the message (invalid_auth): the bot token is not valid",
		}, ""},
		"what Discord says of a webhook": {channel.Result{
			Verdict: channel.Permanent, Status: 404, Class: "discord_10015", Error: "Discord refused the message (10015 Unknown Webhook): the webhook was deleted",
		}, ""},
		"a page instead of ok": {channel.Result{
			Verdict: channel.Retry, Status: 200, Class: "bad_answer", Error: `the receiver answered, but not with "ok" as Slack does: is webhook_url the address of an incoming webhook?`,
		}, ""},
		"no STARTTLS": {channel.Result{
			Verdict: channel.Permanent, Class: "no_starttls", Error: "the mail server offers no STARTTLS, and nothing is sent unencrypted: check smtp_port, or turn use_tls off",
		}, ""},
		"a vendor's words behind the status": {channel.Result{
			Verdict: channel.Permanent, Status: 400, Class: "http_400", Error: "receiver answered 400 Bad Request: invalid routing key",
		}, "answer says why"},
		"greylisted":      {channel.Result{Verdict: channel.Retry, Status: 451, Class: "smtp_451", Error: "name the recipient a@b: 451 greylisted, auth later"}, "puts it off"},
		"mailbox busy":    {channel.Result{Verdict: channel.Retry, Status: 450, Class: "smtp_450"}, "puts it off"},
		"server leaves":   {channel.Result{Verdict: channel.Retry, Status: 421, Class: "smtp_421"}, "puts it off"},
		"login refused":   {channel.Result{Verdict: channel.Permanent, Status: 535, Class: "smtp_535"}, "credential"},
		"login wanted":    {channel.Result{Verdict: channel.Permanent, Status: 530, Class: "smtp_530"}, "credential"},
		"no such mailbox": {channel.Result{Verdict: channel.Permanent, Status: 550, Class: "smtp_550"}, "to_addresses"},
		"mail too large":  {channel.Result{Verdict: channel.Permanent, Status: 552, Class: "smtp_552"}, "too long"},
	} {
		if got := notify.Advice(tt.result); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %q, want %q in it", name, got, tt.want)
		}
	}
	if got := notify.Advice(channel.Result{Verdict: channel.Done, Status: 200}); got != "" {
		t.Errorf("of success: %q", got)
	}
}

// TestAdviceByStatus: what an answer's body says changes nothing: most bodies hold a word that sounds like something.
func TestAdviceByStatus(t *testing.T) {
	t.Parallel()
	bodies := []string{
		"", `{"ok":true}`, "Authorization header is required", "author not found", "rate limit", "generated at 12:00", "token_expired", "channel_not_found",
		"<html>401 Unauthorized</html>", "certificate", strings.Repeat("auth rate not_found ", 100),
	}
	for status, tt := range map[int]struct {
		verdict channel.Verdict
		want    string
	}{
		301: {channel.Permanent, "redirects"}, 302: {channel.Permanent, "redirects"}, 307: {channel.Permanent, "redirects"},
		400: {channel.Permanent, "answer says why"}, 401: {channel.Permanent, "credential"}, 403: {channel.Permanent, "credential"},
		404: {channel.Permanent, "gone"}, 405: {channel.Permanent, "method"}, 408: {channel.Retry, "few minutes"}, 409: {channel.Permanent, "answer says why"},
		410: {channel.Permanent, "gone"}, 413: {channel.Permanent, "too long"}, 422: {channel.Permanent, "answer says why"}, 425: {channel.Retry, "few minutes"},
		429: {channel.Retry, "fewer"}, 500: {channel.Retry, "trouble of its own"}, 501: {channel.Permanent, "answer says why"}, 502: {channel.Retry, "trouble of its own"},
		503: {channel.Retry, "trouble of its own"}, 504: {channel.Retry, "trouble of its own"},
	} {
		for _, body := range bodies {
			got := notify.Advice(channel.Result{
				Verdict: tt.verdict, Status: status, Class: fmt.Sprintf("http_%d", status), Response: body,
				Error: fmt.Sprintf("receiver answered %d %s", status, http.StatusText(status)),
			})
			if !strings.Contains(got, tt.want) || got == "" {
				t.Errorf("%d %.30q: %q, want %q in it", status, body, got, tt.want)
			}
		}
	}
}
