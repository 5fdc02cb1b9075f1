package mattermost

// Limits of Mattermost, in characters: 16383 of a post's text (model.PostMessageMaxRunesV2). Of attachments only their sum is limited
// (800,000 with the other props); they keep to the same, so that one message is one that people can read.
const (
	maxPost    = 16383
	perMessage = 15000 // of an attachment's text
	maxTitle   = 300   // ours: a longer one goes into the text
	maxFact    = 300
	maxPlain   = 1000 // of a fallback, which notifications show
)

type message struct {
	Text        string       `json:"text,omitempty"`
	Attachments []attachment `json:"attachments,omitempty"`
	Props       *props       `json:"props,omitempty"`
}

// props are stored with the post for whoever reads it by the API.
type props struct {
	Hub facts `json:"incidenthub"`
}

type facts struct {
	Key      string `json:"idempotency_key,omitempty"`
	Incident string `json:"incident_id,omitempty"`
	Event    string `json:"event,omitempty"`
	Severity string `json:"severity,omitempty"`
	Part     int    `json:"part"`
	Parts    int    `json:"parts"`
}

type attachment struct {
	Fallback  string  `json:"fallback"`
	Color     string  `json:"color"`
	Title     string  `json:"title,omitempty"`
	TitleLink string  `json:"title_link,omitempty"`
	Text      string  `json:"text,omitempty"`
	Fields    []field `json:"fields,omitempty"`
	Footer    string  `json:"footer,omitempty"`
}

type field struct {
	Short bool   `json:"short"`
	Title string `json:"title"`
	Value string `json:"value"`
}
