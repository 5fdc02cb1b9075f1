package llm_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	const google = `{"error":{"code":%s,"message":"x","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"%s"}]}}`
	for name, tt := range map[string]struct {
		status int
		header http.Header
		body   string
		class  string
		wait   time.Duration
	}{
		"success": {status: 200}, "no content": {status: 204}, "the last success": {status: 299, body: `{"error":{"code":429}}`},

		"claude overloaded":        {529, nil, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, providers.ErrOverloaded, 0},
		"claude overloaded as 500": {500, nil, `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`, providers.ErrOverloaded, 0},
		"claude api error":         {500, nil, `{"type":"error","error":{"type":"api_error","message":"x"}}`, providers.ErrServer, 0},
		"claude permission":        {403, nil, `{"type":"error","error":{"type":"permission_error","message":"x"}}`, providers.ErrAuth, 0},
		"claude billing":           {402, nil, `{"type":"error","error":{"type":"billing_error","message":"x"}}`, providers.ErrQuota, 0},
		"claude limit":             {429, http.Header{"Retry-After": {"7"}}, `{"type":"error","error":{"type":"rate_limit_error","message":"x"}}`, providers.ErrRateLimit, 7 * time.Second},
		"claude spend limit": {
			429, nil, `{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}`, providers.ErrQuota, 0,
		},
		"claude credit as 400": {400, nil, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}`, providers.ErrQuota, 0},
		"claude too long":      {400, nil, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}`, providers.ErrTooLarge, 0},
		"claude too large":     {413, nil, `{"type":"error","error":{"type":"request_too_large","message":"x"}}`, providers.ErrTooLarge, 0},
		"claude wrong model":   {404, nil, `{"type":"error","error":{"type":"not_found_error","message":"model: m"}}`, providers.ErrNotFound, 0},

		"gemini wait":            {429, nil, strings.ReplaceAll(strings.Replace(google, "%s", "429", 1), "%s", "34s"), providers.ErrRateLimit, 34 * time.Second},
		"gemini fraction":        {429, nil, strings.ReplaceAll(strings.Replace(google, "%s", "429", 1), "%s", "1.203s"), providers.ErrRateLimit, 1203 * time.Millisecond},
		"gemini wait in a list":  {429, nil, "[" + strings.ReplaceAll(strings.Replace(google, "%s", "429", 1), "%s", "5s") + "]", providers.ErrRateLimit, 5 * time.Second},
		"gemini zero":            {429, nil, strings.ReplaceAll(strings.Replace(google, "%s", "429", 1), "%s", "0s"), providers.ErrRateLimit, 0},
		"gemini nonsense":        {429, nil, strings.ReplaceAll(strings.Replace(google, "%s", "429", 1), "%s", "soon"), providers.ErrRateLimit, 0},
		"gemini header first":    {429, http.Header{"Retry-After": {"2"}}, strings.ReplaceAll(strings.Replace(google, "%s", "429", 1), "%s", "34s"), providers.ErrRateLimit, 2 * time.Second},
		"gemini calls it quota":  {429, nil, `{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED"}}`, providers.ErrRateLimit, 0},
		"gemini key":             {400, nil, `{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`, providers.ErrAuth, 0},
		"gemini key by its text": {400, nil, `[{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT"}}]`, providers.ErrAuth, 0},
		"gemini argument":        {400, nil, `{"error":{"code":400,"message":"Invalid JSON payload","status":"INVALID_ARGUMENT"}}`, providers.ErrBadRequest, 0},
		"gemini too long":        {400, nil, `{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}`, providers.ErrTooLarge, 0},
		"gemini unavailable":     {503, nil, `{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}`, providers.ErrOverloaded, 0},
		"gemini deadline":        {504, nil, `{"error":{"code":504,"message":"x","status":"DEADLINE_EXCEEDED"}}`, providers.ErrServer, 0},

		"ollama model":    {404, nil, `{"error":"model 'x' not found"}`, providers.ErrNotFound, 0},
		"ollama busy":     {503, nil, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`, providers.ErrOverloaded, 0},
		"ollama crash":    {500, nil, `{"error":"llama runner process has terminated: exit status 2"}`, providers.ErrServer, 0},
		"ollama thinking": {400, nil, `{"error":"\"llama3.1\" does not support thinking"}`, providers.ErrBadRequest, 0},

		"llama.cpp too long": {400, nil, `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`, providers.ErrTooLarge, 0},
		"xai forbidden":      {403, nil, `{"code":"The caller does not have permission to execute the specified operation","error":"x"}`, providers.ErrAuth, 0},
		"403 of no quota":    {403, nil, `{"error":{"code":"insufficient_quota","message":"x"}}`, providers.ErrQuota, 0},

		"seconds":           {429, http.Header{"Retry-After": {" 3 "}}, "", providers.ErrRateLimit, 3 * time.Second},
		"milliseconds":      {429, http.Header{"Retry-After-Ms": {"1500"}, "Retry-After": {"9"}}, "", providers.ErrRateLimit, 1500 * time.Millisecond},
		"a bad millisecond": {429, http.Header{"Retry-After-Ms": {"x"}, "Retry-After": {"9"}}, "", providers.ErrRateLimit, 9 * time.Second},
		"a date":            {503, http.Header{"Retry-After": {"Sat, 21 Nov 2026 00:00:08 GMT"}}, "", providers.ErrOverloaded, 8 * time.Second},
		"its own clock":     {429, http.Header{"Retry-After": {"Sat, 21 Nov 2026 09:00:08 GMT"}, "Date": {"Sat, 21 Nov 2026 09:00:00 GMT"}}, "", providers.ErrRateLimit, 8 * time.Second},
		"a date gone by":    {429, http.Header{"Retry-After": {"Fri, 20 Nov 2026 00:00:00 GMT"}}, "", providers.ErrRateLimit, 0},
		"more than a day":   {429, http.Header{"Retry-After": {"900000"}}, "", providers.ErrRateLimit, 24 * time.Hour},
		"without an end":    {429, http.Header{"Retry-After": {"1e999"}}, "", providers.ErrRateLimit, 24 * time.Hour},
		"a date far off":    {429, http.Header{"Retry-After": {"Sat, 21 Nov 2099 00:00:00 GMT"}}, "", providers.ErrRateLimit, 24 * time.Hour},
		"not a number":      {429, http.Header{"Retry-After": {"NaN"}}, "", providers.ErrRateLimit, 0},

		"deep":              {400, nil, strings.Repeat(`{"error":`, 500) + `"api key"` + strings.Repeat(`}`, 500), providers.ErrBadRequest, 0},
		"many":              {400, nil, "[" + strings.Repeat(`"x",`, 100_000) + `"api key"]`, providers.ErrBadRequest, 0},
		"half":              {400, nil, `{"error":{"message":"API key`, providers.ErrBadRequest, 0},
		"other types":       {400, nil, `{"error":[1,null,{"message":{"a":7},"code":{},"type":[]}]}`, providers.ErrBadRequest, 0},
		"continue":          {100, nil, "", providers.ErrNetwork, 0},
		"a redirect":        {301, nil, "", providers.ErrNetwork, 0},
		"a teapot":          {418, nil, "", providers.ErrBadRequest, 0},
		"of no standard":    {799, nil, "", providers.ErrServer, 0},
		"not implemented":   {501, nil, "", providers.ErrServer, 0},
		"too early":         {425, nil, "", providers.ErrServer, 0},
		"unprocessable key": {422, nil, `{"detail":"missing api key"}`, providers.ErrAuth, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := llm.Classify(tt.status, tt.header, []byte(tt.body), time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
			if e == nil {
				if tt.class != "" {
					t.Fatalf("no error, want %s", tt.class)
				}
				return
			}
			if e.Class != tt.class || e.Wait != tt.wait {
				t.Errorf("%s %v (%v), want %s %v", e.Class, e.Wait, e, tt.class, tt.wait)
			}
		})
	}
}

// TestClassifySays: what an operator can do about it.
func TestClassifySays(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"message":"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."}}`: "set structured to json or none",
		`{"error":{"message":"Unsupported parameter: 'temperature'"}}`:                                                         "look at model, effort and structured",
		`{"error":{"message":"API key not valid"}}`:                                                                            "the key is not accepted",
	} {
		if e := llm.Classify(400, nil, []byte(body), time.Time{}); !strings.Contains(e.Error(), want) {
			t.Errorf("%s: %v", body, e)
		}
	}
}

// TestClassifyKeepsQuiet: nothing of a body or a header stands in an error.
func TestClassifyKeepsQuiet(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 400, 401, 402, 403, 404, 413, 422, 429, 500, 503, 529} {
		e := llm.Classify(status, http.Header{"Retry-After": {"s3cret"}, "X-Key": {"s3cret"}}, []byte(`{"error":{"message":"s3cret","code":"s3cret","type":"s3cret"}}`), time.Time{})
		if strings.Contains(e.Error(), "s3cret") {
			t.Error(e)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(429, "3", `{"error":{"details":[{"retryDelay":"1s"}]}}`)
	f.Add(400, "", `[{"error":"API key"}]`)
	f.Fuzz(func(t *testing.T, status int, after, body string) {
		e := llm.Classify(status, http.Header{"Retry-After": {after}}, []byte(body), time.Time{})
		if (e == nil) != (status >= 200 && status <= 299) {
			t.Fatalf("%d: %v", status, e)
		}
		if e != nil && (e.Class == "" || e.Wait < 0 || e.Wait > 24*time.Hour) {
			t.Errorf("%d: %v %v", status, e, e.Wait)
		}
	})
}
