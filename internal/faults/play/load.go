//go:build linux

package play

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"
)

// touch makes n bytes resident. What is in them cannot be merged or compressed away.
func touch(n int64) []byte {
	b := make([]byte, n)
	for i := 0; i < len(b); i += 512 {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func static(r Role, ready func()) error {
	held := touch(r.Bytes)
	ready()
	for {
		time.Sleep(time.Second)
		held[rand.IntN(len(held))]++
	}
}

func keepLog(r Role, ready func()) error {
	f, err := os.OpenFile(r.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	ready()
	for i := 0; ; i++ {
		if _, err := fmt.Fprintf(f, "%s info request done id=%d took=%dms\n", time.Now().Format(time.RFC3339), i, rand.IntN(40)); err != nil {
			return err
		}
		time.Sleep(r.Every)
	}
}

// appender opens its file anew for each line, and goes on whatever comes of it.
func appender(r Role, ready func()) error {
	ready()
	for {
		if f, err := os.OpenFile(r.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err == nil {
			_, _ = fmt.Fprintln(f, time.Now().Format(time.RFC3339), "order stored")
			f.Close()
		}
		time.Sleep(r.Every)
	}
}

func serve(r Role, ready func(), delay time.Duration) error {
	l, err := net.Listen("tcp", r.Address)
	if err != nil {
		return err
	}
	ready()
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		time.Sleep(delay)
		_, _ = io.WriteString(w, "ok\n")
	})}
	return s.Serve(l)
}

func web(r Role, ready func()) error { return serve(r, ready, 2*time.Millisecond) }

func slow(r Role, ready func()) error { return serve(r, ready, r.Every) }

// client asks for a page now and then, patiently.
func client(r Role, ready func()) error {
	ready()
	c := http.Client{Timeout: time.Minute}
	for {
		if answer, err := c.Get(r.Address); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		time.Sleep(r.Every)
	}
}

// compile is a parent whose jobs take about half a processor, each job a process of its own.
func compile(r Role, ready func()) error {
	ready()
	for {
		c := child(r.Program, nil, "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done")
		from := time.Now()
		if err := c.Run(); err != nil {
			return err
		}
		time.Sleep(max(100*time.Millisecond, time.Since(from)))
	}
}

// reader fills the page cache with a file, over and over at a leisurely pace.
func reader(r Role, ready func()) error {
	ready()
	for {
		f, err := os.Open(r.Path)
		if err != nil {
			return err
		}
		for {
			if _, err := io.CopyN(io.Discard, f, 4<<20); err != nil {
				break
			}
			time.Sleep(40 * time.Millisecond)
		}
		f.Close()
	}
}
