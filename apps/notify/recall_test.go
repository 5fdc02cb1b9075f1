package notify

import (
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

func TestRecall(t *testing.T) {
	t.Parallel()
	var r recall
	m := func(size int) recalled {
		return recalled{message: id.New(), out: channel.Outgoing{Body: make([]byte, size)}}
	}
	first := id.New()
	r.keep(first, m(10))
	if got, ok := r.find(first); !ok || len(got.out.Body) != 10 {
		t.Errorf("got %v, %v", got, ok)
	}
	r.forget(first)
	r.forget(first)
	if _, ok := r.find(first); ok || r.bytes != 0 {
		t.Errorf("not forgotten, %d bytes", r.bytes)
	}

	r.keep(first, m(10))
	for range recallMost {
		r.keep(id.New(), m(1))
	}
	if _, ok := r.find(first); ok || len(r.byID) != recallMost || r.bytes != recallMost {
		t.Errorf("the oldest is still there: %v, %d entries, %d bytes", ok, len(r.byID), r.bytes)
	}

	var full recall
	large, next := id.New(), id.New()
	full.keep(large, m(recallBytes-1))
	full.keep(next, m(2))
	if _, ok := full.find(next); ok {
		t.Error("more bytes than allowed")
	}
	full.forget(large)
	full.keep(next, m(2))
	if _, ok := full.find(next); !ok || full.bytes != 2 {
		t.Errorf("room was not given back: %d bytes", full.bytes)
	}
}
