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
