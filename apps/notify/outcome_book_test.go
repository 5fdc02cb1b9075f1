package notify

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
)

// TestUnbooked walks a sent delivery through an outage that is longer than its lease, in each order in which the new claim and the
// booking may come.
func TestUnbooked(t *testing.T) {
	t.Parallel()
	ref := id.New()
	job := func() queue.Job { return queue.Job{Kind: JobDeliver, Ref: ref, Token: id.New()} }
	start := func() (*unbooked, *outcome) {
		u, o := &unbooked{}, &outcome{job: job()}
		u.begin(o)
		return u, o
	}
	keep := func(func()) {}
	sendAgain := func(t *testing.T, u *unbooked) {
		t.Helper()
		if _, known := u.claimed(job()); known {
			t.Error("the next claim is not sent")
		}
	}

	t.Run("nothing in between", func(t *testing.T) {
		t.Parallel()
		u, o := start()
		o.held = true
		if again, take := u.committed(o, keep); again != nil || take != nil {
			t.Errorf("%v %v", again, take)
		}
		sendAgain(t, u)
	})
	t.Run("claimed before the next try", func(t *testing.T) {
		t.Parallel()
		u, o := start()
		anew := job()
		if again, known := u.claimed(anew); again != nil || !known {
			t.Fatalf("%v %v", again, known)
		}
		u.begin(o) // the next try
		if o.job.Token != anew.Token {
			t.Error("booked by the old job")
		}
		o.held = true
		if again, take := u.committed(o, keep); again != nil || take != nil {
			t.Errorf("%v %v", again, take)
		}
		sendAgain(t, u)
	})
	t.Run("claimed while the writer has it", func(t *testing.T) {
		t.Parallel()
		u, o := start()
		anew := job()
		u.claimed(anew)
		again, take := u.committed(o, keep) // the fence did not hold
		if again != o || take != nil {
			t.Fatalf("%v %v", again, take)
		}
		u.begin(again)
		if o.job.Token != anew.Token {
			t.Error("booked by the old job")
		}
	})
	t.Run("claimed, and heard of after the booking failed", func(t *testing.T) {
		t.Parallel()
		u, o := start()
		var forget func()
		if again, take := u.committed(o, func(f func()) { forget = f }); again != nil || take != nil || forget == nil {
			t.Fatalf("%v %v", again, take)
		}
		anew := job()
		again, known := u.claimed(anew)
		if again != o || !known || o.job.Token != anew.Token {
			t.Fatalf("%v %v", again, known)
		}
		u.begin(again)
		forget()
		sendAgain(t, u)
	})
	t.Run("a new attempt is claimed before the booking is heard of", func(t *testing.T) {
		t.Parallel()
		u, o := start()
		anew := job()
		u.claimed(anew)
		o.held = true
		again, take := u.committed(o, keep)
		if again != nil || take == nil || take.Token != anew.Token {
			t.Fatalf("%v %v", again, take)
		}
		sendAgain(t, u)
	})
}
