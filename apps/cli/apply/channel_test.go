package apply_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// chain falls back from the first to the last, and names each before there is one.
const chain = `
channels:
  - {name: mail, driver: webhook, config: {url: "https://a.example"}, renotify: 1h30m, fallback: {channel: phone, after: 10m}}
  - {name: phone, driver: webhook, config: {url: "https://b.example"}, renotify: 600, fallback: {channel: pager}}
  - {name: pager, driver: webhook, config: {url: "https://c.example"}, throttle: {messages: 5, per: 10m}}
`

func TestFallbacks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		if diff := cmp.Diff([]string{"create channel pager", "create channel phone", "create channel mail"}, steps(h.apply(t, chain, apply.Options{}))); diff != "" {
			t.Error(diff)
		}
		mail, err := h.Channels.Get(t.Context(), tenant, "mail")
		if err != nil {
			t.Fatal(err)
		}
		in := notify.InputOf(mail)
		if in.Renotify != 90*time.Minute || mail.FallbackName != "phone" || in.FallbackAfter != 10*time.Minute {
			t.Errorf("mail %+v", mail)
		}
		file, _, err := h.Export(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"renotify: 1h30m\n", "fallback:\n      channel: phone\n      after: 10m\n", "renotify: 10m\n", "fallback:\n      channel: pager\n", "throttle:\n      messages: 5\n      per: 10m\n"} {
			if !strings.Contains(string(file), want) {
				t.Errorf("no %q in\n%s", want, file)
			}
		}
		for name, text := range map[string]string{"the same": chain, "what was exported": string(file)} {
			if plan := h.apply(t, text, apply.Options{}); plan.Changes() != 0 {
				t.Errorf("%s: %v", name, steps(plan))
			}
		}
		wider := h.apply(t, strings.Replace(chain, "messages: 5", "messages: 6", 1), apply.Options{})
		if diff := cmp.Diff([]string{"update channel pager: throttle", "unchanged channel phone", "unchanged channel mail"}, steps(wider)); diff != "" {
			t.Errorf("another throttle:\n%s", diff)
		}
		h.apply(t, chain, apply.Options{})
		// The other way round.
		turned := strings.NewReplacer("fallback: {channel: phone, after: 10m}", "is_active: true", "fallback: {channel: pager}", "fallback: {channel: mail}",
			"c.example\"},", "c.example\"}, fallback: {channel: phone},").Replace(chain)
		plan := h.apply(t, turned, apply.Options{})
		if plan.Changes() != 3 {
			t.Errorf("turned: %v", steps(plan))
		}
		for _, s := range plan.Steps {
			if diff := cmp.Diff([]string{"fallback"}, s.Changes); diff != "" {
				t.Errorf("%s: %s", s.Name, diff)
			}
		}
		if plan := h.apply(t, "channels: []", apply.Options{Prune: true}); plan.Changes() != 3 {
			t.Errorf("pruned: %v", steps(plan))
		}
	})
}

func TestFallbackProblems(t *testing.T) {
	t.Parallel()
	h := newHub(t, dbtest.Open(t, storage.SQLite))
	for name, tt := range map[string]struct{ fields, want string }{
		"a text":         {`fallback: phone`, "fallback: must be a mapping"},
		"no name":        {`fallback: {after: 10m}`, "fallback: must be a mapping with the name of a channel"},
		"another key":    {`fallback: {channel: phone, before: 10m}`, "fallback: must be a mapping of channel and after"},
		"no time":        {`fallback: {channel: phone, after: soon}`, "fallback/after: must be a time"},
		"no such":        {`fallback: {channel: phone}`, "fallback.channel: there is no such channel"},
		"no window":      {`renotify: [1h]`, "renotify: must be a time"},
		"no throttle":    {`throttle: 5/10m`, "throttle: must be a mapping: {messages: 5, per: 10m}"},
		"no messages":    {`throttle: {per: 10m}`, "throttle: must be a mapping: {messages: 5, per: 10m}"},
		"in no time":     {`throttle: {messages: 5}`, "throttle: must be a mapping: {messages: 5, per: 10m}"},
		"no number":      {`throttle: {messages: many, per: 10m}`, "throttle/messages: must be a whole number, such as 5"},
		"another word":   {`throttle: {messages: 5, per: 10m, burst: 2}`, "throttle: must be a mapping of messages and per"},
		"a bad time":     {`throttle: {messages: 5, per: soon}`, "throttle/per: must be a time"},
		"too long":       {`throttle: {messages: 5, per: 2d}`, "throttle.per: must be whole seconds from 1s to 1d"},
		"a short window": {`renotify: 10s`, "renotify: must be 0 for never, or whole seconds from 1m to 7d"},
	} {
		text := "channels:\n  - name: ops\n    driver: webhook\n    config: {url: x}\n    " + tt.fields + "\n"
		doc, err := apply.Read([]byte(text), func(string) string { return "" })
		if err == nil {
			_, err = h.Apply(t.Context(), doc, apply.Options{Tenant: tenant})
		}
		var p *apply.Problems
		if !errors.As(err, &p) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "line 5") {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}
