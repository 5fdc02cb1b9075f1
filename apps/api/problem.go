package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// problemType is the media type of RFC 9457.
const problemType = "application/problem+json"

// Problem is the answer to a request that could not be served, as RFC 9457 writes it. Its texts say what to do. They never
// repeat values of the request, which may be secrets.
type Problem struct { //nolint:errname // the word of RFC 9457
	Type    string   `json:"type" doc:"Always about:blank: title and status say it all."`
	Title   string   `json:"title" doc:"The status in words."`
	Status  int      `json:"status"`
	Detail  string   `json:"detail" doc:"What went wrong and what to do."`
	TraceID string   `json:"trace_id,omitempty" doc:"Finds the request in the hub's log."`
	Errors  []Detail `json:"errors,omitempty" doc:"Each thing that is wrong with the request."`

	// OpenIncident is set when an incident cannot be opened again beside one for the same thing.
	OpenIncident string `json:"open_incident_id,omitempty" doc:"The incident that is in the way."`

	// CurrentVersion is set when a change is refused because of another one in between.
	CurrentVersion int64 `json:"current_version,omitempty" doc:"The newest version of what was to be changed."`

	retryAfter time.Duration
}

// Detail is one thing that is wrong with a request.
type Detail struct {
	Message    string `json:"message"`
	Pointer    string `json:"pointer,omitempty" doc:"JSON pointer (RFC 6901) into the request's body."`
	Location   string `json:"location,omitempty" doc:"Where outside the body: query.limit, path.id."`
	Suggestion string `json:"suggestion,omitempty" doc:"What was probably meant."`
	Severity   string `json:"severity,omitempty" doc:"error or warning; only lint tells them apart."`
}

// newProblem is a Problem with that status.
func newProblem(status int, detail string, errs ...Detail) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Errors: errs}
}

// unusable is the Problem of one field of the body.
func unusable(pointer, message string) *Problem {
	return newProblem(http.StatusUnprocessableEntity, unusableDetail, Detail{Message: message, Pointer: pointer})
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="incidenthub"`)
	}
	return h
}

// write answers a request that is not served by huma, and ends it.
func (p *Problem) write(c *gin.Context) {
	p.TraceID = trace.From(c.Request.Context())
	body, err := json.Marshal(p)
	if err != nil { // plain texts and numbers: it cannot be
		c.AbortWithStatus(p.Status)
		return
	}
	maps.Copy(c.Writer.Header(), p.GetHeaders())
	c.Data(p.Status, problemType, append(unescape(body), '\n'))
	c.Abort()
}

// fromHuma makes what huma reports of a request (wrong types, missing fields, bad JSON) a Problem.
func fromHuma(status int, message string, errs ...error) huma.StatusError {
	p := newProblem(status, message)
	for _, err := range errs {
		if err == nil {
			continue
		}
		d := Detail{Message: err.Error()}
		if e, ok := err.(huma.ErrorDetailer); ok {
			d = Detail{Message: e.ErrorDetail().Message, Location: e.ErrorDetail().Location}
		}
		if rest, ok := strings.CutPrefix(d.Location, "body"); ok {
			d.Location, d.Pointer = "", pointerOf(rest)
		}
		p.Errors = append(p.Errors, inWords(d))
	}
	switch status {
	case http.StatusUnsupportedMediaType:
		p.Detail = "Send the body as JSON, with the header Content-Type: application/json."
	case http.StatusUnprocessableEntity:
		p.Detail = unusableDetail
	case http.StatusBadRequest:
		p.Detail = "The body is not valid JSON: " + message
	case http.StatusRequestEntityTooLarge:
		p.Detail = "The body is too large for this address: " + message
	case http.StatusInternalServerError:
		p.Detail, p.Errors = internalDetail, nil
	}
	return p
}

// required is what huma says of a field that is missing, around its name.
var required = strings.Split(validation.MsgExpectedRequiredProperty, "%s")

// inWords makes huma's complaints about missing fields and ids say what to do. The pointer of a missing field is where it belongs.
func inWords(d Detail) Detail {
	name, isMissing := strings.CutPrefix(d.Message, required[0])
	if isMissing && d.Location == "" {
		d.Pointer += pointerTo(strings.TrimSuffix(name, required[1]))
		d.Message = "is required"
	}
	if d.Message == validation.MsgExpectedObject && d.Location == "" && d.Pointer == "" {
		d.Message = "must be a JSON object: {…}"
	}
	if uuid, _, _ := strings.Cut(validation.MsgExpectedRFC4122UUID, "%"); strings.HasPrefix(d.Message, uuid) {
		d.Message = wantID
		if d.Location == "query.cursor" {
			d.Message = storage.ErrCursor.Error()
		}
	}
	return d
}

// pointerOf writes huma's ".nodes[0].type" as a JSON pointer.
func pointerOf(location string) string {
	var b strings.Builder
	for _, step := range strings.FieldsFunc(location, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		b.WriteString(pointerTo(step))
	}
	return b.String()
}

// pointerTo is one step of a JSON pointer.
func pointerTo(name string) string {
	return "/" + strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
