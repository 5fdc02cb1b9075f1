package server

import (
	"net"
	"sync/atomic"
)

// limit accepts at most n connections at once; more wait in the system's queue.
func limit(l net.Listener, n int) net.Listener {
	return &limited{Listener: l, slots: make(chan struct{}, n)}
}

type limited struct {
	net.Listener
	slots chan struct{}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, slots: l.slots}, nil
}

type limitedConn struct {
	net.Conn
	slots chan struct{}
	freed atomic.Bool
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	if c.freed.CompareAndSwap(false, true) {
		<-c.slots
	}
	return c.Conn.Close()
}
