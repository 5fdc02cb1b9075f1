package shape

import (
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

// maxTags bounds the memory for tags; more different ones than MaxLabels are refused anyway.
const maxTags = 4 * MaxLabels

// Tag is one tag of a sender. A bare tag is a word without a colon.
type Tag struct {
	Key, Value string
	Bare       bool
}

// Tags reads tags in the forms senders use: text with commas, a list of texts, a list of {tag|key|name, value} objects, an
// object, or one of the last three as JSON inside a string. Texts are split at the first colon. Empty ones and other types
// are passed over, and so is what comes after the first few thousand.
func Tags(v doc.Value) []Tag {
	switch v.Kind() {
	case doc.KindString:
		s := strings.TrimSpace(v.Str())
		if strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{") {
			if o, err := doc.Decode([]byte(`{"tags":`+s+`}`), doc.Limits{}); err == nil {
				return Tags(o.Get("tags"))
			}
		}
		var tags []Tag
		for t := range strings.SplitSeq(s, ",") {
			tags = appendTag(tags, t)
		}
		return tags
	case doc.KindObject:
		var tags []Tag
		o, _ := v.Obj()
		for k, v := range o.All() {
			tags = appendPair(tags, k, v.Text())
		}
		return tags
	case doc.KindList:
		var tags []Tag
		items, _ := v.List()
		for _, item := range items {
			if o, ok := item.Obj(); ok {
				tags = appendPair(tags, o.First("tag", "key", "name"), o.Get("value").Text())
			} else if item.Kind() == doc.KindString {
				tags = appendTag(tags, item.Str())
			}
		}
		return tags
	default:
		return nil
	}
}

func appendTag(tags []Tag, text string) []Tag {
	key, value, found := strings.Cut(text, ":")
	if key = strings.TrimSpace(key); key == "" || len(tags) >= maxTags {
		return tags
	}
	return append(tags, Tag{key, strings.TrimSpace(value), !found})
}

func appendPair(tags []Tag, key, value string) []Tag {
	if key = strings.TrimSpace(key); key == "" || len(tags) >= maxTags {
		return tags
	}
	return append(tags, Tag{Key: key, Value: strings.TrimSpace(value)})
}

// SetTags puts tags into labels, bare ones under barePrefix and their name as "true". Labels that are set later win. It stops at
// one more than MaxLabels, of which Add rejects the alert.
func SetTags(labels map[string]string, tags []Tag, barePrefix string) {
	for _, t := range tags {
		if len(labels) > MaxLabels {
			return
		}
		if t.Bare {
			labels[barePrefix+t.Key] = "true"
		} else {
			labels[t.Key] = t.Value
		}
	}
}
