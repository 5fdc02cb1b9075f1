package notify

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pack"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// handLimit is after which time an attempt by hand counts as lost that nobody has booked: its process has not come back.
const handLimit = sendTimeout + 40*time.Second

// handed is one message on its way by hand.
type handed struct {
	tenant, cause, label string
	live                 *Live // its ID is zero when settings came with the message
	notice               channel.Notice

	id, message id.ID
	key         string
	made        channel.Rendered
	at          time.Time
	took        time.Duration
	result      channel.Result
	state       string
	reason      string
	detail      string
}

// attempt records what is to be sent, sends it once, and records what became of that. It goes on when the caller has left: what is sent
// must be on record.
func (h *Hand) attempt(ctx context.Context, x *handed) (SendResult, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return SendResult{}, fmt.Errorf("wait for other messages by hand: %w", ctx.Err())
	}
	ctx = context.WithoutCancel(ctx)
	x.id, x.message, x.at = id.New(), id.New(), h.clock.Now()
	x.key = x.id.String() + ":0:0:" + x.live.ID.String()
	own := ForChannel(x.notice, cmp.Or(x.label, x.live.Name), x.key)
	var err error
	if x.made, err = made(x.live.Channel, own); err != nil {
		x.made = channel.Rendered{Body: fallbackBody(own), Remark: "the message could not be written in the channel's form: " + line(err.Error(), maxLine)}
	}
	x.state = event.StateSending
	switch {
	case x.live.Spec.Local:
		x.state, x.result.Verdict = event.StateDelivered, channel.Done
	case x.live.Off != "":
		x.state, x.reason, x.detail = event.StateSuppressed, event.ReasonChannelOff, x.live.Off
		x.result = channel.Result{Verdict: channel.Dropped, Class: channel.ClassDisabled, Error: "nothing is sent: " + x.live.Off}
	}
	if err := h.db.InTx(ctx, func(ctx context.Context) error { return h.begin(ctx, x) }); err != nil {
		return SendResult{}, fmt.Errorf("record a message: %w", err)
	}
	if x.state == event.StateSending {
		h.send(ctx, x)
		h.book(ctx, x)
		failpoint.Hit(failpoint.Committed)
	}
	h.changed(x.tenant, "delivery", x.id)
	h.changed(x.tenant, "message", x.message)
	out := SendResult{
		Success: x.state == event.StateDelivered, Driver: x.live.Driver, Channel: cmp.Or(x.live.Name, x.live.Driver),
		MessageID: cmp.Or(x.result.ProviderRef, x.message.String()), DeliveryID: x.id, Result: x.result, Remark: x.made.Remark, Off: x.detail,
	}
	if !out.Success {
		out.Error = cmp.Or(x.result.Error, x.reason)
	}
	return out, nil
}

func (h *Hand) send(ctx context.Context, x *handed) {
	ctx, cancel := context.WithTimeout(trace.With(ctx, x.notice.TraceID), sendTimeout)
	defer cancel()
	failpoint.Hit(failpoint.BeforeSend)
	watch := clock.Start()
	x.result = x.live.Channel.Send(ctx, channel.Outgoing{
		IdemKey: x.key, TraceID: x.notice.TraceID, Title: x.notice.Title, Kind: x.notice.Kind, Severity: x.notice.Severity, Body: x.made.Body,
	})
	x.took = watch.Elapsed()
	failpoint.Hit(failpoint.AfterSend)
	if x.state = event.StateDelivered; x.result.Verdict != channel.Done {
		x.state, x.reason = event.StateDead, reasonOf(x.result)
		return
	}
	h.health.took(x.live.ID)
}

// begin stores the delivery with its message, and a job that ends it if this process does not.
func (h *Hand) begin(ctx context.Context, x *handed) error {
	now := h.db.Now()
	var sending, finished *time.Time
	attempts := 0
	switch x.state {
	case event.StateSending:
		sending = &now
	case event.StateDelivered:
		finished, attempts = &now, 1
	default:
		finished = &now
	}
	db := h.db.From(ctx)
	err := db.Exec(`INSERT INTO deliveries (id, tenant_id, idem_key, event_seq, step, channel_id, kind, severity, message_id, state, reason, detail, attempts, trace_id,
			created_at, expires_at, sending_since, finished_at, cause) VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		x.id, x.tenant, x.key, x.live.ID[:], string(x.notice.Kind), x.notice.Severity, x.message, x.state, x.reason, x.detail, attempts, x.notice.TraceID, now,
		now.Add(handLimit), sending, finished, x.cause).Error
	if err != nil {
		return err
	}
	encoding, body := pack.Pack(x.made.Body)
	err = db.Exec(`INSERT INTO messages (id, tenant_id, channel_id, driver, idem_key, severity, title, encoding, body, parts, remark, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, x.message, x.tenant, x.live.ID[:], x.live.Driver, x.key, x.notice.Severity, x.notice.Title, encoding, body,
		max(1, x.made.Parts), x.made.Remark, now).Error
	if err != nil || x.state != event.StateSending {
		return err
	}
	err = db.Exec(`INSERT INTO jobs (kind, ref, node, tenant_id, queue, due_at, created_at) VALUES (?, ?, '', ?, ?, ?, ?)`,
		jobHand, x.id, x.tenant, QueueTimers, now.Add(handLimit), now).Error
	failpoint.Hit(failpoint.Deciding)
	return err
}

// book stores what became of the attempt. While the database is away it tries for as long as somebody may wait; then the delivery
// ends as interrupted.
func (h *Hand) book(ctx context.Context, x *handed) {
	watch := clock.Start()
	for {
		err := h.db.InTx(ctx, func(ctx context.Context) error { return h.end(ctx, x) })
		if err == nil {
			return
		}
		if watch.Elapsed() > bookHand || clock.Sleep(ctx, bookRetry) != nil {
			h.log.WarnContext(ctx, "book a message by hand", "delivery_id", x.id, "error", err)
			return
		}
	}
}

// bookHand is how long booking is tried.
const bookHand = 10 * time.Second

func (h *Hand) end(ctx context.Context, x *handed) error {
	now, db := h.db.Now(), h.db.From(ctx)
	err := db.Exec(`UPDATE deliveries SET state = ?, reason = ?, detail = '', attempts = 1, sending_since = NULL, finished_at = ? WHERE id = ?`,
		x.state, x.reason, now, x.id).Error
	if err != nil {
		return err
	}
	err = db.Exec(`INSERT INTO message_attempts (message_id, n, tenant_id, at, status, latency_us, verdict, error, response) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?)`,
		x.message, x.tenant, x.at, x.result.Status, x.took.Microseconds(), string(x.result.Verdict), x.result.Error, x.result.Response).Error
	if err != nil {
		return err
	}
	sent := max(1, x.made.Parts)
	if x.state != event.StateDelivered {
		sent = x.result.Sent
	}
	if err := db.Exec(`UPDATE messages SET provider_ref = ?, sent = ? WHERE id = ?`, x.result.ProviderRef, sent, x.message).Error; err != nil {
		return err
	}
	return db.Exec(`DELETE FROM jobs WHERE kind = ? AND ref = ? AND node = ''`, jobHand, x.id).Error
}

// abandoned ends an attempt by hand that its process has not booked.
func (w *Timers) abandoned(tx *storage.Tx, it *timed) error {
	held, err := it.fence(tx)
	if err != nil || !held {
		return err
	}
	it.done(tx)
	rows := abandonHand.Rows()
	rows.Add(it.job.Ref, tx.Now(), "the hub was stopped while it was sent; whether it arrived is not known")
	tx.Exec(abandonHand, rows)
	return nil
}
