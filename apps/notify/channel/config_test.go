package channel_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	type settings struct {
		URL    string            `json:"url"`
		Secret string            `json:"secret"`
		N      float64           `json:"n"`
		On     bool              `json:"on"`
		Map    map[string]string `json:"map"`
	}
	for name, tt := range map[string]struct {
		config string
		want   settings
		errs   []string
	}{
		"none":     {``, settings{}, nil},
		"null":     {`null`, settings{}, nil},
		"all":      {`{"url":"u","secret":"s","n":1.5,"on":true,"map":{"a":"b"}}`, settings{"u", "s", 1.5, true, map[string]string{"a": "b"}}, nil},
		"list":     {`[]`, settings{}, []string{"config: must be a JSON object"}},
		"trailing": {`{} x`, settings{}, []string{"config: must be a JSON object"}},
		"unknown and other case": {`{"SECRET":"v","x":1}`, settings{}, []string{
			"config: SECRET: unknown; known are map, n, on, secret, url", "config: x: unknown; known are map, n, on, secret, url",
		}},
		"types": {`{"url":1,"n":"1","on":"yes","map":[]}`, settings{}, []string{
			"config: map: must be an object of strings", "config: n: must be a number", "config: on: must be true or false",
			"config: url: must be a string",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got settings
			err := channel.Decode(json.RawMessage(tt.config), &got)
			var errs []string
			for _, e := range channel.KeyErrors(err) {
				errs = append(errs, e.Error())
				if !errors.Is(e, channel.ErrConfig) {
					t.Errorf("%v is no ErrConfig", e)
				}
			}
			if diff := cmp.Diff(tt.errs, errs); diff != "" {
				t.Errorf("errors (-want +got)\n%s", diff)
			}
			if tt.errs == nil {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			}
		})
	}
}

func TestKeyErrors(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("open: %w", errors.Join(channel.Bad("a", "x"), errors.New("other"), fmt.Errorf("in: %w", channel.Bad("b", "y %d", 1))))
	var got []string
	for _, e := range channel.KeyErrors(err) {
		got = append(got, e.Key+" "+e.Message)
	}
	if diff := cmp.Diff([]string{"a x", "b y 1"}, got); diff != "" {
		t.Error(diff)
	}
	if channel.KeyErrors(nil) != nil {
		t.Error("nil has complaints")
	}
}

func TestLooksSecret(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Authorization": true, "X-Api-Key": true, "password": true, "Cookie": true, "access_token": true, "X-Amz-Signature": true,
		"X-Team": false, "Content-Type": false, "User-Agent": false, "Idempotency-Key": true,
	} {
		if got := channel.LooksSecret(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
