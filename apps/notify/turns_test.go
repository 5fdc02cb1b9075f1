package notify_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestTakenOverInOneTransaction: a delivery that one route held back and another one sends says what the other one says.
func TestTakenOverInOneTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("ops", channel.Spec{Repeatable: true})
		e := startEngine(t, db, nil, o)
		for range 20 {
			var tells []*event.Tell
			for n := range 32 {
				one := e.about()
				one.Source, one.Suppress, one.Channels = fmt.Sprintf("first-%d", n), event.ReasonWhen, []string{"*"}
				two := next(one, 1, event.EventOpened)
				two.Source, two.Suppress = fmt.Sprintf("second-%d", n), ""
				tells = append(tells, one, two)
			}
			e.in(func(_ *storage.Tx, b *notify.Batch) error {
				for _, x := range tells {
					if _, err := b.Tell(x); err != nil {
						return err
					}
				}
				return nil
			})
		}
		e.rests(o)
		wrong := 0
		for _, m := range o.all() {
			if !strings.Contains(string(m.Body), "second-") {
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("%d of %d messages say what the route would have said that held them back", wrong, len(o.all()))
		}
	})
}

// TestRetryAfterHolds: the time that the receiver asked for holds, whatever ends behind the message.
func TestRetryAfterHolds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		o := place("chat", channel.Spec{})
		o.say = func(n int, _ channel.Outgoing) channel.Result {
			switch n {
			case 1:
				return unsure()
			case 2:
				return channel.Result{Verdict: channel.Retry, Status: 429, Class: "http_429", RetryAfter: 10 * time.Minute}
			}
			return channel.Result{Verdict: channel.Done, Status: 200}
		}
		e := startEngine(t, db, nil, o)
		x := e.about()
		e.tell(x)
		testkit.Eventually(t, time.Minute, func() bool { r := e.rows(o); return r[0].Attempts == 2 && r[0].State == event.StatePending }, "no second try")
		e.tell(next(x, 2, event.EventAlertAdded))
		e.resolve(next(x, 3, event.EventResolved))
		pause(t, 3*time.Second)
		if n := len(o.all()); n != 2 {
			t.Errorf("%d tries, though the receiver asked for ten minutes: %v\n%+v", n, o.kinds(), e.rows(o))
		}
	})
}

// TestResendGivenUp: what was given up before anybody was told is not what sends again.
func TestResendGivenUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		ops, phone := timed(t, db, "ops", 0, 0, nil), timed(t, db, "phone", 0, 0, nil)
		ops.say, phone.say = gone, away
		e := clocked(t, db, nil, ops, phone)
		x := e.fires("*")
		told := e.tell(x)
		e.rests(ops)
		e.triedOnce(phone)
		e.resolve(next(x, 2, event.EventResolved)) // and it is opened again: it is active in the table
		e.rests(phone)
		for _, one := range told {
			if one.Channel != "ops" {
				continue
			}
			sent, err := e.service.Resend(t.Context(), tenant, one.DeliveryID, "phone", "ann")
			if !errors.Is(err, event.ErrRefused) || !strings.Contains(err.Error(), "resolved_first") || !sent.IsZero() {
				t.Errorf("%s, %v", sent, err)
			}
			if to := e.instead(one.DeliveryID); !to.IsZero() {
				t.Errorf("%s is told instead", to)
			}
		}
	})
}
