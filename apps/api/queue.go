package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type jobQuery struct {
	Queue  string `path:"queue" doc:"ingest, context, intelligence, notify or maintenance." maxLength:"40"`
	State  string `query:"state" doc:"Only these: due (waits, its time has come), later (waits for its time), held (a process works on it), expired (its holder has not come back). It looks at the 10,000 rows that come first." enum:"due,later,held,expired"`
	Order  string `query:"order" doc:"By the time they are due: oldest first or newest first." enum:"oldest,newest" default:"oldest"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before." maxLength:"500"`
	Limit  int    `query:"limit" doc:"Rows on the page." minimum:"1" maximum:"200" default:"50"`
}

// QueueRow is one row of a queue and what it is about.
type QueueRow struct {
	queue.Row
	About string `json:"about" doc:"What ref names: receipt, run, delivery; empty for what has no address."`
	URL   string `json:"url" doc:"Where to read it."`
}

func (a *API) queueRoutes(h huma.API) {
	get(a, h, "/api/v1/queues", "list-queues", "What waits in each queue, how long, and what the doorbell between the processes says; at most a second old",
		func(ctx context.Context, _ string, _ *struct{}) (queue.View, error) { return a.Queues.View(ctx) })
	get(a, h, "/api/v1/queues/{queue}/jobs", "list-jobs", "The rows of a queue, by the time they are due", a.listJobs)
}

func (a *API) listJobs(ctx context.Context, tenant string, in *jobQuery) (storage.Page[QueueRow], error) {
	rows, err := a.Queues.Jobs(ctx, tenant, in.Queue, queue.Filter{State: in.State, Newest: in.Order == "newest", Cursor: in.Cursor, Limit: in.Limit})
	if errors.Is(err, storage.ErrCursor) {
		err = newProblem(http.StatusUnprocessableEntity, unusableDetail, Detail{Message: storage.ErrCursor.Error(), Location: "query.cursor"})
	}
	page := storage.Page[QueueRow]{Items: make([]QueueRow, len(rows.Items)), NextCursor: rows.NextCursor}
	for i, r := range rows.Items {
		row := QueueRow{Row: r}
		switch r.Kind {
		case orchestration.JobFold:
			row.About, row.URL = "receipt", "/api/v1/receipts/"+r.Ref.String()
		case orchestration.JobNode, orchestration.JobDeadline, orchestration.JobExpiry:
			row.About, row.URL = "run", "/api/v1/runs/"+r.Ref.String()
		case notify.JobDeliver:
			row.About, row.URL = "delivery", "/api/v1/deliveries/"+r.Ref.String()
		}
		page.Items[i] = row
	}
	return page, err
}
