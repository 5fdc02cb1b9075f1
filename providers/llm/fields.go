package llm

import (
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Fields documents the settings that Read takes, for Spec.Fields.
func Fields(spec Defaults) []settings.Field {
	key := "Key of the API."
	if len(spec.KeyEnv) > 0 {
		key += " Without it the environment's " + strings.Join(spec.KeyEnv, " or ") +
			" is taken, for " + or(spec.KeyURL, spec.BaseURL) + " and for hosts that HUB_EGRESS_ALLOW lists."
	}
	if spec.Keyless {
		key += " A server of one's own needs none."
	}
	model := "Name of the model."
	if spec.ModelEnv != "" {
		model += " Without it the environment's " + spec.ModelEnv + ", or else the default."
	}
	base := settings.Field{
		Key: "base_url", Type: settings.URL, Default: spec.BaseURL, Destination: true,
		Doc: "Address of the API, up to the part that all its calls share. Private addresses must be listed in HUB_EGRESS_ALLOW.",
	}
	other := settings.Field{Key: "host", Type: settings.URL, Destination: true, Doc: "Another name for base_url; give one of them."}
	number := func(key, standard, doc string) settings.Field {
		return settings.Field{Key: key, Type: settings.Number, Default: standard, Doc: doc}
	}
	flag := func(key, doc string) settings.Field {
		return settings.Field{Key: key, Type: settings.Bool, Default: "false", Doc: doc}
	}
	return []settings.Field{
		{Key: "api_key", Type: settings.Text, Secret: true, Doc: key},
		{Key: "model", Type: settings.Text, Default: Default(spec.Kind).Name, Doc: model},
		base, other,
		number("timeout_s", "30", "Seconds a whole analysis may take, tries and waits included; 0.1 to "+strconv.Itoa(int(MaxTimeout.Seconds()))+"."),
		number("max_tokens", "4096", "Tokens of an answer at most. What a model thinks counts too: too few cut the answer off."),
		number("input_tokens", "6000", "Tokens of the question at most, from 500."),
		number("context_tokens", "", "Tokens that the model takes in all, question and answer. Without it the table of models says."),
		number("temperature", "", "0 to 2. Sent only to models that take it; to them 0.3 without this."),
		{Key: "effort", Type: settings.Text, Doc: "How much a model thinks, for those that take it: none, low, medium, high … Without it the least."},
		{
			Key: "structured", Type: settings.Text, Default: or(spec.Structured, StructuredSchema), Enum: []string{StructuredSchema, StructuredJSON, StructuredNone},
			Doc: "How the form of the answer is asked for: by its JSON schema, as any JSON, or only in the words of the question.",
		},
		{Key: "headers", Type: settings.Map, Secret: true, Doc: "More headers, for gateways. Values under names that look secret are never shown again."},
		number("calls_per_hour", "60", "0: no limit. When it is spent the local analyzer answers."),
		number("calls_per_incident", "3", "0: no limit."),
		number("tokens_per_day", "0", "Question and answer together. 0: no limit."),
		number("money_per_day", "0", "In the currency of the prices. 0: no limit."),
		number("price_input", "", "Money per million tokens of questions. Without it the table of models says."),
		number("price_output", "", "Money per million tokens of answers."),
		flag("redact_emails", "Take mail addresses out of the question too."),
		flag("store_prompts", "Keep the redacted question and the raw answer with each analysis."),
	}
}
