package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type previewPage struct {
	Frame
	Incident  string
	Incidents []Option
	Event     string
	Events    []Option
	Channel   string
	Channels  []Option
	Of        string // the tool whose payload was pasted
	Tools     []Option
	Payload   string
	Unsaved   string // the channel whose form was looked at before it was saved
	Wrong     []string
	Cards     []previewCard
	Remarks   int64 // cards with a remark
}

// previewCard is the message of one channel.
type previewCard struct {
	notify.Preview
	Pieces []shownPart
}

// Size is the length of the stored message in bytes.
func (p previewCard) Size() int64 { return int64(p.Bytes) }

// pieceName is the name of a piece as a heading.
func pieceName(name string) string {
	switch name {
	case "json", "html":
		return strings.ToUpper(name)
	default:
		return title(name)
	}
}

// previewLatest is how many incidents there are to choose from.
const previewLatest = 25

// previewWords say what happens in an event.
var previewWords = map[channel.Kind]string{
	channel.KindFiring: "It fires", channel.KindUpdated: "It changes", channel.KindReminder: "Reminder: it still fires", channel.KindAcknowledged: "Somebody takes care of it",
	channel.KindResolved: "It is over", channel.KindTest: "Test message", channel.KindSent: "Message by hand",
}

// previewInput reads what a page asks for.
func previewInput(get func(string) string) notify.PreviewInput {
	return notify.PreviewInput{IncidentID: get("incident"), Event: channel.Kind(get("event")), Channel: get("channel")}
}

// channelPreview shows what the channels would send about an incident or a sample.
func (w *Web) channelPreview(c *gin.Context) {
	page, in := previewPage{}, previewInput(c.Query)
	frame := func(card notify.Preview, piece int, _ string) mailFrame {
		q := url.Values{"channel": {card.ChannelID.String()}, "piece": {strconv.Itoa(piece)}}
		for name, v := range map[string]string{"incident": in.IncidentID, "event": string(in.Event)} {
			if v != "" {
				q.Set(name, v)
			}
		}
		return mailFrame{URL: previewFrame + "?" + q.Encode()}
	}
	w.showPreview(c, page, in, frame)
}

// channelPreviewPasted shows what they would send about a payload. Nothing of it is stored.
func (w *Web) channelPreviewPasted(c *gin.Context) {
	in := previewInput(c.PostForm)
	in.IncidentID = ""
	in.Payload, in.PayloadOf = json.RawMessage(strings.TrimSpace(c.PostForm("payload"))), c.PostForm("of")
	page := previewPage{Payload: string(in.Payload), Of: in.PayloadOf}
	if len(in.Payload) == 0 {
		page.Wrong = append(page.Wrong, "Paste the body of a webhook first.")
	}
	w.showPreview(c, page, in, sealedFrames(c))
}

// channelPreviewTyped shows the message of one channel with settings as they were typed, before they are saved.
func (w *Web) channelPreviewTyped(c *gin.Context) {
	form, err := w.loadChannel(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	in := notify.PreviewInput{Channel: form.was.ID.String()}
	if form.kind.Name != "" {
		if in.Config, err = channelSettings(form.kind).typed(form.stored, c); err != nil {
			w.fail(c, err)
			return
		}
	}
	w.showPreview(c, previewPage{Unsaved: form.was.Name}, in, sealedFrames(c))
}

// showPreview draws the page; frame says where the frame for a piece of HTML gets it from.
func (w *Web) showPreview(c *gin.Context, page previewPage, in notify.PreviewInput, frame func(card notify.Preview, piece int, html string) mailFrame) {
	ctx := c.Request.Context()
	page.Incident, page.Event, page.Channel = in.IncidentID, string(in.Event), in.Channel
	if err := w.previewChoices(c, &page); err != nil {
		w.fail(c, err)
		return
	}
	status := http.StatusOK
	var list []notify.Preview
	var err error
	if len(page.Wrong) == 0 {
		list, err = w.Previews.Previews(ctx, tenant(c), in)
	} else {
		status = http.StatusUnprocessableEntity
	}
	switch bad := (*notify.Invalid)(nil); {
	case errors.As(err, &bad):
		status = http.StatusUnprocessableEntity
		for _, p := range bad.Problems {
			page.Wrong = append(page.Wrong, sentence(strings.TrimPrefix(p.Field, settingPrefix)+": "+p.Message))
		}
	case errors.Is(err, storage.ErrNotFound):
		w.failure(c, http.StatusNotFound, "Not found", "The incident or the channel is not there any more.")
		return
	case err != nil:
		w.fail(c, err)
		return
	}
	for _, one := range list {
		card := previewCard{Preview: one}
		for i, s := range one.Shown {
			part := shownPart{Shown: s}
			if s.Media == "text/html" {
				part.mailFrame = frame(one, i, s.Text)
			}
			card.Pieces = append(card.Pieces, part)
		}
		card.Pieces = folded(card.Pieces)
		if one.Error != "" || one.Remark != "" || len(one.Missing) > 0 {
			page.Remarks++
		}
		page.Cards = append(page.Cards, card)
	}
	page.Frame = w.frame(c, "channels", "Preview of messages", Crumb{"Channels", "/channels"})
	w.page(c, status, "preview", page)
}

// previewChoices are what there is to choose from.
func (w *Web) previewChoices(c *gin.Context, page *previewPage) error {
	ctx := c.Request.Context()
	latest, err := w.Incidents.Incidents(ctx, tenant(c), alerts.IncidentFilter{}, storage.Paging{Limit: previewLatest})
	if err != nil {
		return err
	}
	page.Incidents = []Option{{"", "A sample"}}
	known := page.Incident == ""
	for i := range latest.Items {
		one := &latest.Items[i]
		known = known || one.ID.String() == page.Incident
		page.Incidents = append(page.Incidents, Option{one.ID.String(), one.Title})
	}
	if !known {
		page.Incidents = append(page.Incidents, Option{page.Incident, "Incident " + page.Incident})
	}
	list, err := w.Channels.List(ctx, tenant(c))
	if err != nil {
		return err
	}
	page.Channels = []Option{{"", "All, side by side"}}
	for _, one := range list {
		name := one.Name
		if !one.IsActive {
			name += " (inactive)"
		}
		if page.Channel == one.Name {
			page.Channel = one.ID.String()
		}
		page.Channels = append(page.Channels, Option{one.ID.String(), name})
	}
	page.Events = []Option{{"", "What fits"}}
	for _, k := range notify.PreviewEvents() {
		page.Events = append(page.Events, Option{string(k), previewWords[k]})
	}
	page.Tools = []Option{{"", "Whatever it looks like"}}
	for _, name := range Drivers() {
		page.Tools = append(page.Tools, Option{name, vendorOf(name).Name})
	}
	return nil
}
