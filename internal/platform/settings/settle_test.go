package settings_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

func plugin(fields ...settings.Field) settings.Plugin {
	return settings.Plugin{
		Fields:   append(fields, settings.Field{Key: "key", Type: settings.Text, Secret: true}),
		New:      func(json.RawMessage) error { return nil },
		CheckURL: func(string) error { return nil },
	}
}

func address(key, usual string) settings.Field {
	return settings.Field{Key: key, Type: settings.URL, Destination: true, Default: usual}
}

// TestWhereSecretsGo: a stored secret goes to the place that it was entered for and to no other.
func TestWhereSecretsGo(t *testing.T) {
	t.Parallel()
	two := []settings.Field{address("url", ""), address("host", "")}
	mail := []settings.Field{
		{Key: "host", Type: settings.Text, Destination: true, Port: "port", With: []string{"tls"}},
		{Key: "port", Type: settings.Number, Default: "587"},
		{Key: "tls", Type: settings.Bool, Default: "true"},
	}
	for name, tt := range map[string]struct {
		fields   []settings.Field
		was, now string
		stays    bool
	}{
		"same":                   {two, `{"url":"https://a.example"}`, `{"url":"https://a.example/"}`, true},
		"other name":             {two, `{"url":"https://a.example"}`, `{"host":"https://a.example"}`, true},
		"one of two":             {two, `{"url":"https://a.example","host":"https://b.example"}`, `{"host":"https://b.example"}`, true},
		"one more":               {two, `{"url":"https://a.example"}`, `{"url":"https://a.example","host":"https://b.example"}`, false},
		"from nowhere":           {two, `{}`, `{"url":"https://a.example"}`, false},
		"to nowhere":             {two, `{"url":"https://a.example"}`, `{}`, true},
		"from the usual":         {[]settings.Field{address("url", "https://u.example/v1")}, `{}`, `{"url":"https://a.example"}`, false},
		"the usual, written out": {[]settings.Field{address("url", "https://u.example/v1")}, `{}`, `{"url":"https://u.example:443"}`, true},
		"to the usual":           {[]settings.Field{address("url", "https://u.example/v1")}, `{"url":"https://a.example"}`, `{"url":" "}`, false},
		"no scheme":              {two, `{"url":"a.example"}`, `{"url":"b.example"}`, false},
		"no scheme, and http":    {two, `{"url":"a.example"}`, `{"url":"http://a.example:80"}`, true},
		"unreadable":             {two, `{"url":"http://[a"}`, `{"url":"http://[b"}`, false},
		"another user":           {two, `{"url":"https://a.example@b.example"}`, `{"url":"https://a.example"}`, false},
		"a text":                 {[]settings.Field{{Key: "to", Type: settings.Text, Destination: true}}, `{"to":"Room"}`, `{"to":"room"}`, true},
		"a host":                 {mail, `{"host":"Mail.example."}`, `{"host":"mail.example","port":587,"tls":true}`, true},
		"another host":           {mail, `{"host":"mail.example"}`, `{"host":"mail.evil.example"}`, false},
		"another port":           {mail, `{"host":"mail.example","port":587}`, `{"host":"mail.example","port":2525}`, false},
		"in the clear":           {mail, `{"host":"mail.example","tls":true}`, `{"host":"mail.example","tls":false}`, false},
		"a host in brackets":     {mail, `{"host":"2001:db8::1"}`, `{"host":"[2001:db8::1]"}`, true},
		"another text":           {[]settings.Field{{Key: "to", Type: settings.Text, Destination: true}}, `{"to":"room"}`, `{"to":"hall"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, ok := settings.Read(json.RawMessage(tt.was))
			if !ok {
				t.Fatal(tt.was)
			}
			was := settings.Stored{Settings: before, Secrets: map[string]secret.String{"key": secret.NewString("canary")}}
			_, problems := plugin(tt.fields...).Settle(json.RawMessage(tt.now), was)
			if stays := len(problems) == 0; stays != tt.stays {
				t.Errorf("stays is %v: %v", stays, problems)
			}
			for _, p := range problems {
				if p.Key != "key" || strings.Contains(p.Message, "canary") {
					t.Errorf("problem %v", p)
				}
			}
		})
	}
}

// TestHosts: the address guard is asked about a host and its port as about a URL, and only when they are new.
func TestHosts(t *testing.T) {
	t.Parallel()
	p := plugin(settings.Field{Key: "host", Type: settings.Text, Port: "port"}, settings.Field{Key: "port", Type: settings.Number, Default: "587"})
	var asked []string
	p.CheckURL = func(raw string) error { asked = append(asked, raw); return errors.New("not allowed") }
	was := settings.Stored{Settings: map[string]any{"host": "old.example", "port": 25.0}}
	for _, config := range []string{
		`{"host":"10.0.0.1"}`, `{"host":"fd00::1","port":25}`, `{"host":"old.example","port":25}`, `{"port":25}`, `{"host":"old.example"}`,
	} {
		_, problems := p.Settle(json.RawMessage(config), was)
		for _, k := range problems {
			if k.Key != "host" || k.Message != "not allowed" {
				t.Errorf("%s: %v", config, k)
			}
		}
	}
	if diff := cmp.Diff([]string{"http://10.0.0.1:587", "http://[fd00::1]:25", "http://old.example:587"}, asked); diff != "" {
		t.Errorf("the guard was asked about (-want +got)\n%s", diff)
	}
}

func TestSettleComplains(t *testing.T) {
	t.Parallel()
	p := plugin(address("url", ""), settings.Field{Key: "m", Type: settings.Map, Secret: true})
	p.CheckURL = func(string) error { return errors.New("never called") }
	for name, tt := range map[string]struct {
		config string
		err    error
		want   []string
	}{
		"no object":   {`[]`, nil, []string{"config: must be a JSON object"}},
		"own words":   {`{}`, settings.Bad("n", "is too long"), []string{"config.n: is too long"}},
		"a map's":     {`{}`, settings.Bad("m.X", "is bad"), []string{"config.m.X: is bad"}},
		"other words": {`{}`, errors.New("canary"), []string{"config: is not usable with this kind"}},
		"address":     {`{"url":"http://a.example"}`, nil, []string{"config.url: never called"}},
		"found first": {`{"url":"x"}`, settings.Bad("url", "is no address"), []string{"config.url: is no address"}},
		"masks": {`{"key":{"configured":true},"m":{"Auth":{"configured":true}}}`, nil, []string{
			`config.m.Auth: enter the value: {"configured": true} stands for a stored one, and there is none`,
			`config.key: enter the value: {"configured": true} stands for a stored one, and there is none`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := p
			p.New = func(json.RawMessage) error { return tt.err }
			_, problems := p.Settle(json.RawMessage(tt.config), settings.Stored{})
			var got []string
			for _, k := range problems {
				got = append(got, k.At()+": "+k.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSecretAddress: the guard is asked about an address that is a secret too, when it is new, and its complaint does not hold it.
func TestSecretAddress(t *testing.T) {
	t.Parallel()
	asked := 0
	p := plugin(settings.Field{Key: "hook", Type: settings.URL, Secret: true})
	p.CheckURL = func(raw string) error {
		if asked++; raw != "http://10.0.0.1/canary" {
			t.Errorf("asked about %q", raw)
		}
		return errors.New("not allowed")
	}
	set, problems := p.Settle(json.RawMessage(`{"hook":"http://10.0.0.1/canary"}`), settings.Stored{})
	if len(problems) != 1 || problems[0].At() != "config.hook" || strings.Contains(string(set.Masked), "canary") {
		t.Errorf("problems %v", problems)
	}
	was := settings.Stored{
		Settings: map[string]any{"hook": map[string]any{"configured": true}}, Secrets: map[string]secret.String{"hook": secret.NewString("http://10.0.0.1/canary")},
	}
	for _, config := range []string{`{}`, `{"hook":{"configured":true}}`} {
		if _, problems := p.Settle(json.RawMessage(config), was); len(problems) != 0 {
			t.Errorf("%s: %v", config, problems)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// TestKeep: what is stored anew is what changed.
func TestKeep(t *testing.T) {
	t.Parallel()
	was := settings.Stored{Settings: map[string]any{}, Secrets: map[string]secret.String{
		"key": secret.NewString("old"), "m.Auth": secret.NewString("same"), "m.Token": secret.NewString("gone"),
	}}
	set, problems := plugin(settings.Field{Key: "m", Type: settings.Map, Secret: true}).Settle(
		json.RawMessage(`{"key":"new","m":{"Auth":"same","Token":null,"X-Key":"more"}}`), was)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	put := map[string]string{}
	if err := set.Keep(func(field string, v secret.String) error { put[field] = v.Reveal(); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"key": "new", "m.Token": "", "m.X-Key": "more"}, put); diff != "" {
		t.Errorf("put (-want +got):\n%s", diff)
	}
	bad := errors.New("no database")
	if err := set.Keep(func(string, secret.String) error { return bad }); !errors.Is(err, bad) {
		t.Error(err)
	}
	if got := string(set.Masked); strings.Contains(got, "new") || !strings.Contains(string(set.Full), "new") {
		t.Errorf("masked %s", got)
	}
}
