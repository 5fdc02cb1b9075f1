package endpoint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// DNS asks name servers and looks at their answers.
type DNS struct {
	ResolvConf string // says which servers the system asks; "": /etc/resolv.conf
}

var _ checkers.Checker = DNS{}

// DNSConfig are the settings of the dns check.
type DNSConfig struct {
	Name    string         `json:"name" jsonschema:"description=The name to ask for. No search domains are put behind it."`
	Type    string         `json:"type" jsonschema:"enum=A,enum=AAAA,enum=CNAME,enum=MX,enum=TXT,enum=NS,description=The kind of records."`
	Server  string         `json:"server" jsonschema:"description=Who to ask: an address or a name with or without a port. Empty: whom this machine asks."`
	Expect  checkers.Texts `json:"expect" jsonschema:"description=Records that must be among the answers. Empty: any will do."`
	Targets Targets        `json:"targets" jsonschema:"description=More names to ask for or objects with settings over these."`
}

func dnsDefaults() DNSConfig {
	return DNSConfig{Type: "A", Expect: checkers.Texts{}, Targets: Targets{}}
}

var dnsTypes = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME, "MX": dnsmessage.TypeMX, "TXT": dnsmessage.TypeTXT,
	"NS": dnsmessage.TypeNS,
}

// Validate implements checkers.Validator.
func (c *DNSConfig) Validate() error {
	_, err := c.all()
	return err
}

func (c *DNSConfig) all() ([]DNSConfig, error) {
	c.Type = strings.ToUpper(c.Type)
	if dnsTypes[c.Type] == 0 {
		return nil, errors.New("type: want A, AAAA, CNAME, MX, TXT or NS")
	}
	if c.Name != "" {
		if err := checkHost(strings.TrimSuffix(c.Name, ".")); err != nil {
			return nil, fmt.Errorf("name: %w", err)
		}
	}
	if c.Server != "" {
		if _, err := hostPort(c.Server, 53); err != nil {
			return nil, fmt.Errorf("server: %w", err)
		}
	}
	base := *c
	base.Targets = nil
	return each(base, c.Name != "", "name", c.Targets)
}

// Spec implements checkers.Checker.
func (DNS) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "dns", Doc: "Asks name servers and checks what they answer.", Unit: "ms", Endpoint: true, Config: dnsDefaults(),
	}
}

// Check implements checkers.Checker.
func (d DNS) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	c, err := checkers.Settings(in, dnsDefaults())
	if err != nil {
		return checkers.Finding{}, err
	}
	targets, err := c.all()
	if err != nil {
		return checkers.Finding{}, err
	}
	system, err := d.system()
	if err != nil && slices.ContainsFunc(targets, func(t DNSConfig) bool { return t.Server == "" }) {
		return checkers.Finding{}, err
	}
	return lookAt(ctx, in, targets, func(ctx context.Context, t DNSConfig) outcome { return t.look(ctx, in, system) }), nil
}

// maxServers is how many of the system's name servers are asked in turn, as the C library does.
const maxServers = 3

// system lists the name servers that this machine asks.
func (d DNS) system() ([]string, error) {
	path := d.ResolvConf
	if path == "" {
		path = "/etc/resolv.conf"
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("find this machine's name servers: %w; give the check a server", err)
	}
	var servers []string
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "nameserver" && len(servers) < maxServers {
			host, _, _ := strings.Cut(f[1], "%") // a zone stays with the system's own resolver
			if address, err := hostPort(host, 53); err == nil {
				servers = append(servers, address)
			}
		}
	}
	if len(servers) == 0 {
		servers = []string{"127.0.0.1:53"} // resolv.conf(5)
	}
	return servers, nil
}

func (c *DNSConfig) look(ctx context.Context, in checkers.Input, system []string) outcome {
	o := outcome{target: c.Name + " " + c.Type, metrics: map[string]any{"up": false}}
	servers := system
	if c.Server != "" {
		address, err := hostPort(c.Server, 53)
		if err != nil {
			o.status, o.message = checkers.Unknown, err.Error()
			return o
		}
		o.target += " at " + strings.TrimSuffix(address, ":53")
		servers = []string{address}
	} else {
		in.Guarded = false // whom this machine asks is its operator's word
	}
	watch := clock.Start()
	a, server, err := ask(ctx, in, servers, c.Name, dnsTypes[c.Type])
	o.metrics["server"] = server
	if err != nil {
		o.status, o.message = trouble(ctx, err)
		return o
	}
	elapsed := watch.Elapsed()
	o.latency = max(elapsed, 1)
	o.metrics["rcode"], o.metrics["answers"], o.metrics["authoritative"] = a.rcode, shown(a.records), a.authoritative
	if len(a.records) > 0 {
		o.metrics["ttl_s"] = a.ttl
	}
	o.status, o.message = c.judge(a)
	o.metrics["up"] = o.status == checkers.OK
	o.message += fmt.Sprintf(" in %.0f ms", elapsed.Seconds()*1000)
	o.status = checkers.Worse(o.status, slow(in, elapsed, &o.message))
	return o
}

// shown are records for the metrics: not all of many, and not all of long ones.
func shown(records []string) []string {
	const most, longest = 20, 300
	out := make([]string, 0, min(len(records), most))
	for _, r := range records[:min(len(records), most)] {
		if len(r) > longest {
			r = strings.ToValidUTF8(r[:longest], "") + "…"
		}
		out = append(out, r)
	}
	return out
}

// judge compares an answer with what is expected.
func (c *DNSConfig) judge(a answer) (checkers.Status, string) {
	switch {
	case a.rcode == "NXDOMAIN":
		return checkers.Critical, "there is no such name (NXDOMAIN)"
	case a.rcode != "NOERROR":
		return checkers.Critical, "the name server says " + a.rcode
	case len(a.records) == 0:
		return checkers.Critical, "there are no records of type " + c.Type
	}
	var missing []string
	for _, want := range c.Expect {
		if !slices.ContainsFunc(a.records, func(got string) bool { return sameRecord(c.Type, want, got) }) {
			missing = append(missing, want)
		}
	}
	got := short(strings.Join(a.records[:min(len(a.records), 5)], ", "))
	if len(missing) > 0 {
		return checkers.Critical, fmt.Sprintf("%s is not among the answers (%s)", short(strings.Join(missing, ", ")), got)
	}
	return checkers.OK, "answers " + got
}

// sameRecord compares as people write records: names in any case with or without their last dot, mail servers with or without preference.
func sameRecord(kind, want, got string) bool {
	if kind == "TXT" {
		return want == got
	}
	plain := func(s string) string {
		return strings.ToLower(strings.TrimSuffix(strings.Join(strings.Fields(s), " "), "."))
	}
	want, got = plain(want), plain(got)
	if _, server, ok := strings.Cut(got, " "); kind == "MX" && ok && want == server {
		return true
	}
	return sameAddress(want, got) || want == got
}
