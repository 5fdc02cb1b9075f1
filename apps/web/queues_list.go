package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// queueLine is one queue of the list.
type queueLine struct {
	queue.Depth
	Text      string // what is done there
	Mark      Mark
	Processes int
	Known     bool // how many there are
}

type queuesPage struct {
	Frame
	Lines []queueLine
	Bell  queue.Doorbell
	Redis bool // there is one, and it answers
}

// queueTexts say what is done in each queue.
var queueTexts = map[string]string{
	"ingest": "reading what came in and deciding", "notify": "telling channels", "timers": "reminding, telling others instead, and telling later", "context": "looking things up", "intelligence": "writing analyses",
	"maintenance": "cleaning up",
}

func (w *Web) queuesList(c *gin.Context) {
	v, err := w.Queues.View(c.Request.Context())
	if err != nil {
		w.fail(c, err)
		return
	}
	page := queuesPage{Frame: w.frame(c, "queues", "Queues"), Bell: v.Doorbell, Redis: v.Doorbell.Kind == "redis" && v.Doorbell.Away == ""}
	for _, d := range v.Queues {
		line := queueLine{Depth: d, Text: queueTexts[d.Name], Known: page.Redis}
		for _, p := range v.Doorbell.Processes {
			if slices.Contains(p.Queues, d.Name) {
				line.Processes++
			}
		}
		line.Mark = line.mark()
		page.Lines = append(page.Lines, line)
	}
	w.page(c, http.StatusOK, "queues", page)
}

func (l *queueLine) mark() Mark {
	switch {
	case l.Known && l.Processes == 0 && l.Due+l.Expired > 0:
		return Mark{"critical", "critical", "Nobody works on it"}
	case l.Late:
		return Mark{"critical", "critical", "Late"}
	case l.Due+l.Held+l.Expired > 0:
		return Mark{"info", "spinner", "Working"}
	case l.Later > 0:
		return Mark{"unknown", "clock", "Waiting"}
	default:
		return Mark{"ok", "check", "Nothing to do"}
	}
}

// jobLine is one row of a queue.
type jobLine struct {
	queue.Row
	What string // what is to be done
	URL  string // of what it is about, "" for none
	Mark Mark
}

type queuePage struct {
	Frame
	Queue  queueLine
	Jobs   []jobLine
	States []choice
	Orders []choice
	Next   string
	First  bool
	Any    bool // no filter is on
}

func (w *Web) queueShow(c *gin.Context) {
	name := c.Param("queue")
	filter := queue.Filter{State: c.Query("state"), Newest: c.Query("order") == "newest", Cursor: c.Query("before")}
	if !slices.Contains([]string{"", queue.StateDue, queue.StateLater, queue.StateHeld, queue.StateExpired}, filter.State) {
		w.fail(c, storage.ErrNotFound)
		return
	}
	rows, err := w.Queues.Jobs(c.Request.Context(), tenant(c), name, filter)
	if err != nil {
		w.fail(c, err)
		return
	}
	v, err := w.Queues.View(c.Request.Context())
	if err != nil {
		w.fail(c, err)
		return
	}
	page := queuePage{
		Frame: w.frame(c, "queues", name, Crumb{"Queues", "/queues"}), First: filter.Cursor == "", Any: filter.State == "",
		States: choices(c, "state", [2]string{"", "All"}, [2]string{queue.StateDue, "Due now"}, [2]string{queue.StateHeld, "In work"},
			[2]string{queue.StateLater, "Later"}, [2]string{queue.StateExpired, "Abandoned"}),
		Orders: choices(c, "order", [2]string{"", "Longest due first"}, [2]string{"newest", "Last due first"}),
	}
	for _, d := range v.Queues {
		if d.Name == name {
			page.Queue = queueLine{Depth: d, Text: queueTexts[name]}
			page.Queue.Mark = page.Queue.mark()
		}
	}
	for _, r := range rows.Items {
		page.Jobs = append(page.Jobs, lineOf(r))
	}
	if rows.NextCursor != "" {
		page.Next = with(c, "before", rows.NextCursor)
	}
	w.page(c, http.StatusOK, "queue", page)
}

func lineOf(r queue.Row) jobLine {
	line := jobLine{Row: r, What: words(r.Kind)}
	ref := url.PathEscape(r.Ref.String())
	switch r.Kind {
	case orchestration.JobFold:
		line.What, line.URL = "Take in what was received", "/receipts/"+ref
	case orchestration.JobNode:
		line.What, line.URL = "A step of a run", "/runs/"+ref
	case orchestration.JobDeadline:
		line.What, line.URL = "Tell, with or without the analysis", "/runs/"+ref
	case orchestration.JobExpiry:
		line.What, line.URL = "End a run that takes too long", "/runs/"+ref
	case notify.JobDeliver:
		line.What, line.URL = "Tell a channel", "/why/"+ref
	}
	switch r.State {
	case queue.StateHeld:
		line.Mark = Mark{"info", "spinner", "In work"}
	case queue.StateExpired:
		line.Mark = Mark{"warning", "warning", "Abandoned"}
	case queue.StateDue:
		line.Mark = Mark{"unknown", "clock", "Due now"}
	default:
		line.Mark = Mark{"unknown", "clock", "Later"}
	}
	return line
}
