package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Checks runs checks; *checkers.Service fits.
type Checks interface {
	Specs() []checkers.Spec
	Validate(req checkers.Request) map[string]error
	Run(ctx context.Context, req checkers.Request) (checkers.Report, error)
}

// CheckRuns reads what checks said; *checkers.Store fits.
type CheckRuns interface {
	List(ctx context.Context, tenant string, f checkers.Filter, p storage.Paging) (storage.Page[checkers.CheckRun], error)
	Latest(ctx context.Context, tenant string) ([]checkers.CheckRun, error)
	Get(ctx context.Context, tenant string, run id.ID) (checkers.CheckRun, error)
	History(ctx context.Context, tenant string, spec checkers.Spec, q checkers.HistoryQuery) (checkers.History, error)
}

type checkQuery struct {
	PageQuery
	Checker  string `query:"checker" maxLength:"100"`
	Hostname string `query:"hostname" maxLength:"255"`
	Status   string `query:"status" enum:"ok,warning,critical,unknown"`
	Run      string `query:"run" doc:"Id of the pipeline's run that asked for them." format:"uuid"`
	Since    string `query:"since" doc:"Executed from then on: a time (RFC 3339)." format:"date-time"`
}

type checkHistoryQuery struct {
	Checker  string `query:"checker" required:"true" maxLength:"100"`
	Hostname string `query:"hostname" required:"true" maxLength:"255"`
	Since    string `query:"since" doc:"A time (RFC 3339). Left out: a day ago. At most 30 days ago." format:"date-time"`
	Points   int    `query:"points" doc:"How many points at most." minimum:"1" maximum:"500" default:"120"`
}

type runChecksInput struct {
	Body struct {
		Checkers     []string                   `json:"checkers,omitempty" doc:"Names, see GET /api/v1/checkers. Left out: all that look at this host." maxItems:"100"`
		Configs      map[string]json.RawMessage `json:"checker_configs,omitempty" doc:"Settings per check: an object for each name. Those under __all__ hold for every check that knows them."`
		Warning      *float64                   `json:"warning_threshold,omitempty" doc:"Of all checks whose settings do not say otherwise."`
		Critical     *float64                   `json:"critical_threshold,omitempty" doc:"The same."`
		Timeout      float64                    `json:"timeout,omitempty" doc:"Seconds that each check may take. Left out: as the check has it." minimum:"0" maximum:"50"`
		Hostname     string                     `json:"hostname,omitempty" doc:"Name to report instead of this host's." maxLength:"255"`
		Labels       map[string]string          `json:"labels,omitempty" doc:"Put onto the alerts."`
		CreateAlerts bool                       `json:"create_alerts,omitempty" doc:"Make alerts of what is not ok, and resolve those of what is ok again."`
		NoIncidents  bool                       `json:"no_incidents,omitempty" doc:"Alerts without incidents: nobody is told."`
		TraceID      string                     `json:"trace_id,omitempty" doc:"Goes with everything that comes of it. Left out: the request's own."`
	}
}

// checksTime is what a call that runs checks may take.
const checksTime = 60 * time.Second

func (a *API) checkRoutes(h huma.API) {
	get(a, h, "/api/v1/checkers", "list-checkers", "The checks that there are, with the JSON Schema of their settings",
		func(context.Context, string, *struct{}) (storage.Page[checkers.Description], error) {
			specs := a.Checks.Specs()
			list := make([]checkers.Description, len(specs))
			for i := range specs {
				list[i] = specs[i].Describe()
			}
			return all(list).Body, nil
		})
	get(a, h, "/api/v1/checks", "list-checks", "Checks that were run, newest first", a.listChecks)
	get(a, h, "/api/v1/checks/latest", "latest-checks", "The newest run of each check on each host in the last seven days",
		func(ctx context.Context, tenant string, _ *struct{}) (storage.Page[checkers.CheckRun], error) {
			list, err := a.CheckRuns.Latest(ctx, tenant)
			return all(list).Body, err
		})
	get(a, h, "/api/v1/checks/history", "get-check-history", "How a check went on a host, summed up for a chart", a.checkHistory)
	get(a, h, "/api/v1/checks/{id}", "get-check", "One check that was run",
		func(ctx context.Context, tenant string, in *ByID) (checkers.CheckRun, error) {
			run, err := in.key("check")
			if err != nil {
				return checkers.CheckRun{}, err
			}
			return a.CheckRuns.Get(ctx, tenant, run)
		})
	o := op(http.MethodPost, "/api/v1/checks/run", "run-checks", "Run checks of the host that the hub is on, and wait for what they find")
	o.Description = "Addresses in the settings are guarded as those of channels are: what is not public has to be in HUB_EGRESS_ALLOW."
	change(a, h, o, a.runChecks)
}

func (a *API) listChecks(ctx context.Context, tenant string, in *checkQuery) (storage.Page[checkers.CheckRun], error) {
	page, err := in.page()
	if err != nil {
		return storage.Page[checkers.CheckRun]{}, err
	}
	run, err := filterID("run", in.Run)
	if err != nil {
		return storage.Page[checkers.CheckRun]{}, err
	}
	since, err := filterTime("since", in.Since)
	if err != nil {
		return storage.Page[checkers.CheckRun]{}, err
	}
	return a.CheckRuns.List(ctx, tenant, checkers.Filter{
		Checker: in.Checker, Hostname: in.Hostname, Status: checkers.Status(in.Status), RunID: run, Since: since,
	}, page)
}

func (a *API) checkHistory(ctx context.Context, tenant string, in *checkHistoryQuery) (checkers.History, error) {
	specs := a.Checks.Specs()
	i := slices.IndexFunc(specs, func(s checkers.Spec) bool { return s.Name == in.Checker })
	if i < 0 {
		return checkers.History{}, fmt.Errorf("check %.100q: %w", in.Checker, storage.ErrNotFound)
	}
	since, err := filterTime("since", in.Since)
	if err != nil {
		return checkers.History{}, err
	}
	return a.CheckRuns.History(ctx, tenant, specs[i], checkers.HistoryQuery{Hostname: in.Hostname, Since: since, Points: in.Points})
}

func (a *API) runChecks(ctx context.Context, c caller, in *runChecksInput) (*answer[checkers.Report], error) {
	b := &in.Body
	req := checkers.Request{
		Tenant: c.tenant, Names: b.Checkers, Configs: b.Configs, Timeout: time.Duration(b.Timeout * float64(time.Second)), Warning: b.Warning,
		Critical: b.Critical, Hostname: b.Hostname, Labels: b.Labels, CreateAlerts: b.CreateAlerts, NoIncidents: b.NoIncidents,
		Origin: checkers.OriginAPI, TraceID: b.TraceID, Guarded: true,
	}
	if req.TraceID == "" {
		req.TraceID = trace.From(ctx)
	}
	if p := a.badChecks(req); p != nil {
		return nil, p
	}
	report, err := a.Checks.Run(ctx, req)
	if errors.Is(err, checkers.ErrUnknown) {
		return nil, unusable("/checkers", err.Error())
	}
	return &answer[checkers.Report]{Body: report}, err
}

// badChecks lists what is wrong with a request. An unknown check among known ones is not: the others are run, and the answer says so.
func (a *API) badChecks(req checkers.Request) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, unusableDetail)
	add := func(pointer, message string) { p.Errors = append(p.Errors, Detail{Pointer: pointer, Message: message}) }
	if !isWord(req.Hostname, math.MaxInt) {
		add("/hostname", "use no control characters")
	}
	if !isTrace(req.TraceID) {
		add("/trace_id", "use 1 to 64 letters, digits and . _ : -")
	}
	if len(req.Labels) > maxLabels {
		add("/labels", fmt.Sprintf("use at most %d labels", maxLabels))
	}
	for k, v := range req.Labels {
		if k == "" || !isWord(k, maxRunWord) || !isWord(v, maxLabel) {
			add("/labels", fmt.Sprintf("a label has a name of 1 to %d characters and a value of at most %d, without control characters", maxRunWord, maxLabel))
			break
		}
	}
	bad := a.Checks.Validate(req)
	delete(bad, "checkers")
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		add("/checker_configs"+pointerTo(name), bad[name].Error())
	}
	if len(p.Errors) == 0 {
		return nil
	}
	return p
}

// filterTime reads an optional time of a query.
func filterTime(name, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, newProblem(http.StatusUnprocessableEntity, unusableDetail,
			Detail{Message: "must be a time like 2026-03-01T12:00:00Z", Location: "query." + name})
	}
	return t, nil
}
