package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/registry"
	"github.com/incidenthub/incidenthub/apps/notify/texts"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const storedIncident = "01990000-0000-7000-8000-0000000000aa"

func previewer(t *testing.T, s *notify.ChannelService) *notify.Previewer {
	t.Helper()
	p, err := notify.NewPreviewer(notify.PreviewConfig{
		Admin: s, Notices: notices(t), Clock: clock.At(now),
		PageURL: func(i id.ID) string { return "https://hub.example/incidents/" + i.String() },
		Incident: func(_ context.Context, _ string, incident id.ID) (*notify.Seen, error) {
			if incident.String() != storedIncident {
				return nil, storage.ErrNotFound
			}
			return &notify.Seen{
				Facts:  notify.IncidentFacts{ID: storedIncident, Title: "Stored", Severity: event.SeverityWarning, Status: "open", StartedAt: started},
				Alerts: []channel.Alert{diskFull()}, Outputs: map[string]any{"intelligence": map[string]any{"summary": "Because.", "rung": "local"}},
			}, nil
		},
		Parse: func(driver string, body []byte) (event.Parsed, string, error) {
			var given struct{ Names []string }
			if err := json.Unmarshal(body, &given); err != nil {
				return event.Parsed{}, "", fmt.Errorf("no driver takes it: %w", err)
			}
			p := event.Parsed{}
			for i, name := range given.Names {
				p.Observations = append(p.Observations, event.Observation{Index: i, Name: name, Status: event.StatusFiring, Labels: map[string]string{"team": "db"}})
			}
			return p, "pasted-" + driver, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func seen(t *testing.T, p *notify.Previewer, in notify.PreviewInput) []notify.Preview {
	t.Helper()
	list, err := p.Previews(t.Context(), tenant, in)
	if err != nil {
		t.Fatalf("%+v: %v", in, err)
	}
	return list
}

func textOf(p notify.Preview) string {
	var b strings.Builder
	for _, s := range p.Shown {
		b.WriteString(s.Text)
	}
	return b.String()
}

func TestPreviews(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := channels(t, db)
		if err := s.EnsureInbox(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		create(t, s, generic("ops", `{"endpoint":"https://hooks.example/x","secret":"canary-secret"}`))
		off := generic("asleep", `{"endpoint":"https://hooks.example/y"}`)
		off.IsActive = false
		create(t, s, off)
		p := previewer(t, s)

		all := seen(t, p, notify.PreviewInput{})
		if len(all) != 3 || all[0].Channel != "asleep" || all[0].Active || all[2].Channel != "ops" || !all[2].Active {
			t.Fatalf("all channels: %+v", all)
		}
		for _, one := range all {
			if one.Error != "" || one.Remark != "" || len(one.Shown) == 0 || one.Bytes == 0 || !strings.Contains(one.Title, "Disk almost full on db-1") {
				t.Errorf("%s: %+v", one.Channel, one)
			}
		}
		for _, k := range notify.PreviewEvents() {
			one := seen(t, p, notify.PreviewInput{Event: k, Channel: "ops"})
			var body struct {
				Event string `json:"event"`
			}
			if err := json.Unmarshal([]byte(textOf(one[0])), &body); err != nil || body.Event != string(k) {
				t.Errorf("%s: %v %+v", k, err, one)
			}
		}

		if one := seen(t, p, notify.PreviewInput{IncidentID: storedIncident, Channel: "ops"})[0]; !strings.Contains(one.Title, "Stored") ||
			!strings.Contains(textOf(one), "Because.") || !strings.Contains(textOf(one), "incidents/"+storedIncident) {
			t.Errorf("stored: %+v", one)
		}
		if one := seen(t, p, notify.PreviewInput{Payload: json.RawMessage(`{"names":["A","B"]}`), PayloadOf: "x", Channel: "ops"})[0]; !strings.Contains(one.Title, "A") ||
			!strings.Contains(textOf(one), "pasted-x") || !strings.Contains(textOf(one), `"B"`) {
			t.Errorf("pasted: %+v", one)
		}
		if one := seen(t, p, notify.PreviewInput{IncidentID: storedIncident, Event: channel.KindResolved, Channel: "ops"})[0]; !strings.HasPrefix(one.Title, "Resolved: ") {
			t.Errorf("resolved: %+v", one)
		}
		one := seen(t, p, notify.PreviewInput{Driver: "generic", Config: json.RawMessage(`{"endpoint":"https://hooks.example/z","channel":"fresh"}`)})
		if len(one) != 1 || !strings.Contains(textOf(one[0]), "fresh") || !one[0].ChannelID.IsZero() {
			t.Errorf("not stored: %+v", one)
		}
	})
}

// echo is a driver with templates, whose messages hold its secret as some protocols have it.
type echo struct{}

func (echo) Spec() channel.Spec {
	return channel.Spec{Name: "echo", Required: []channel.Field{{Key: "key", Type: channel.FieldText, Secret: true}}, Optional: []channel.Field{
		{Key: "template", Type: channel.FieldTemplate},
	}}
}

type echoes struct {
	key  string
	sets *texts.Set
}

func (echo) New(config json.RawMessage) (channel.Channel, error) {
	var c struct {
		Key      string            `json:"key"`
		Template settings.Template `json:"template"`
	}
	if err := channel.Decode(config, &c); err != nil {
		return nil, err
	}
	sets, err := texts.New(texts.Options{Driver: "echo", Text: c.Template})
	return &echoes{c.Key, sets}, err
}

func (e *echoes) Render(n channel.Notice) (channel.Rendered, error) {
	m := e.sets.Text(n)
	r, err := channel.Document(map[string]string{"text": m.Text, "key": e.key})
	r.Remark, r.Missing = m.Remark, m.Missing
	return r, err
}

func (*echoes) Send(context.Context, channel.Outgoing) channel.Result {
	panic("a preview sends nothing")
}

func (*echoes) Show(body []byte) []channel.Shown {
	var b struct{ Text, Key string }
	if json.Unmarshal(body, &b) != nil {
		return nil
	}
	return []channel.Shown{{Name: "text", Media: "text/plain", Text: b.Text + " by " + b.Key}}
}

func withEcho(t *testing.T, db *storage.DB) *notify.ChannelService {
	t.Helper()
	client := channeltest.Client(t)
	drivers, err := registry.New(echo{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := notify.NewChannelService(notify.ChannelConfig{DB: db, Secrets: secrets(t, db), Drivers: drivers, URLs: client, Log: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func echoing(template string) json.RawMessage {
	return json.RawMessage(`{"key":"canary-secret","template":{"type":"inline","template":` + template + `}}`)
}

// TestPreviewsOfTemplates: a preview names what is missing and what failed, hides secrets, and takes settings that are not stored with the
// secrets that are.
func TestPreviewsOfTemplates(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		s := withEcho(t, db)
		p := previewer(t, s)
		create(t, s, notify.ChannelInput{Name: "good", Driver: "echo", IsActive: true, Config: echoing(`"{{ severity }} {{ labels.nope }}"`)})
		create(t, s, notify.ChannelInput{Name: "slow", Driver: "echo", IsActive: true, Config: echoing(`"{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}"`)})

		good := seen(t, p, notify.PreviewInput{})[0]
		if got := textOf(good); got != "critical by ***" || !slices.Equal(good.Missing, []string{"labels.nope"}) {
			t.Errorf("got %q, missing %v", got, good.Missing)
		}
		// It takes more steps than there are, or on a slow machine too long.
		slow := seen(t, p, notify.PreviewInput{Channel: "slow"})[0]
		if !strings.Contains(slow.Remark, "template failed (line 1: takes ") || !strings.Contains(textOf(slow), "Disk almost full on db-1") &&
			!strings.Contains(textOf(slow), "97 % full") {
			t.Errorf("got %+v", slow)
		}
		edited := seen(t, p, notify.PreviewInput{Channel: "good", Config: json.RawMessage(`{"template":{"type":"inline","template":"new {{ event }}"}}`)})[0]
		if got := textOf(edited); got != "new firing by ***" {
			t.Errorf("got %q", got)
		}
		for name, tt := range map[string]struct {
			in     notify.PreviewInput
			fields []string
		}{
			"a template that cannot be read": {notify.PreviewInput{Channel: "good", Config: json.RawMessage(`{"template":{"type":"inline","template":"a\n{{ x|nope }}"}}`)}, []string{"config.template"}},
			"an event that is none":          {notify.PreviewInput{Event: "burning"}, []string{"event"}},
			"settings of nobody":             {notify.PreviewInput{Config: json.RawMessage(`{}`)}, []string{"driver"}},
			"another driver":                 {notify.PreviewInput{Channel: "good", Driver: "generic"}, []string{"driver"}},
			"no such driver":                 {notify.PreviewInput{Driver: "nobody"}, []string{"driver"}},
			"a body of nobody":               {notify.PreviewInput{Payload: json.RawMessage(`[`)}, []string{"payload"}},
			"a body without alerts":          {notify.PreviewInput{Payload: json.RawMessage(`{}`)}, []string{"payload"}},
		} {
			_, err := p.Previews(t.Context(), tenant, tt.in)
			if !slices.Equal(fieldsOf(err), tt.fields) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, in := range []notify.PreviewInput{{Channel: "nobody"}, {IncidentID: "x"}, {IncidentID: id.New().String()}} {
			if _, err := p.Previews(t.Context(), tenant, in); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%+v: %v", in, err)
			}
		}
	})
}
