package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzhttp"
)

// maxPadding is how many bytes, at most, are added to an answer to hide how well it compressed: pages repeat what was searched for
// beside a token that must not be guessed from lengths (BREACH).
const maxPadding = 32

// compressed sends answers by gzip to who takes it. Small ones, those that are compressed already, and types that do not shrink go
// out as they are.
func compressed() (gin.HandlerFunc, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.EnableZstd(false), gzhttp.RandomJitter(maxPadding, 0, false))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	return func(c *gin.Context) {
		if uncompressed(c.FullPath()) {
			c.Next()
			return
		}
		plain := c.Writer
		defer func() { c.Writer = plain }() // also when a handler panics
		wrap(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			s := &squeezed{ResponseWriter: plain, out: out, status: plain.Status(), size: -1}
			c.Writer = s
			c.Next()
			s.WriteHeaderNow()
		})).ServeHTTP(plain, c.Request)
	}, nil
}

// uncompressed are streams, whose readers wait for each line, and the intake, whose answers are short and many.
func uncompressed(route string) bool {
	return strings.HasPrefix(route, "/alerts/webhook") || strings.HasSuffix(strings.TrimSuffix(route, "/"), "/events")
}

// squeezed is gin's writer with another one in between. Like gin's own it keeps the status until the body begins.
type squeezed struct {
	gin.ResponseWriter
	out    http.ResponseWriter
	status int
	size   int // -1: nothing is written
}

// WriteHeader implements http.ResponseWriter.
func (s *squeezed) WriteHeader(code int) {
	if code > 0 && !s.Written() {
		s.status = code
	}
}

// WriteHeaderNow implements gin.ResponseWriter.
func (s *squeezed) WriteHeaderNow() {
	if !s.Written() {
		s.size = 0
		s.out.WriteHeader(s.status)
	}
}

// Write implements http.ResponseWriter.
func (s *squeezed) Write(b []byte) (int, error) {
	s.WriteHeaderNow()
	n, err := s.out.Write(b)
	s.size += n
	return n, err
}

// WriteString implements gin.ResponseWriter.
func (s *squeezed) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// Status implements gin.ResponseWriter.
func (s *squeezed) Status() int { return s.status }

// Size implements gin.ResponseWriter: the bytes before they were compressed.
func (s *squeezed) Size() int { return s.size }

// Written implements gin.ResponseWriter.
func (s *squeezed) Written() bool { return s.size >= 0 }

// Flush implements http.Flusher.
func (s *squeezed) Flush() {
	s.WriteHeaderNow()
	if f, ok := s.out.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (s *squeezed) Unwrap() http.ResponseWriter { return s.ResponseWriter }
