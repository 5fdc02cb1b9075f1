package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
	"github.com/incidenthub/incidenthub/apps/notify/console"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestSettings(t *testing.T) {
	t.Parallel()
	channeltest.Settings(t, console.New(nil))
	_, err := console.New(nil).New(json.RawMessage(`{"format":"xml"}`))
	if keys := channel.KeyErrors(err); len(keys) != 1 || keys[0].Key != "format" {
		t.Errorf("got %v", err)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	for _, config := range []string{`{}`, `{"format":"json"}`} {
		channeltest.Bodies(t, channeltest.Open(t, console.New(nil), config))
	}
}

func TestWrites(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		notice channel.Notice
	}{
		"firing.txt":   {`{}`, channeltest.Notice()},
		"hostile.txt":  {`{"format":"text"}`, channeltest.HostileNotice()},
		"firing.json":  {`{"format":"json"}`, channeltest.Notice()},
		"hostile.json": {`{"format":"json"}`, channeltest.HostileNotice()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			c := channeltest.Open(t, console.New(&out), tt.config)
			o := channeltest.Rendered(t, c, tt.notice)
			if got := c.Send(t.Context(), o); got.Verdict != channel.Done {
				t.Fatalf("send: %+v", got)
			}
			first := out.String()
			if strings.ContainsAny(first, "\x1b\x00\r\u202e\u200b") {
				t.Errorf("control characters reach the terminal: %q", first)
			}
			if strings.HasSuffix(name, ".json") && strings.Count(first, "\n") != 1 {
				t.Errorf("more than one line: %q", first)
			}
			out.Reset()
			c.Send(t.Context(), o)
			if diff := cmp.Diff(first, out.String()); diff != "" {
				t.Errorf("the second attempt wrote something else:\n%s", diff)
			}
			file := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), first); diff != "" {
				t.Errorf("output (-want +got), -update rewrites it:\n%s", diff)
			}
		})
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFailures(t *testing.T) {
	t.Parallel()
	c := channeltest.Open(t, console.New(broken{}), ``)
	o := channeltest.Rendered(t, c, channeltest.Notice())
	if got := c.Send(t.Context(), o); got.Verdict != channel.Retry || got.Error != "no space left" {
		t.Errorf("got %+v", got)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if got := c.Send(canceled, o); got.Verdict != channel.Retry || got.Class != "canceled" {
		t.Errorf("got %+v", got)
	}
	if got := c.Send(t.Context(), channel.Outgoing{Body: json.RawMessage(`[]`)}); got.Verdict != channel.Permanent || got.Error == "" {
		t.Errorf("got %+v", got)
	}
}

// TestWhole: messages of several channels do not mix.
func TestWhole(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := console.New(&out)
	var wg sync.WaitGroup
	for range 8 {
		c := channeltest.Open(t, d, `{"format":"json"}`)
		o := channeltest.Rendered(t, c, channeltest.Notice())
		wg.Go(func() {
			for range 20 {
				c.Send(t.Context(), o)
			}
		})
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 160 {
		t.Fatalf("%d lines, want 160", len(lines))
	}
	for _, l := range lines {
		if l != lines[0] {
			t.Fatalf("%q differs from %q", l, lines[0])
		}
	}
}
