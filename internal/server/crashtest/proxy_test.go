//go:build unix

package crashtest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands between a hub and a server, and behaves as bad networks do.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	mode    weather
	changed chan struct{}         // closed when mode changes
	lines   map[net.Conn]struct{} // both ends of every connection
	stale   map[net.Conn]struct{} // those that have lost something
	over    sync.WaitGroup
}

// weather is what becomes of traffic.
type weather struct {
	silent bool          // half open: connections stand, nothing comes through
	reset  bool          // every connection is reset, new ones at once
	delay  time.Duration // of whatever is sent, in either direction
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{
		listener: listener, target: target, changed: make(chan struct{}), lines: map[net.Conn]struct{}{}, stale: map[net.Conn]struct{}{},
	}
	p.over.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.set(weather{reset: true})
		p.over.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// set changes the weather. Connections that have lost something are reset when they may go on.
func (p *proxy) set(w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = w
	close(p.changed)
	p.changed = make(chan struct{})
	for c := range p.lines {
		if _, broken := p.stale[c]; w.reset || broken && !w.silent {
			cutOff(c)
		}
	}
}

func (p *proxy) now() (weather, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.changed
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.over.Go(func() { p.serve(near) })
	}
}

func (p *proxy) serve(near net.Conn) {
	far, err := net.DialTimeout("tcp", p.target, time.Second)
	if err != nil {
		cutOff(near)
		return
	}
	p.mu.Lock()
	p.lines[near], p.lines[far] = struct{}{}, struct{}{}
	closed := p.mode.reset
	p.mu.Unlock()
	if closed {
		cutOff(near)
		cutOff(far)
	}
	var both sync.WaitGroup
	both.Go(func() { p.pump(far, near) })
	both.Go(func() { p.pump(near, far) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []net.Conn{near, far} {
		delete(p.lines, c)
		delete(p.stale, c)
	}
}

// pump carries what comes from src to dst until one of them ends.
func (p *proxy) pump(dst, src net.Conn) {
	defer func() {
		_ = src.Close()
		_ = dst.Close()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		w, changed := p.now()
		for w.silent { // lost: this connection is good for nothing any more
			p.lose(src, dst)
			<-changed
			w, changed = p.now()
		}
		if w.delay > 0 {
			time.Sleep(w.delay)
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) lose(lines ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range lines {
		p.stale[c] = struct{}{}
	}
}

// cutOff closes a connection by RST.
func cutOff(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
