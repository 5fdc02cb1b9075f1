package endpoint

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// phases is where the time of a visit went, redirects summed up. net/http calls from several goroutines.
type phases struct {
	mu                            sync.Mutex
	watch                         map[string]clock.Stopwatch
	dns, dialled, tls, wait, body time.Duration
}

// trace measures names, handshakes, and the time until the first byte of an answer.
func (p *phases) trace() *httptrace.ClientTrace {
	p.watch = map[string]clock.Stopwatch{}
	return &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { p.start("dns") },
		DNSDone:              func(httptrace.DNSDoneInfo) { p.stop("dns", &p.dns) },
		TLSHandshakeStart:    func() { p.start("tls") },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { p.stop("tls", &p.tls) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { p.start("wait") },
		GotFirstResponseByte: func() { p.stop("wait", &p.wait) },
	}
}

func (p *phases) start(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch[what] = clock.Start()
}

func (p *phases) stop(what string, sum *time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*sum += p.watch[what].Elapsed()
	delete(p.watch, what)
}

// connecting measures until the function it returns is called: names and connections.
func (p *phases) connecting() func() {
	watch := clock.Start()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.dialled += watch.Elapsed()
	}
}

// reading is connecting for the body.
func (p *phases) reading() func() {
	watch := clock.Start()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.body += watch.Elapsed()
	}
}

func (p *phases) fill(m map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m["dns_ms"], m["connect_ms"], m["tls_ms"] = milliseconds(p.dns), milliseconds(max(0, p.dialled-p.dns)), milliseconds(p.tls)
	m["first_byte_ms"], m["body_ms"] = milliseconds(p.wait), milliseconds(p.body)
}
