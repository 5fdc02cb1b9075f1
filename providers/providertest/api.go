package providertest

// Usage is what a success says it took, in tokens.
type Usage struct{ Prompt, Completion int }

// Analysis is an answer that every analysis may get.
const Analysis = `{"summary":"The disk of web-3 is nearly full.","probable_cause":"The spool grew.","confidence":0.8,"recommendations":[` +
	`{"type":"disk","priority":"high","title":"Free space on /var","description":"The spool below /var/spool grew.","actions":["du -xsh /var/spool"],"evidence":["A1"],"details":{}}]}`

// api is what a fake knows of its API.
type api struct {
	base    string // behind the address of the server, where calls begin: "/v1"
	address string // the setting that has the address
	// wrong lists what breaks the rules of the API.
	wrong func(r Request, a api) []string
	// ok is the body of a success around a text.
	ok func(text string, u Usage) []byte
}

// apis has a fake for each kind of provider that calls something.
func apis() map[string]api {
	return map[string]api{
		"openai":  openAI("openai"),
		"grok":    openAI("grok"),
		"mistral": openAI("mistral"),
		"copilot": openAI("copilot"),
		"claude":  claude(),
		"gemini":  gemini(),
		"ollama":  ollama(),
	}
}
