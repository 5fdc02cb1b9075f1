package notify

import (
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// rendering is what one tell says, to each of its channels.
type rendering struct {
	in         NoticeInput
	deliveries []*planned
}

// fewRenderings are not worth a goroutine.
const fewRenderings = 4

// render makes all texts of the transaction, on every core: it is the dearest part of planning, and others wait for the writer.
func (b *Batch) render() {
	todo := b.renderings
	b.renderings = nil
	workers := min(runtime.GOMAXPROCS(0), len(todo)/fewRenderings)
	if workers < 2 {
		for _, r := range todo {
			b.p.render(r)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(len(todo)); i = next.Add(1) {
				b.p.render(todo[i-1])
			}
		})
	}
	wg.Wait()
}

// render makes the notice of a tell and its body for each channel. No message is lost to its rendering.
func (p *Planner) render(r *rendering) {
	n := p.notice(r.in)
	for _, d := range r.deliveries {
		if d.says != r { // another route has taken it over
			continue
		}
		d.severity = n.Severity
		if d.message.IsZero() {
			continue
		}
		own := ForChannel(n, d.live.Name, d.key)
		d.title = own.Title
		var err error
		if d.made, err = made(d.live.Channel, own); err != nil {
			// The plain text goes out in a shape that every channel's Send takes or refuses.
			d.made = channel.Rendered{Body: fallbackBody(own), Remark: "the message could not be written in the channel's form: " + line(err.Error(), maxLine)}
		}
	}
}

// notice builds the notice; when that breaks, which only a slip of ours can do, the bare facts are told.
func (p *Planner) notice(in NoticeInput) (n channel.Notice) {
	defer func() {
		if recover() != nil {
			n = channel.Notice{Kind: in.Kind, Title: "Alert", Severity: "critical", Alerts: in.Alerts, TraceID: in.TraceID, RunID: in.RunID, At: in.At}
			if i := in.Incident; i != nil {
				n.Title, n.Text, n.Severity, n.IncidentID, n.Status = line(i.Title, maxTitle), block(i.Description), string(i.Severity), i.ID, i.Status
			}
		}
	}()
	return p.notices.Build(in)
}

func made(c channel.Channel, n channel.Notice) (r channel.Rendered, err error) {
	defer func() {
		if broke := recover(); broke != nil {
			err = fmt.Errorf("render: %v", broke)
		}
	}()
	r, err = c.Render(n)
	r.Remark = channel.Remark(r.Remark, n.LeftOut)
	return r, err
}

func fallbackBody(n channel.Notice) []byte {
	raw, err := json.Marshal(map[string]any{"title": n.Title, "message": n.Text, "severity": n.Severity, "tags": n.Tags})
	if err != nil { // maps of strings cannot fail
		return []byte(`{}`)
	}
	return raw
}
