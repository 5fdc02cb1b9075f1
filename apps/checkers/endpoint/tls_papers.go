package endpoint

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// papers are the certificates that a server shows, its own first.
type papers struct {
	chain []*x509.Certificate
	name  string // that they should be for
	now   time.Time
	roots *x509.CertPool // nil: the system's

	ends     time.Time // when the first of those that are needed ends
	by       string    // whose end that is; "" for the server's own
	problems []string  // why a client would not take them
	unsure   string    // why it cannot be said whether a client would
}

// daysLeft are whole days until a certificate ends, negative after that.
func daysLeft(now time.Time, cert *x509.Certificate) int { return wholeDays(cert.NotAfter.Sub(now)) }

func wholeDays(d time.Duration) int { return int(math.Floor(d.Hours() / 24)) }

// look finds all that is wrong, one thing not hiding another.
func (p *papers) look() {
	leaf := p.chain[0]
	p.ends = leaf.NotAfter
	at := p.now
	switch {
	case p.now.After(leaf.NotAfter):
		at = leaf.NotAfter.Add(-time.Second)
	case p.now.Before(leaf.NotBefore):
		p.problems = append(p.problems, "not valid before "+leaf.NotBefore.UTC().Format(time.DateOnly))
		at = leaf.NotBefore.Add(time.Second)
	}
	if leaf.VerifyHostname(p.name) != nil {
		p.problems = append(p.problems, "for "+namesOf(leaf)+", not for "+p.name)
	}
	between := x509.NewCertPool()
	for _, c := range p.chain[1:] {
		between.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: p.roots, Intermediates: between, CurrentTime: at})
	if err != nil {
		p.untrusted(leaf, err)
		return
	}
	p.needed(chains)
}

func (p *papers) untrusted(leaf *x509.Certificate, err error) {
	var (
		none    x509.SystemRootsError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &none):
		p.unsure = "this machine has no list of authorities to trust (package ca-certificates)"
	case selfSigned(leaf):
		p.problems = append(p.problems, "self-signed")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && invalid.Cert != leaf:
		p.problems = append(p.problems, "its issuer "+nameOf(invalid.Cert)+" has expired")
	case errors.As(err, &invalid):
		p.problems = append(p.problems, "not valid for servers")
	default:
		words := "the issuer " + short(leaf.Issuer.CommonName) + " is not trusted"
		if len(p.chain) == 1 {
			words += ", and the server sends no certificates in between"
		}
		p.problems = append(p.problems, words)
	}
}

// needed looks at what else must not end: of the ways to an authority the one that holds longest counts. The authority itself is of the
// client and does not.
func (p *papers) needed(chains [][]*x509.Certificate) {
	var longest time.Time
	for _, chain := range chains {
		ends, by := p.chain[0].NotAfter, ""
		for _, c := range chain[1:max(1, len(chain)-1)] {
			if c.NotAfter.Before(ends) {
				ends, by = c.NotAfter, nameOf(c)
			}
		}
		if ends.After(longest) {
			longest = ends
			p.ends, p.by = ends, by
		}
	}
}

func (p *papers) judge(in checkers.Input, verify bool) (checkers.Status, string) {
	left := p.ends.Sub(p.now)
	whose := "the certificate"
	if p.by != "" {
		whose = "the certificate of its issuer " + p.by
	}
	date := p.ends.UTC().Format(time.DateOnly)
	status, message := in.JudgeInverted(left.Hours()/24), fmt.Sprintf("%s holds for %d days, until %s", whose, wholeDays(left), date)
	if left < 0 {
		status, message = checkers.Critical, fmt.Sprintf("%s expired %d days ago, on %s", whose, wholeDays(-left), date)
	}
	problems := p.problems
	if !verify {
		return status, message
	}
	if len(problems) > 0 {
		status, message = checkers.Critical, message+"; clients will not take it: "+strings.Join(problems, "; ")
	} else if p.unsure != "" {
		status, message = checkers.Worse(status, checkers.Unknown), message+"; whether clients trust it is not known: "+p.unsure
	}
	return status, message
}

func (p *papers) fill(m map[string]any) {
	leaf := p.chain[0]
	problems := p.problems
	if problems == nil {
		problems = []string{}
	}
	m["days_left"], m["expires_at"] = wholeDays(p.ends.Sub(p.now)), p.ends.UTC().Format(time.RFC3339)
	m["subject"], m["issuer"], m["names"] = nameOf(leaf), short(leaf.Issuer.CommonName), namesOf(leaf)
	m["self_signed"], m["verified"], m["problems"] = selfSigned(leaf), len(p.problems) == 0 && p.unsure == "" && !p.now.After(p.ends), problems
	m["chain_length"] = len(p.chain)
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

func nameOf(c *x509.Certificate) string {
	if c.Subject.CommonName == "" {
		return "without a name"
	}
	return short(c.Subject.CommonName)
}

// namesOf lists what a certificate is for, in a few words.
func namesOf(c *x509.Certificate) string {
	names := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	const most = 3
	switch n := len(names); {
	case n == 0:
		return "no host"
	case n > most:
		return short(strings.Join(names[:most], ", ")) + fmt.Sprintf(" and %d more", n-most)
	default:
		return short(strings.Join(names, ", "))
	}
}
