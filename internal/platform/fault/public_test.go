package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
)

func parseErr(raw string) error {
	_, err := url.Parse(raw)
	if err == nil {
		panic("parses: " + raw)
	}
	return err
}

func TestPublic(t *testing.T) {
	t.Parallel()
	post := &url.Error{Op: "Post", URL: "https://u:canary@hooks.example:8443/services/canary?token=canary#canary", Err: context.DeadlineExceeded}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"nil":          {nil, ""},
		"plain":        {errors.New("load alert 7: not found"), "load alert 7: not found"},
		"url error":    {post, "Post https://hooks.example:8443: context deadline exceeded"},
		"wrapped":      {fmt.Errorf("slack: %w", post), "slack: Post https://hooks.example:8443: context deadline exceeded"},
		"joined":       {errors.Join(errors.New("a"), post), "a Post https://hooks.example:8443: context deadline exceeded"},
		"nested":       {&url.Error{Op: "Get", URL: "http://a.example/canary", Err: post}, "Get http://a.example: Post https://hooks.example:8443: context deadline exceeded"},
		"in free text": {errors.New(`dial "postgres://hub:canary@db/hub?sslpassword=canary" no`), `dial "postgres://db" no`},
		"dsn":          {errors.New("host=db password=canary user=hub"), "host=db password=*** user=hub"},
		"quoted dsn":   {errors.New("password='can ary' user=hub"), "password=*** user=hub"},
		"bearer":       {errors.New("sent Authorization: Bearer canary123"), "sent Authorization: Bearer ***"},
		"parse: port":  {parseErr("http://user:canary"), "parse URL: malformed"},
		"parse: space": {fmt.Errorf("open: %w", parseErr("http://u:can ary@h/canary")), "open: parse URL: malformed"},
		"controls":     {errors.New("a\r\nb\x00c\x1b[31m"), "a  b c [31m"},
		"broken UTF-8": {errors.New("a\xffb"), "a\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := fault.Public(tt.err)
			if got != tt.want {
				t.Errorf("Public(%v)\n got %q\nwant %q", tt.err, got, tt.want)
			}
			if strings.Contains(got, "canary") || strings.Contains(got, "ary") {
				t.Errorf("the secret came out: %q", got)
			}
		})
	}
}

func TestPublicIsBounded(t *testing.T) {
	t.Parallel()
	got := fault.Public(errors.New(strings.Repeat("é", 1<<20)))
	if len(got) > 510 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
		t.Errorf("len %d, valid %t, end %q; want at most 510 valid bytes and an ellipsis", len(got), utf8.ValidString(got), got[len(got)-6:])
	}
}

func TestStripURL(t *testing.T) {
	t.Parallel()
	in := fmt.Errorf("send: %w", &url.Error{Op: "Post", URL: "https://h.example/canary", Err: context.DeadlineExceeded})
	got := fault.StripURL(in)
	var ue *url.Error
	if errors.As(got, &ue) || strings.Contains(got.Error(), "canary") {
		t.Errorf("StripURL left the URL in: %v", got)
	}
	if !errors.Is(got, context.DeadlineExceeded) || fault.Class(got) != "timeout" {
		t.Errorf("StripURL lost the cause: %v", got)
	}
	if plain := errors.New("x"); fault.StripURL(plain) != plain { //nolint:errorlint // the very same value
		t.Error("StripURL changed an error without a URL")
	}
	if fault.StripURL(nil) != nil {
		t.Error("StripURL(nil) is not nil")
	}
}

func FuzzPublic(f *testing.F) {
	f.Add("https://u:p@h/x?y#z")
	f.Add("http://u:can ary@h")
	f.Fuzz(func(t *testing.T, s string) {
		got := fault.Public(fmt.Errorf("a: %w", &url.Error{Op: "Post", URL: s, Err: errors.New("b")}))
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\r\n") {
			t.Errorf("Public of %q: %q", s, got)
		}
	})
}
