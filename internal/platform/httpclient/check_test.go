package httpclient_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

func TestCheckURLForm(t *testing.T) {
	t.Parallel()
	c := client(t, allow("0.0.0.0/0", "::/0")) // so that only the form is in question
	for name, tt := range map[string]struct {
		in string
		ok bool
	}{
		"https":                    {"https://hooks.example/services/x?y=z", true},
		"port":                     {"http://hooks.example:8443/", true},
		"upper case":               {"HTTPS://HOOKS.EXAMPLE/", true},
		"underscore, as in docker": {"http://my_receiver:9000/", true},
		"punycode":                 {"http://xn--bcher-kva.example/", true},
		"digits but not last":      {"http://1.2.3.example/", true},
		"address":                  {"http://127.0.0.1:9000/", true},
		"@ in the path":            {"http://hooks.example/@127.0.0.1", true},
		"0x in a name":             {"http://0xy.example/", true},
		"empty":                    {"", false},
		"no scheme":                {"hooks.example/x", false},
		"no host":                  {"http:///x", false},
		"opaque":                   {"http:hooks.example", false},
		"scheme-relative":          {"//hooks.example/x", false},
		"ftp":                      {"ftp://hooks.example/", false},
		"file":                     {"file:///etc/passwd", false},
		"unix":                     {"unix:///run/docker.sock", false},
		"gopher":                   {"gopher://127.0.0.1:6379/_x", false},
		"javascript":               {"javascript:alert(1)", false},
		"http+unix":                {"http+unix://%2Frun%2Fdocker.sock/x", false},
		"leading space":            {" http://hooks.example/", false},
		"user and password":        {"http://user:pass@hooks.example/", false},
		"user only":                {"http://hooks.example@127.0.0.1/", false},
		"empty user":               {"http://@127.0.0.1/", false},
		"two at signs":             {"http://a@b@127.0.0.1/", false},
		"backslash":                {`http://hooks.example\@127.0.0.1/`, false},
		"hash before at":           {"http://127.0.0.1#@hooks.example/", true}, // goes to 127.0.0.1, which is listed here
		"hex address":              {"http://0x7f.1/", false},
		"hex in one":               {"http://0x7f000001/", false},
		"decimal in one":           {"http://2130706433/", false},
		"octal":                    {"http://0177.0.0.1/", false},
		"leading zeros":            {"http://127.0.0.01/", false},
		"short":                    {"http://127.1/", false},
		"last part hex":            {"http://127.0.0.0x1/", false},
		"just 0x":                  {"http://0x/", false},
		"too many parts":           {"http://1.127.0.0.1/", false},
		"trailing dot address":     {"http://127.0.0.1./", false},
		"octet too large":          {"http://127.0.0.257/", false},
		"full-width digits":        {"http://１２７.０.０.１/", false},
		"ideographic full stop":    {"http://127。0。0。1/", false},
		"circled digits":           {"http://①②⑦.⓪.⓪.①/", false},
		"unicode name":             {"http://bücher.example/", false},
		"escaped host":             {"http://%31%32%37.0.0.1/", false},
		"NUL in host":              {"http://127.0.0.1%00.example/", false},
		"space in host":            {"http://hooks .example/", false},
		"line break":               {"http://hooks.example/\r\nX: y", false},
		"tab in host":              {"http://hooks\t.example/", false},
		"address in brackets":      {"http://[127.0.0.1]/", false},
		"broken brackets":          {"http://[::1/", false},
		"port 0":                   {"http://hooks.example:0/", false},
		"port too large":           {"http://hooks.example:65536/", false},
		"port not a number":        {"http://hooks.example:http/", false},
		"port empty":               {"http://hooks.example:/", false},
		"dots":                     {"http://a..example/", false},
		"dot only":                 {"http://./", false},
		"long label":               {"http://" + strings.Repeat("a", 64) + ".example/", false},
		"long name":                {"http://" + strings.Repeat("a.", 130) + "example/", false},
		"long URL":                 {"http://hooks.example/" + strings.Repeat("a", 5000), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.CheckURL(tt.in)
			if tt.ok {
				if err != nil {
					t.Errorf("CheckURL(%q) = %v, want nil", tt.in, err)
				}
				return
			}
			if !errors.Is(err, httpclient.ErrBadURL) || !fault.IsPermanent(err) {
				t.Fatalf("CheckURL(%q) = %v, want a permanent ErrBadURL", tt.in, err)
			}
			if len(err.Error()) > 200 || strings.Contains(err.Error(), "pass@") {
				t.Errorf("the message repeats the URL: %v", err)
			}
			// What cannot be saved cannot be called either, however it got into a row.
			u, parseErr := url.Parse(tt.in)
			if parseErr != nil || len(tt.in) > 4096 {
				return
			}
			if _, err := c.Do(t.Context(), &http.Request{Method: http.MethodGet, URL: u}); !errors.Is(err, httpclient.ErrBadURL) {
				t.Errorf("Do(%q) = %v, want ErrBadURL", tt.in, err)
			}
		})
	}
}

func TestDestination(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://Hooks.Example./x": "hooks.example:443",
		"http://hooks.example":     "hooks.example:80",
		"http://[::1]:9000/":       "[::1]:9000",
		"http://u:p@h:1/":          "h:1",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := httpclient.Destination(u); got != want {
			t.Errorf("Destination(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	f.Add("http://0x7f.1/")
	f.Add("http://[::ffff:7f00:1]:80/@")
	c, err := httpclient.New(httpclient.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		err := c.CheckURL(raw)
		if err == nil {
			u, perr := url.Parse(raw)
			if perr != nil || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
				t.Errorf("CheckURL(%q) passed", raw)
			}
			return
		}
		if !errors.Is(err, httpclient.ErrBadURL) && !errors.Is(err, httpclient.ErrBlocked) {
			t.Errorf("CheckURL(%q) = %v, neither sentinel", raw, err)
		}
	})
}

// TestListed: only what the operator wrote into the list counts, not what may be called all the same.
func TestListed(t *testing.T) {
	t.Parallel()
	c, err := httpclient.New(httpclient.Config{Allow: []string{"llm.lan:8000", "10.1.0.0/16", "127.0.0.1:9000", "open.example.org", "[fd00::/8]:443"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for raw, want := range map[string]bool{
		"http://llm.lan:8000/v1": true, "http://LLM.lan.:8000/v1": true, "http://llm.lan/v1": false, "http://10.1.255.1/x": true, "http://10.2.0.1/x": false,
		"http://127.0.0.1:9000": true, "http://localhost:9000": true, "http://a.localhost:9000": true, "http://localhost:9001": false,
		"https://open.example.org": true, "https://open.example.org:1": true, "https://api.example.org": false, "https://[fd00::1]/": true,
		"http://[fd00::1]/": false, "http://[::ffff:10.1.0.1]/": true, "http://10.1.0.1.evil.org/": false, "http:///": false, "http://x:99999/": false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Listed(u); got != want {
			t.Errorf("%s: %t", raw, got)
		}
	}
	if c.Listed(nil) {
		t.Error("nowhere is listed")
	}
}
