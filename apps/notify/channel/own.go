package channel

import "github.com/incidenthub/incidenthub/internal/platform/settings"

// OwnText is the template of a channel's own text, under its two names. Drivers embed it in their settings.
type OwnText struct {
	Template     settings.Template `json:"template"`
	TextTemplate settings.Template `json:"text_template"`
}

// Text is the template, zero for none.
func (o *OwnText) Text() settings.Template {
	if !o.TextTemplate.IsZero() {
		return o.TextTemplate
	}
	return o.Template
}

// Once complains about both names. second is the one that a driver documents as another name for the first.
func (o *OwnText) Once(second, first string) error {
	if o.Template.IsZero() || o.TextTemplate.IsZero() {
		return nil
	}
	return Bad(second, "means the same as %s: give one of them", first)
}

// OtherName documents a setting that means the same as another one.
func OtherName(key, of string) Field {
	return Field{Key: key, Type: FieldTemplate, Doc: "Another name for " + of + "; give one of them."}
}
