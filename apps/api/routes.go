package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// scopes is the table of what a caller needs for each route. What is not in it is closed.
var scopes = map[string]auth.Scope{
	"GET /healthz":      open,
	"GET /livez":        open,
	"GET /metrics":      auth.ScopeRead,
	"GET /openapi.json": auth.ScopeRead,
	"GET /docs":         auth.ScopeRead,

	"GET /api/v1/alerts":      auth.ScopeRead,
	"GET /api/v1/alerts/{id}": auth.ScopeRead,

	"GET /api/v1/incidents":                   auth.ScopeRead,
	"GET /api/v1/incidents/counts":            auth.ScopeRead,
	"GET /api/v1/incidents/{id}":              auth.ScopeRead,
	"GET /api/v1/incidents/{id}/timeline":     auth.ScopeRead,
	"POST /api/v1/incidents/{id}/acknowledge": auth.ScopeRespond,
	"POST /api/v1/runs/{id}/replay":           auth.ScopeRespond,
	"POST /api/v1/runs/{id}/cancel":           auth.ScopeRespond,
	"POST /api/v1/runs/{id}/resume":           auth.ScopeRespond,
	"POST /api/v1/incidents/{id}/resolve":     auth.ScopeRespond,
	"POST /api/v1/incidents/{id}/close":       auth.ScopeRespond,
	"POST /api/v1/incidents/{id}/reopen":      auth.ScopeRespond,
	"POST /api/v1/incidents/{id}/notes":       auth.ScopeRespond,

	"GET /api/v1/receipts":                   auth.ScopeRead,
	"GET /api/v1/receipts/{id}":              auth.ScopeRead,
	"GET /api/v1/receipts/{id}/observations": auth.ScopeRead,
	"GET /api/v1/receipts/{id}/body":         auth.ScopeRead,
	"POST /api/v1/receipts/{id}/reprocess":   auth.ScopeEdit,

	"GET /api/v1/runs":      auth.ScopeRead,
	"GET /api/v1/runs/{id}": auth.ScopeRead,

	"GET /api/v1/sources":                   auth.ScopeRead,
	"POST /api/v1/sources":                  auth.ScopeEdit,
	"GET /api/v1/sources/{ref}":             auth.ScopeRead,
	"PUT /api/v1/sources/{ref}":             auth.ScopeEdit,
	"PATCH /api/v1/sources/{ref}":           auth.ScopeEdit,
	"DELETE /api/v1/sources/{ref}":          auth.ScopeEdit,
	"POST /api/v1/sources/{ref}/rotate-key": auth.ScopeEdit,

	"GET /api/v1/definitions":                auth.ScopeRead,
	"POST /api/v1/definitions":               auth.ScopeEdit,
	"GET /api/v1/definitions/schema":         auth.ScopeRead,
	"POST /api/v1/definitions/lint":          auth.ScopeRead, // it saves nothing
	"GET /api/v1/definitions/{ref}":          auth.ScopeRead,
	"PUT /api/v1/definitions/{ref}":          auth.ScopeEdit,
	"PATCH /api/v1/definitions/{ref}":        auth.ScopeEdit,
	"DELETE /api/v1/definitions/{ref}":       auth.ScopeEdit,
	"GET /api/v1/definitions/{ref}/versions": auth.ScopeRead,
	"POST /api/v1/definitions/{ref}/clone":   auth.ScopeEdit,
	"POST /api/v1/definitions/{ref}/execute": auth.ScopeEdit, // it takes alerts in and tells people
	"POST /api/v1/definitions/execute":       auth.ScopeEdit,

	"GET /api/v1/definitions/{ref}/diff":                        auth.ScopeRead,
	"GET /api/v1/definitions/{ref}/versions/{version}":          auth.ScopeRead,
	"POST /api/v1/definitions/{ref}/versions/{version}/restore": auth.ScopeEdit,
	"GET /api/v1/schemas/definition.json":                       auth.ScopeRead,

	"GET /api/v1/backtests":         auth.ScopeEdit,
	"POST /api/v1/backtests":        auth.ScopeEdit, // it stores nothing, but is work
	"GET /api/v1/backtests/{id}":    auth.ScopeEdit,
	"DELETE /api/v1/backtests/{id}": auth.ScopeEdit,

	"GET /api/v1/channels":                 auth.ScopeRead,
	"POST /api/v1/channels":                auth.ScopeEdit,
	"POST /api/v1/channels/validate":       auth.ScopeEdit, // it saves nothing, but takes secrets and looks at addresses
	"GET /api/v1/channels/{ref}":           auth.ScopeRead,
	"PUT /api/v1/channels/{ref}":           auth.ScopeEdit,
	"PATCH /api/v1/channels/{ref}":         auth.ScopeEdit,
	"DELETE /api/v1/channels/{ref}":        auth.ScopeEdit,
	"POST /api/v1/channels/{ref}/test":     auth.ScopeEdit, // it tells somebody
	"POST /api/v1/channels/{ref}/validate": auth.ScopeEdit,
	"GET /api/v1/channel-drivers":          auth.ScopeRead,
	"GET /api/v1/channel-drivers/{driver}": auth.ScopeRead,

	"POST /api/v1/notifications/preview": auth.ScopeRead, // it sends nothing; with settings of the caller's own it asks for edit

	"GET /notify/send":             auth.ScopeRead,
	"GET /notify/send/{target}":    auth.ScopeRead,
	"POST /notify/send":            auth.ScopeEdit, // it tells somebody, by settings of the caller's own
	"POST /notify/send/{target}":   auth.ScopeEdit,
	"POST /notify/batch":           auth.ScopeEdit,
	"GET /notify/drivers":          auth.ScopeRead,
	"GET /notify/drivers/{driver}": auth.ScopeRead,

	"GET /api/v1/deliveries":      auth.ScopeRead,
	"GET /api/v1/deliveries/{id}": auth.ScopeRead,

	"POST /api/v1/deliveries/{id}/resend": auth.ScopeRespond,
	"GET /api/v1/messages/{id}":           auth.ScopeRead,
	"GET /api/v1/inbox":                   auth.ScopeRead,
	"GET /api/v1/inbox/unread":            auth.ScopeRead,
	"POST /api/v1/inbox/read":             auth.ScopeRespond,

	"GET /api/v1/queues":              auth.ScopeRead,
	"GET /api/v1/queues/{queue}/jobs": auth.ScopeRead,

	"GET /api/v1/checkers":       auth.ScopeRead,
	"GET /api/v1/checks":         auth.ScopeRead,
	"GET /api/v1/checks/latest":  auth.ScopeRead,
	"GET /api/v1/checks/history": auth.ScopeRead,
	"GET /api/v1/checks/{id}":    auth.ScopeRead,
	"POST /api/v1/checks/run":    auth.ScopeEdit, // it is work, connects to addresses and can make alerts

	"GET /api/v1/ledger":       auth.ScopeRead,
	"GET /api/v1/ledger/lines": auth.ScopeRead,
	"GET /api/v1/why/{id}":     auth.ScopeRead,
	"GET /api/v1/events":       auth.ScopeRead,

	"GET /api/v1/retention":        auth.ScopeRead,
	"POST /api/v1/retention/prune": auth.ScopeAdmin,

	"GET /orchestration/pipelines":                   auth.ScopeRead,
	"GET /orchestration/pipeline/{id}":               auth.ScopeRead,
	"GET /orchestration/definitions":                 auth.ScopeRead,
	"GET /orchestration/definitions/{ref}":           auth.ScopeRead,
	"POST /orchestration/definitions/{ref}/validate": auth.ScopeRead, // it saves nothing
	"POST /orchestration/definitions/validate":       auth.ScopeRead, // nor does this
	"POST /orchestration/pipeline":                   auth.ScopeEdit, // it takes alerts in
	"POST /orchestration/pipeline/sync":              auth.ScopeEdit,
	"POST /orchestration/pipeline/{id}/resume":       auth.ScopeRespond,
	"POST /orchestration/definitions/{ref}/execute":  auth.ScopeEdit,
	"POST /orchestration/definitions":                auth.ScopeEdit,
	"PUT /orchestration/definitions/{ref}":           auth.ScopeEdit,
	"PATCH /orchestration/definitions/{ref}":         auth.ScopeEdit,
	"DELETE /orchestration/definitions/{ref}":        auth.ScopeEdit,
	"POST /orchestration/definitions/{ref}/clone":    auth.ScopeEdit,

	"GET /api/v1/preflight":  auth.ScopeRead,
	"POST /api/v1/preflight": auth.ScopeEdit, // it connects to what the settings name

	"GET /api/v1/changes":         auth.ScopeRead,
	"POST /api/v1/changes":        auth.ScopeRespond,
	"DELETE /api/v1/changes/{id}": auth.ScopeEdit,

	"GET /api/v1/silences":          auth.ScopeRead,
	"POST /api/v1/silences":         auth.ScopeRespond,
	"POST /api/v1/silences/preview": auth.ScopeRead, // it saves nothing
	"GET /api/v1/silences/{id}":     auth.ScopeRead,
	"PUT /api/v1/silences/{id}":     auth.ScopeRespond,
	"PATCH /api/v1/silences/{id}":   auth.ScopeRespond,
	"DELETE /api/v1/silences/{id}":  auth.ScopeRespond,

	"GET /api/v1/analyses":                auth.ScopeRead,
	"GET /api/v1/analyses/{id}":           auth.ScopeRead,
	"POST /api/v1/incidents/{id}/analyze": auth.ScopeRespond,
	"GET /intelligence/health":            open, // monitors ask without a key
	"GET /intelligence/providers":         auth.ScopeRead,
	"GET /intelligence/recommendations":   auth.ScopeRead,
	"POST /intelligence/recommendations":  auth.ScopeRespond,
	"GET /intelligence/memory":            auth.ScopeRead,
	"GET /intelligence/disk":              auth.ScopeRead,

	"GET /api/v1/providers":             auth.ScopeRead,
	"POST /api/v1/providers":            auth.ScopeEdit,
	"POST /api/v1/providers/validate":   auth.ScopeEdit, // it saves nothing, but takes secrets and looks at addresses
	"GET /api/v1/providers/{ref}":       auth.ScopeRead,
	"PUT /api/v1/providers/{ref}":       auth.ScopeEdit,
	"PATCH /api/v1/providers/{ref}":     auth.ScopeEdit,
	"DELETE /api/v1/providers/{ref}":    auth.ScopeEdit,
	"POST /api/v1/providers/{ref}/test": auth.ScopeEdit, // it makes a call that costs money
	"GET /api/v1/providers/{ref}/usage": auth.ScopeRead,
	"GET /api/v1/provider-kinds":        auth.ScopeRead,
	"GET /api/v1/provider-usage":        auth.ScopeRead,

	"GET /api/v1/keys":          auth.ScopeAdmin,
	"POST /api/v1/keys":         auth.ScopeAdmin,
	"DELETE /api/v1/keys/{ref}": auth.ScopeAdmin,
}

// streams are the paths whose answer has no end.
var streams = map[string]bool{"/api/v1/events": true}

// describeAccess writes the scope of an operation into the document.
func describeAccess(_ *huma.OpenAPI, op *huma.Operation) {
	scope := scopes[op.Method+" "+op.Path]
	if scope == open {
		op.Security = []map[string][]string{}
		return
	}
	op.Security = []map[string][]string{{"key": {}}, {"header": {}}}
	op.Extensions = map[string]any{"x-scope": string(scope)}
}

func traceOf(ctx huma.Context) string { return trace.From(ctx.Context()) }
