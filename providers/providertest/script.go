package providertest

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Script is how one request is answered. The zero value is an empty 200.
type Script struct {
	Status int // 0: 200
	Header map[string]string
	Body   string
	Delay  time.Duration // before anything is sent

	Hang     bool   // takes the request and never answers
	Reset    bool   // drops the connection without an answer
	Cut      bool   // drops the connection in the middle of the body
	Stall    bool   // sends half of the body and then nothing
	Huge     int    // sends that many bytes instead of Body
	Redirect string // sends the caller there, with the same method
}

func (s Script) play(w http.ResponseWriter, r *http.Request, gone <-chan struct{}) {
	wait := func(d <-chan time.Time) {
		select {
		case <-d:
		case <-r.Context().Done():
		case <-gone:
		}
	}
	if s.Delay > 0 {
		wait(time.After(s.Delay))
	}
	switch {
	case s.Hang:
		wait(nil)
		return
	case s.Reset:
		reset(w)
		return
	}
	status := s.Status
	if status == 0 {
		status = http.StatusOK
	}
	if s.Redirect != "" {
		w.Header().Set("Location", s.Redirect)
		if s.Status == 0 {
			status = http.StatusTemporaryRedirect
		}
	}
	w.Header().Set("Content-Type", "application/json")
	for name, value := range s.Header {
		w.Header().Set(name, value)
	}
	body := []byte(s.Body)
	if s.Huge > 0 {
		body = bytes.Repeat([]byte("x"), s.Huge)
	}
	if !s.Cut && !s.Stall {
		w.WriteHeader(status)
		_, _ = w.Write(body)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	if s.Stall {
		wait(nil)
		return
	}
	reset(w)
}

// reset drops the connection. What was flushed has arrived, or not.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // RST instead of FIN
	}
	_ = conn.Close()
}

func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }
