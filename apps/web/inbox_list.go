package web

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// letter is one message opened.
type letter struct {
	notify.MessageView
	Content letterBody
}

// letterBody is the stored body of an inbox message, as far as it is shown apart from its text.
type letterBody struct {
	Text   string `json:"text"`
	Alerts []struct {
		Name     string `json:"name"`
		Instance string `json:"instance"`
		Status   string `json:"status"`
		Severity string `json:"severity"`
	} `json:"alerts"`
	AlertCount int64 `json:"alert_count"`
	Links      []struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	} `json:"links"`
}

type inboxPage struct {
	Frame
	Messages []notify.InboxMessage
	Reading  *letter
	Newest   id.ID // up to which "mark all as read" goes
	Next     string
	First    bool
}

func (w *Web) inboxList(c *gin.Context) { w.inbox(c, nil) }

// inboxShow opens a message, which marks it as read.
func (w *Web) inboxShow(c *gin.Context) {
	message, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	m, err := w.Deliveries.Message(c.Request.Context(), tenant(c), message)
	if err == nil && m.Driver != notify.InboxName {
		err = storage.ErrNotFound
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	if m.ReadAt == nil {
		if _, err := w.Inbox.MarkRead(c.Request.Context(), tenant(c), message); err != nil {
			w.Log.WarnContext(c.Request.Context(), "message not marked as read", "message_id", message, "error", err)
		}
	}
	open := &letter{MessageView: m}
	if json.Unmarshal(m.Body, &open.Content) != nil {
		open.Content = letterBody{} // the body as stored is shown below
	}
	w.inbox(c, open)
}

func (w *Web) inbox(c *gin.Context, open *letter) {
	p, err := paging(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	list, err := w.Inbox.List(c.Request.Context(), tenant(c), notify.InboxFilter{}, p)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := inboxPage{Frame: w.frame(c, "inbox", "Inbox"), Messages: list.Items, Reading: open, First: p.Before.IsZero()}
	if open != nil {
		page.Crumbs = []Crumb{{"Inbox", "/inbox"}}
		page.Title = open.Title
	}
	if len(list.Items) > 0 {
		page.Newest = list.Items[0].ID
	}
	if list.NextCursor != "" {
		page.Next = with(c, "before", list.NextCursor)
	}
	w.page(c, http.StatusOK, "inbox", page)
}

func (w *Web) inboxReadAll(c *gin.Context) {
	upTo, err := id.Parse(c.PostForm("up_to"))
	if err != nil {
		w.fail(c, err)
		return
	}
	if _, err := w.Inbox.MarkAllRead(c.Request.Context(), tenant(c), upTo); err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/inbox")
}
