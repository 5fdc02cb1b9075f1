package httpclient_test

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
)

// TestGuard asks about literal addresses: what CheckURL says, Do says too, and nothing is dialled.
func TestGuard(t *testing.T) {
	t.Parallel()
	const port = ":9000"
	all := []string{"0.0.0.0/0", "::/0", "name.lan"} // as open as an operator can make it
	for name, tt := range map[string]struct {
		host   string
		allow  []string
		reason string // "": may be called
		never  bool
	}{
		"public":                    {"93.184.216.34", nil, "", false},
		"public v6":                 {"[2606:2800:21f:cb07::1]", nil, "", false},
		"loopback":                  {"127.0.0.1", nil, "loopback", false},
		"loopback, another":         {"127.255.1.2", nil, "loopback", false},
		"loopback v6":               {"[::1]", nil, "loopback", false},
		"loopback mapped":           {"[::ffff:127.0.0.1]", nil, "loopback", false},
		"loopback mapped hex":       {"[::ffff:7f00:1]", nil, "loopback", false},
		"loopback NAT64":            {"[64:ff9b::7f00:1]", nil, "loopback", false},
		"loopback v4-compatible":    {"[::7f00:1]", nil, "reserved", false},
		"loopback 6to4":             {"[2002:7f00:1::]", nil, "reserved", false},
		"localhost":                 {"localhost", nil, "loopback", false},
		"localhost, dot":            {"LOCALHOST.", nil, "loopback", false},
		"below localhost":           {"a.localhost", nil, "loopback", false},
		"10/8":                      {"10.0.0.1", nil, "private", false},
		"172.16/12":                 {"172.31.255.255", nil, "private", false},
		"192.168/16":                {"192.168.1.1", nil, "private", false},
		"CGNAT":                     {"100.64.0.1", nil, "shared (CGNAT)", false},
		"unique local":              {"[fd12::1]", nil, "private (unique local)", false},
		"documentation":             {"192.0.2.1", nil, "reserved", false},
		"benchmarking":              {"198.18.0.1", nil, "reserved", false},
		"class E":                   {"240.0.0.1", nil, "reserved", false},
		"Teredo":                    {"[2001::1]", nil, "reserved", false},
		"site-local, old":           {"[fec0::1]", nil, "reserved", false},
		"public NAT64":              {"[64:ff9b::5db8:d822]", nil, "", false},
		"just outside 172.16/12":    {"172.32.0.1", nil, "", false},
		"metadata":                  {"169.254.169.254", all, "cloud metadata", true},
		"metadata mapped":           {"[::ffff:169.254.169.254]", all, "cloud metadata", true},
		"metadata NAT64":            {"[64:ff9b::a9fe:a9fe]", all, "cloud metadata", true},
		"metadata 6to4":             {"[2002:a9fe:a9fe::]", all, "cloud metadata", true},
		"metadata v4-compatible":    {"[::a9fe:a9fe]", all, "cloud metadata", true},
		"metadata AWS v6":           {"[fd00:ec2::254]", all, "cloud metadata", true},
		"metadata GCP v6":           {"[fd20:ce::254]", all, "cloud metadata", true},
		"metadata Alibaba":          {"100.100.100.200", all, "cloud metadata", true},
		"metadata Azure":            {"168.63.129.16", all, "cloud metadata", true},
		"link-local":                {"169.254.170.2", all, "link-local", true},
		"link-local v6":             {"[fe80::1]", all, "link-local", true},
		"link-local v6 with zone":   {"[fe80::1%25lo]", all, "link-local", true},
		"loopback v6 with zone":     {"[::1%25lo]", nil, "loopback", false},
		"unspecified":               {"0.0.0.0", all, "unspecified", true},
		"unspecified, another":      {"0.1.2.3", all, "unspecified", true},
		"unspecified v6":            {"[::]", all, "unspecified", true},
		"unspecified mapped":        {"[::ffff:0.0.0.0]", all, "unspecified", true},
		"multicast":                 {"224.0.0.1", all, "multicast", true},
		"multicast v6":              {"[ff02::1]", all, "multicast", true},
		"broadcast":                 {"255.255.255.255", all, "broadcast", true},
		"listed address":            {"127.0.0.1", []string{"127.0.0.1"}, "", false},
		"listed address and port":   {"127.0.0.1", []string{"127.0.0.1:9000"}, "", false},
		"listed with another port":  {"127.0.0.1", []string{"127.0.0.1:9001"}, "loopback", false},
		"listed prefix":             {"10.1.2.3", []string{"10.0.0.0/8"}, "", false},
		"listed prefix and port":    {"10.1.2.3", []string{"10.0.0.0/8:9000"}, "", false},
		"prefix, another port":      {"10.1.2.3", []string{"10.0.0.0/8:443"}, "private", false},
		"prefix with host bits":     {"10.1.2.3", []string{"10.200.0.1/8"}, "", false},
		"outside the prefix":        {"10.1.2.3", []string{"10.2.0.0/16"}, "private", false},
		"listed v6":                 {"[::1]", []string{"::1"}, "", false},
		"listed v6 and port":        {"[::1]", []string{"[::1]:9000"}, "", false},
		"listed v6 in brackets":     {"[::1]", []string{"[::1]"}, "", false},
		"listed v6 prefix and port": {"[fd12::1]", []string{"[fd00::/8]:9000"}, "", false},
		"listed mapped prefix":      {"10.1.2.3", []string{"::ffff:10.0.0.0/104"}, "", false},
		"mapped form of a listed":   {"[::ffff:127.0.0.1]", []string{"127.0.0.1:9000"}, "", false},
		"localhost listed by name":  {"localhost", []string{"LocalHost:9000"}, "", false},
		"localhost by its address":  {"localhost", []string{"127.0.0.1:9000"}, "", false},
		"a name does not open IPs":  {"127.0.0.1", []string{"localhost"}, "loopback", false},
		"spaces and empty entries":  {"127.0.0.1", []string{"", " 127.0.0.1 "}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, allow(tt.allow...))
			err := c.CheckURL("http://" + tt.host + port + "/x?token=canary")
			if tt.reason == "" {
				if err != nil {
					t.Errorf("CheckURL = %v, want nil", err)
				}
				return
			}
			var blocked *httpclient.BlockedError
			if !errors.As(err, &blocked) || !errors.Is(err, httpclient.ErrBlocked) || blocked.Reason != tt.reason || blocked.Never != tt.never {
				t.Fatalf("CheckURL = %v, want blocked for %q, never %t", err, tt.reason, tt.never)
			}
			if says := strings.Contains(err.Error(), "HUB_EGRESS_ALLOW="); says == tt.never || strings.Contains(err.Error(), "canary") {
				t.Errorf("message %q: want the line to add only if adding it helps, and no query", err)
			}
			_, err = get(t, c, "http://"+tt.host+port+"/x?token=canary")
			if !errors.Is(err, httpclient.ErrBlocked) || strings.Contains(err.Error(), "canary") {
				t.Errorf("Do = %v, want ErrBlocked without the query", err)
			}
			if _, ok := fault.Retry(err); ok || fault.Class(err) != "blocked_address" {
				t.Errorf("retry %t, class %q; want a permanent blocked_address", ok, fault.Class(err))
			}
		})
	}
}

func TestBlockedNamesTheLineToAdd(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://127.0.0.1:9000/":          "HUB_EGRESS_ALLOW=127.0.0.1:9000 ",
		"https://10.0.0.1/":               "HUB_EGRESS_ALLOW=10.0.0.1:443 ",
		"http://[::1]:9000/":              "HUB_EGRESS_ALLOW=[::1]:9000 ",
		"http://[::ffff:127.0.0.1]:9000/": "HUB_EGRESS_ALLOW=127.0.0.1:9000 ",
		"http://localhost:9000/":          "HUB_EGRESS_ALLOW=localhost:9000 ",
	} {
		err := client(t, allow()).CheckURL(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckURL(%q) = %v, want %q in it", in, err, want)
			continue
		}
		var blocked *httpclient.BlockedError
		errors.As(err, &blocked)
		if err := client(t, allow(blocked.Entry())).CheckURL(in); err != nil {
			t.Errorf("after adding the line: %v", err)
		}
	}
}

func TestOwnListener(t *testing.T) {
	t.Parallel()
	lan := &net.IPNet{IP: net.IPv4(10, 9, 8, 7), Mask: net.CIDRMask(24, 32)}
	for name, tt := range map[string]struct {
		listener, url string
		blocked       bool
	}{
		"itself":                       {"127.0.0.1:8080", "http://127.0.0.1:8080/", true},
		"itself mapped":                {"127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080/", true},
		"itself by name":               {"127.0.0.1:8080", "http://localhost:8080/", true},
		"another port":                 {"127.0.0.1:8080", "http://127.0.0.1:8081/", false},
		"another address":              {"127.0.0.1:8080", "http://10.9.8.7:8080/", false},
		"all: loopback":                {":8080", "http://127.0.0.1:8080/", true},
		"all: another loopback":        {"0.0.0.0:8080", "http://127.7.7.7:8080/", true},
		"all: loopback v6":             {"[::]:8080", "http://[::1]:8080/", true},
		"all: an interface's address":  {"[::]:8080", "http://10.9.8.7:8080/", true},
		"all: a neighbour's address":   {"[::]:8080", "http://10.9.8.8:8080/", false},
		"all: another port":            {"[::]:8080", "http://10.9.8.7:8081/", false},
		"a name stands for everything": {"localhost:8080", "http://10.9.8.7:8080/", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, allow("127.0.0.0/8", "::1", "10.0.0.0/8", "localhost"))
			c.Local(lan)
			if err := c.Deny(tt.listener); err != nil {
				t.Fatal(err)
			}
			err := c.CheckURL(tt.url)
			if got := errors.Is(err, httpclient.ErrBlocked); got != tt.blocked || !got && err != nil {
				t.Errorf("CheckURL = %v, want blocked %t", err, tt.blocked)
			}
		})
	}
	for _, bad := range []string{"", "8080", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536"} {
		if _, err := httpclient.New(httpclient.Config{Deny: []string{bad}}); err == nil {
			t.Errorf("Deny %q: no error", bad)
		}
	}
}

// TestOwnListenerLive posts to the hub's real port: the refusal must come although everything is listed.
func TestOwnListenerLive(t *testing.T) {
	t.Parallel()
	srv := server(t, func(http.ResponseWriter, *http.Request) { t.Error("the hub called itself") })
	c := client(t, allow("0.0.0.0/0", "::/0"))
	if err := c.Deny(srv.Listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, c, srv.URL); !errors.Is(err, httpclient.ErrBlocked) {
		t.Errorf("Do = %v, want ErrBlocked", err)
	}
}

func TestBadAllow(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"http://receiver.lan", "*.lan", "a b", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:", "10.0.0.0/33", "10.0.0.0/8:x",
		"[::1", "::1]:80", "fe80::1%lo", "0x7f.1", "127.1", "2130706433", "receiver..lan", ":9000", "/", "ünïcode.lan",
	} {
		_, err := httpclient.New(httpclient.Config{Allow: []string{"ok.lan", entry}})
		if !errors.Is(err, httpclient.ErrBadAllow) || !strings.Contains(err.Error(), `"`+entry+`"`) {
			t.Errorf("Allow %q: %v, want ErrBadAllow naming it", entry, err)
		}
	}
	err := httpclient.CheckAllow([]string{"ok.lan", "first bad", "second bad"})
	if err == nil || !strings.Contains(err.Error(), "first bad") || !strings.Contains(err.Error(), "second bad") {
		t.Errorf("CheckAllow = %v, want both bad entries", err)
	}
	if err := httpclient.CheckAllow([]string{"ok.lan", "10.0.0.0/8:443", "[fd00::/8]:443", "fd00::/8", "[::1]:1", ""}); err != nil {
		t.Errorf("CheckAllow of good entries = %v", err)
	}
}

// TestRebinding: a name that resolved to something allowed resolves to something else at the next dial.
func TestRebinding(t *testing.T) {
	t.Parallel()
	srv := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	v4, meta := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("169.254.169.254")
	dns := resolver(map[string][]netip.Addr{
		"turns.example":   {v4, meta},
		"private.example": {v4},
		"listed.example":  {v4},
		"meta.example":    {meta},
		"mapped.example":  {netip.MustParseAddr("::ffff:127.0.0.1")},
	})
	turning := client(t, allow("127.0.0.1:"+port))
	strict := client(t, allow("listed.example:"+port, "meta.example"))
	turning.Resolve(dns)
	strict.Resolve(dns)
	for _, step := range []struct {
		name    string
		c       *httpclient.Client
		host    string
		blocked bool
	}{
		{"first it is allowed", turning, "turns.example", false},
		{"then it turns to metadata", turning, "turns.example", true},
		{"a name for a private address", strict, "private.example", true},
		{"a name for a mapped address", strict, "mapped.example", true},
		{"the same address under a listed name", strict, "Listed.Example.", false},
		{"a listed name for metadata", strict, "meta.example", true},
	} {
		url := "http://" + step.host + ":" + port + "/"
		if err := step.c.CheckURL(url); err != nil {
			t.Errorf("%s: CheckURL = %v; names are not resolved there", step.name, err)
		}
		resp, err := get(t, step.c, url)
		step.c.Close() // so that the next call dials
		if got := errors.Is(err, httpclient.ErrBlocked); got != step.blocked || !got && (err != nil || resp.Status != http.StatusNoContent) {
			t.Errorf("%s: Do = %d, %v; want blocked %t", step.name, resp.Status, err, step.blocked)
		}
		if err != nil && (fault.Class(err) != "blocked_address" || !fault.IsPermanent(err)) {
			t.Errorf("%s: class %q of %v; want a permanent blocked_address", step.name, fault.Class(err), err)
		}
	}
}
