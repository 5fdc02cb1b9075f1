package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// sendWait is how long a call waits for a receiver: more than the longest attempt.
const sendWait = 45 * time.Second

// ChannelDriver is what a channel can be.
type ChannelDriver struct {
	Name           string         `json:"name"`
	Description    string         `json:"description"`
	RequiredConfig []string       `json:"required_config" doc:"The settings that it needs."`
	OptionalConfig []string       `json:"optional_config" doc:"The others."`
	Fields         []ChannelField `json:"fields" doc:"All settings, the required ones first."`
	Local          bool           `json:"local" doc:"Its messages stay in the hub."`
}

// ChannelField is one setting of a channel.
type ChannelField struct {
	Key         string   `json:"key"`
	Type        string   `json:"type" enum:"string,url,number,boolean,map,list,template" doc:"url is a string, map an object of strings, list an array of strings; template the name of a built-in one, or {\"type\":\"inline\",\"template\":\"…\"}."`
	Description string   `json:"description"`
	Default     string   `json:"default"`
	Enum        []string `json:"enum" doc:"The values that may be given; empty: any."`
	Required    bool     `json:"required"`
	Secret      bool     `json:"secret" doc:"It is never shown again. Of a map, only the values whose name looks so."`
	Destination bool     `json:"destination" doc:"The address that the secrets are sent to. When its host changes, secrets must be entered again."`
}

// ChannelTest is what came of a test message.
type ChannelTest struct {
	OK         bool            `json:"ok"`
	Verdict    channel.Verdict `json:"verdict" enum:"done,retry,permanent,dropped" doc:"done: the receiver has it. retry: another try may help. permanent: none will. dropped: nothing was sent on purpose."`
	Status     int             `json:"status" doc:"Of the receiver's answer, 0 when there was none."`
	LatencyMS  float64         `json:"latency_ms"`
	Response   string          `json:"response" doc:"The beginning of the receiver's answer, without secrets."`
	Error      string          `json:"error"`
	Class      string          `json:"error_class"`
	Advice     string          `json:"advice" doc:"What to do about a failure."`
	Remark     string          `json:"remark" doc:"What was wrong with the message and did not keep it back, such as a template that failed: the built-in text was sent."`
	Channel    string          `json:"channel"`
	Driver     string          `json:"driver"`
	MessageID  string          `json:"message_id"`
	DeliveryID *id.ID          `json:"delivery_id" doc:"Where the delivery log has it."`
}

// byDriver names a driver.
type byDriver struct {
	Driver string `path:"driver" doc:"The driver's name." maxLength:"100"`
}

type storedValidateInput struct {
	ByRef
	Body *struct {
		Config json.RawMessage `json:"config,omitempty" doc:"The settings that would replace the stored ones; left out: the stored ones. Secrets that are left out are the stored ones."`
	} `required:"false"`
}

func (a *API) channelUseRoutes(h huma.API) {
	path := "/api/v1/channels"
	change(a, h, op(http.MethodPost, path+"/{ref}/test", "test-channel", "Send a test message, once, and say what came of it; the delivery log has it, too"),
		func(ctx context.Context, c caller, in *ByRef) (*answer[ChannelTest], error) {
			watch := clock.Start()
			got, err := a.Hand.Test(ctx, c.tenant, in.Ref)
			return &answer[ChannelTest]{Body: viewTest(got, watch.Elapsed())}, err
		})
	change(a, h, op(http.MethodPost, path+"/{ref}/validate", "validate-stored-channel", "Check the settings of a channel, or others that would replace them, without saving; 422 lists what is wrong"),
		func(ctx context.Context, c caller, in *storedValidateInput) (*answer[validity], error) {
			var config json.RawMessage
			if in.Body != nil && len(in.Body.Config) > 0 {
				config = in.Body.Config
			}
			return &answer[validity]{Body: validity{Valid: true}}, a.Channels.ValidateStored(ctx, c.tenant, in.Ref, config)
		})
	get(a, h, "/api/v1/channel-drivers", "list-channel-drivers", "What a channel can be, with the fields of its settings",
		func(context.Context, string, *struct{}) (storage.Page[ChannelDriver], error) {
			list := make([]ChannelDriver, len(a.ChannelKinds))
			for i, spec := range a.ChannelKinds {
				list[i] = viewDriver(spec)
			}
			return all(list).Body, nil
		})
	get(a, h, "/api/v1/channel-drivers/{driver}", "get-channel-driver", "One kind of channel",
		func(_ context.Context, _ string, in *byDriver) (ChannelDriver, error) {
			spec, ok := a.channelKind(in.Driver)
			if !ok {
				return ChannelDriver{}, fmt.Errorf("channel driver %.100q, available are %s: %w", in.Driver, strings.Join(a.driverNames(), ", "), storage.ErrNotFound)
			}
			return viewDriver(spec), nil
		})
}

func (a *API) channelKind(name string) (channel.Spec, bool) {
	i := slices.IndexFunc(a.ChannelKinds, func(s channel.Spec) bool { return s.Name == name })
	if i < 0 {
		return channel.Spec{}, false
	}
	return a.ChannelKinds[i], true
}

func (a *API) driverNames() []string {
	names := make([]string, len(a.ChannelKinds))
	for i, spec := range a.ChannelKinds {
		names[i] = spec.Name
	}
	return names
}

func viewTest(got notify.SendResult, took time.Duration) ChannelTest {
	v := ChannelTest{
		OK: got.Success, Verdict: got.Result.Verdict, Status: got.Result.Status, LatencyMS: float64(took.Microseconds()) / 1000, Response: got.Result.Response,
		Error: got.Error, Class: got.Result.Class, Remark: got.Remark, Channel: got.Channel, Driver: got.Driver, MessageID: got.MessageID,
	}
	if !got.Success {
		v.Advice = notify.Advice(got.Result)
	}
	if !got.DeliveryID.IsZero() {
		v.DeliveryID = &got.DeliveryID
	}
	return v
}

func viewDriver(spec channel.Spec) ChannelDriver {
	d := ChannelDriver{
		Name: spec.Name, Description: spec.Description, RequiredConfig: keysOf(spec.Required), OptionalConfig: keysOf(spec.Optional), Fields: []ChannelField{}, Local: spec.Local,
	}
	for i, f := range spec.Fields() {
		d.Fields = append(d.Fields, ChannelField{
			Key: f.Key, Type: string(f.Type), Description: f.Doc, Default: f.Default, Enum: texts(f.Enum), Required: i < len(spec.Required), Secret: f.Secret,
			Destination: f.Destination,
		})
	}
	return d
}

func keysOf(fields []settings.Field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.Key
	}
	return keys
}
