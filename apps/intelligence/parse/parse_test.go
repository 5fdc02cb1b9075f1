package parse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/providers"
)

// told writes an outcome in a few lines, so that cases can be read.
func told(o Outcome) string {
	var b strings.Builder
	switch {
	case o.Nothing && o.Result != nil:
		return "nothing, but a result"
	case o.Nothing:
		b.WriteString("nothing")
	case o.TextOnly:
		b.WriteString("text")
	default:
		b.WriteString("answer")
	}
	if o.Truncated {
		b.WriteString(", cut")
	}
	if o.Result == nil {
		return b.String()
	}
	r := o.Result
	for _, part := range [][2]string{{"summary", r.Summary}, {"cause", r.ProbableCause}} {
		if part[1] != "" {
			fmt.Fprintf(&b, "\n%s: %s", part[0], part[1])
		}
	}
	if r.Confidence != nil {
		fmt.Fprintf(&b, "\nconfidence: %.4g", *r.Confidence)
	}
	for _, i := range r.Recommendations {
		b.WriteString("\n- " + item1(i))
	}
	return b.String()
}

func item1(i providers.Recommendation) string {
	s := i.Type + " " + i.Priority + ": " + i.Title + " / " + i.Description
	if len(i.Actions) > 0 {
		s += " / do " + strings.Join(i.Actions, "; ")
	}
	if len(i.Evidence) > 0 {
		s += " / see " + strings.Join(i.Evidence, " ")
	}
	if c, ok := i.Details["culprit"].(map[string]any); ok {
		s += fmt.Sprintf(" / blame %v %v %v", c["kind"], c["name"], c["pid"])
	}
	return s
}

// same runs cases whose names are what they are about.
func same(t *testing.T, cases map[string]struct{ in, want string }) {
	t.Helper()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, cut := strings.CutSuffix(tt.in, "<CUT>")
			if diff := cmp.Diff(strings.TrimSpace(tt.want), told(Answer(in, Options{Cut: cut}))); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", in, diff)
			}
		})
	}
}

const (
	item9  = `{"type": "memory", "priority": "high", "title": "Stop the leak", "description": "Worker 812 grew to 6 GB.", "actions": ["ps -o pid,rss -p 812"], "evidence": ["C2"]}`
	item10 = `{"type": "network", "priority": "low", "title": "Look at the resolver", "description": "Two lookups took 3 s.", "actions": [], "evidence": ["A3", "H1"]}`
	whole1 = `{"summary": "The host swaps", "probable_cause": "a leak in worker 812", "confidence": 0.6, "recommendations": [` + item9 + `, ` + item10 + `]}`

	wantItem9  = "- memory high: Stop the leak / Worker 812 grew to 6 GB. / do ps -o pid,rss -p 812 / see C2"
	wantItem10 = "- network low: Look at the resolver / Two lookups took 3 s. / see A3 H1"
	wantHead   = "answer\nsummary: The host swaps\ncause: a leak in worker 812\nconfidence: 0.6\n"
	wantWhole  = wantHead + wantItem9 + "\n" + wantItem10
	wantItems  = "answer\n" + wantItem9 + "\n" + wantItem10
)

func escaped(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func TestForms(t *testing.T) {
	t.Parallel()
	same(t, map[string]struct{ in, want string }{
		"as asked for":              {whole1, wantWhole},
		"a byte order mark":         {"\ufeff\n" + whole1 + "\n\n", wantWhole},
		"a list":                    {"[" + item9 + "," + item10 + "]", wantItems},
		"a fence":                   {"```json\n" + whole1 + "\n```", wantWhole},
		"a fence in capitals":       {"```JSON5\n" + whole1 + "\n```", wantWhole},
		"a fence on one line":       {"Here: ```json " + whole1 + "``` That is all.", wantWhole},
		"tildes":                    {"~~~\n" + whole1 + "\n~~~", wantWhole},
		"a fence without an end":    {"I see:\n```\n" + whole1, wantWhole},
		"four ticks":                {"````json\n" + whole1 + "\n````", wantWhole},
		"text around":               {"Sure, here you are.\n" + whole1 + "\nShall I look further?", wantWhole},
		"text around with brackets": {"I looked at [A1] and {C2} (see [1], {x}).\n" + whole1 + "\nUse `awk '{print $1}'` [optional].", wantWhole},
		"a bracket that stays open": {"Note: [the rest is below {of course:\n" + whole1, wantWhole},
		"an apostrophe before":      {"It's what the host's log says: " + whole1 + " That's it", wantWhole},
		"a program":                 {"const answer = " + whole1 + ";\nexport default answer;", wantWhole},
		"shell first":               {"```sh\nfor i in 1 2; do { echo $i; }; done\n[ -f /x ] && echo ${HOME}\n```\n```json\n" + whole1 + "\n```", wantWhole},
		"shell after":               {"```json\n" + whole1 + "\n```\nThen run:\n```bash\nps aux | awk '{print $2, $6}' | head\n```", wantWhole},
		"the last of two answers":   {"First thought:\n```json\n{\"summary\": \"draft\", \"recommendations\": []}\n```\nBetter:\n```json\n" + whole1 + "\n```", wantWhole},
		"the last of two lines":     {"{\"summary\": \"draft\", \"recommendations\": []}\n" + whole1, wantWhole},
		"the last without a fence":  {"```json\n{\"summary\": \"draft\", \"recommendations\": []}\n```\nFinal answer:\n" + whole1, wantWhole},
		"something after it":        {whole1 + "\n{\"tokens\": 12}\n[1, 2]\n[]", wantWhole},
		"a fence in a text": {
			"{\"summary\": \"s1\", \"recommendations\": [{\"description\": \"Run:\n```bash\ndf -h\n```\nthen look\"}]}", "answer\nsummary: s1\n- general medium: AI Recommendation / Run:\n```bash\ndf -h\n```\nthen look",
		},
		"thoughts":                   {"<think>{\"summary\": \"draft\"}</think>" + whole1, wantWhole},
		"thoughts in capitals":       {"<Thinking>\nmaybe [1]\n</Thinking>\n" + whole1, wantWhole},
		"two thoughts":               {"<think>a</think>Well. <think>{\"summary\": \"b\"}</think>" + whole1, wantWhole},
		"thoughts without beginning": {"{\"summary\": \"draft\"}\nso it is the leak.\n</think>\n" + whole1, wantWhole},
		"thoughts without end":       {"<think>\nIt may be the leak.\n" + whole1, wantWhole},
		"thoughts and no answer":     {"<think>It may be the leak in the worker, or the network is slow.", "nothing"},
		"thoughts that were cut":     {"<think>Maybe {\"summary\": \"draft of it\", \"recommendations\": []} but<CUT>", "nothing, cut"},
		"channels":                   {"<|channel|>analysis<|message|>{\"summary\": \"draft\"}<|end|><|start|>assistant<|channel|>final<|message|>" + whole1 + "<|return|>", wantWhole},
		"only blanks":                {" \n\t ", "nothing"},
		"null":                       {"null", "nothing"},
		"a number":                   {"42", "nothing"},
		"an empty object":            {"{}", "nothing"},
		"an empty list":              {"[]", "answer"},
		"an empty list in a fence":   {"```json\n[]\n```", "answer"},
		"nothing to recommend":       {`{"recommendations": []}`, "answer"},
		"nothing found":              {`{"summary": "", "probable_cause": null, "confidence": 0.2, "recommendations": []}`, "answer\nconfidence: 0.2"},
		"brackets in a text":         {"No action is needed: the list is [] and the host looks healthy.", "text\n- general medium: AI Analysis / No action is needed: the list is [] and the host looks healthy. / do Review the analysis, and check what it says before acting on it"},
	})
}

func TestLayers(t *testing.T) {
	t.Parallel()
	once := escaped(whole1)
	same(t, map[string]struct{ in, want string }{
		"a string":            {once, wantWhole},
		"a string twice":      {escaped(once), wantWhole},
		"a string thrice":     {escaped(escaped(once)), wantWhole},
		"a string in a fence": {"```json\n" + once + "\n```", wantWhole},
		"without its quotes":  {strings.Trim(once, `"`), wantWhole},
		"a fence in a string": {escaped("```json\n" + whole1 + "\n```"), wantWhole},
		"analysis":            {`{"analysis": ` + whole1 + `}`, wantWhole},
		"Result":              {`{"Result": ` + whole1 + `}`, wantWhole},
		"two":                 {`{"response": {"data": ` + whole1 + `}}`, wantWhole},
		"a call":              {`{"name": "report", "arguments": ` + once + `}`, wantWhole},
		"calls":               {`{"tool_calls": [{"type": "function", "function": {"name": "report", "arguments": ` + once + `}}]}`, wantWhole},
		"a list of one":       {`[` + whole1 + `]`, wantWhole},
		"a list in it":        {`{"output": [` + item9 + `]}`, "answer\n" + wantItem9},
		"another name":        {`{"incident_report": ` + whole1 + `}`, wantWhole},
		"a whole API answer":  {`{"choices": [{"message": {"role": "assistant", "content": ` + once + `}}]}`, wantWhole},
		"half inside": {
			`{"analysis": {"summary": "The host swaps", "probable_cause": "a leak in worker 812"}, "confidence": 0.6, "recommendations": [` + item9 + `]}`,
			"answer\nconfidence: 0.6\n" + wantItem9,
		},
		"texts inside":           {`{"analysis": "The host swaps because worker 812 leaks memory.", "status": "done"}`, "text\n- general medium: AI Analysis / The host swaps because worker 812 leaks memory. / do Review the analysis, and check what it says before acting on it"},
		"capitals":               {`{"SUMMARY": "s1", "ProbableCause": "c1", "Recommendations": [{"Type": "cpu", "Priority": "low", "Title": "t1", "Description": "d1", "Actions": ["a1"], "Evidence": ["A1"]}]}`, "answer\nsummary: s1\ncause: c1\n- cpu low: t1 / d1 / do a1 / see A1"},
		"one":                    {`{"summary": "s1", "recommendation": ` + item9 + `}`, "answer\nsummary: s1\n" + wantItem9},
		"one, of many":           {`{"recommendations": ` + item9 + `}`, "answer\n" + wantItem9},
		"a map":                  {`{"summary": "s1", "recommendations": {"1": ` + item9 + `, "2": ` + item10 + `}}`, "answer\nsummary: s1\n" + wantItem9 + "\n" + wantItem10},
		"a map of types":         {`{"recommendations": {"disk": {"title": "t1", "description": "d1"}, "cpu": [{"description": "d2"}]}}`, "answer\n- disk medium: t1 / d1\n- cpu medium: AI Recommendation / d2"},
		"a text":                 {`{"summary": "s1", "recommendations": "Restart the worker"}`, "answer\nsummary: s1\n- general medium: AI Recommendation / Restart the worker"},
		"JSON in a text":         {`{"summary": "s1", "recommendations": ` + escaped("["+item9+"]") + `}`, "answer\nsummary: s1\n" + wantItem9},
		"JSON in texts":          {`[` + escaped(item9) + `, "restart all", ` + escaped(item10) + `]`, wantItems},
		"one item":               {item9, "answer\n" + wantItem9},
		"one object per line":    {item9 + "\n" + item10, wantItems},
		"lines with a head":      {`{"summary": "The host swaps", "confidence": 0.6}` + "\n" + item9 + "\n" + item10 + "\n", "answer\nsummary: The host swaps\nconfidence: 0.6\n" + wantItem9 + "\n" + wantItem10},
		"lines in a fence":       {"```jsonl\n" + item9 + "\n" + item10 + "\n```", wantItems},
		"numbered lines":         {"1. " + item9 + "\n2. " + item10, wantItems},
		"lines with commas":      {item9 + ",\n" + item10 + ",", wantItems},
		"lists in a list":        {`[[` + item9 + `], [` + item10 + `]]`, wantItems},
		"no brackets around":     {`"summary": "s1", "recommendations": [` + item9 + `]`, "answer\nsummary: s1\n" + wantItem9},
		"a schema":               {`{"$schema": "x", "type": "object", "properties": {"summary": {"type": "string", "description": "one sentence about what happens"}, "recommendations": {"type": "array"}}, "required": ["summary"]}`, "nothing"},
		"a schema, then it":      {`{"type": "object", "properties": {"summary": {"type": "string", "description": "one sentence"}}}` + "\n" + whole1, wantWhole},
		"it, then a schema":      {whole1 + "\n" + `{"type": "object", "properties": {"summary": {"type": "string", "description": "one sentence"}}}`, wantWhole},
		"properties of a schema": {`{"summary": {"type": "string", "description": "x"}, "recommendations": {"type": "array", "items": {"type": "object"}}}`, "nothing"},
		"a schema filled in":     {`{"type": "object", "properties": ` + whole1 + `}`, wantWhole},
		"the form itself":        {`{"recommendations": [{"type": "memory|disk|cpu", "priority": "low|medium", "title": "…", "description": "what is wrong and where"}]}`, "answer"},
		"what we asked":          {`{"incident": {"title": "t1", "description": "the description of it", "severity": "high"}, "alerts": [{"id": "A1", "name": "n", "description": "the text of an alert"}]}`, "nothing"},
		"something else":         {`{"error": "the model is overloaded, try again later"}`, "nothing"},
		"other texts":            {`["restart everything now", "then look again later"]`, "nothing"},
	})
}

func TestTolerant(t *testing.T) {
	t.Parallel()
	const want = "answer\nsummary: s1\n- disk high: t1 / d1 / do df -h; ls /"
	same(t, map[string]struct{ in, want string }{
		"trailing commas":    {`{"summary": "s1", "recommendations": [{"type": "disk", "priority": "high", "title": "t1", "description": "d1", "actions": ["df -h", "ls /",],},],}`, want},
		"double commas":      {`{"summary": "s1",, "recommendations": [{"type": "disk",, "priority": "high", "title": "t1", "description": "d1", "actions": ["df -h",, "ls /"]}]}`, want},
		"missing commas":     {"{\"summary\": \"s1\"\n \"recommendations\": [{\"type\": \"disk\" \"priority\": \"high\" \"title\": \"t1\"\n\"description\": \"d1\", \"actions\": [\"df -h\" \"ls /\"]}]}", want},
		"no comma of items":  {`{"summary": "s1", "recommendations": [{"type": "disk", "priority": "high", "title": "t1", "description": "d1"} {"description": "d2"}]}`, "answer\nsummary: s1\n- disk high: t1 / d1\n- general medium: AI Recommendation / d2"},
		"single quotes":      {`{'summary': 's1', 'recommendations': [{'type': 'disk', 'priority': 'high', 'title': 't1', 'description': 'd1', 'actions': ['df -h', 'ls /'], 'x': None, 'y': True}]}`, want},
		"apostrophes":        {`{'summary': 'The relay's spool isn't read', 'recommendations': [{'description': "it's full", 'title': 'The host's disk'}]}`, "answer\nsummary: The relay's spool isn't read\n- general medium: The host's disk / it's full"},
		"typographic quotes": {`{“summary”: “s1”, “recommendations”: [{“type”: “disk”, “priority”: ”high”, “title”: „t1“, “description”: ‘d1’, “actions”: [“df -h”, “ls /”]}]}`, want},
		"quotes in quotes":   {`{"summary": "The "relay" unit, "mail", is down", "recommendations": [{"description": "See "C1": "spool" is full", "actions": ["grep "full" /var/log/mail", "echo "${HOME}""]}]}`, "answer\nsummary: The \"relay\" unit, \"mail\", is down\n- general medium: AI Recommendation / See \"C1\": \"spool\" is full / do grep \"full\" /var/log/mail; echo \"${HOME}\""},
		"awk":                {`{"recommendations": [{"description": "d1", "actions": ["awk '{print "$1"}' /proc/loadavg", "ps"]}]}`, "answer\n- general medium: AI Recommendation / d1 / do awk '{print \"$1\"}' /proc/loadavg; ps"},
		"bare keys":          {`{summary: "s1", recommendations: [{type: "disk", priority: "high", title: "t1", description: "d1", actions: ["df -h", "ls /"]}]}`, want},
		"bare values":        {"{summary: s1, recommendations: [{type: disk, priority: high\n title: t1, description: d1, actions: [\"df -h\", \"ls /\"]}]}", want},
		"arrows":             {`{"summary" => "s1", "recommendations" => [{"description" => "d1"}]}`, "answer\nsummary: s1\n- general medium: AI Recommendation / d1"},
		"comments": {
			"{ # first\n\"summary\": \"s1\", // a \"quoted\" {one}\n/* [ */ \"recommendations\": [{\"type\": \"disk\", \"priority\": \"high\", \"title\": \"t1\", /* x */ \"description\": \"d1\", \"actions\": [\"df -h\", # two\n\"ls /\"]} // end\n]}", want,
		},
		"not comments":      {`{summary: "see http://h/x#y // no /* no */ # no", recommendations: []}`, "answer\nsummary: see http://h/x#y // no /* no */ # no"},
		"line breaks":       {"{\"summary\": \"one\ntwo\tthree\", \"recommendations\": []}", "answer\nsummary: one\ntwo\tthree"},
		"odd escapes":       {`{"summary": "it\'s C:\dir \d+ \u00e4 \ud83d\ude00 \uZZ",}`, "answer\nsummary: it's C:\\dir \\d+ ä 😀 \\uZZ"},
		"half a surrogate":  {`{"summary": "a\ud83d b"}`, "answer\nsummary: a\ufffd b"},
		"added strings":     {`{"summary": "one " + "two", "recommendations": []}`, "answer\nsummary: one two"},
		"three quotes":      {"{\"summary\": \"\"\"one\n\"two\" three\"\"\", \"recommendations\": []}", "answer\nsummary: one\n\"two\" three"},
		"back ticks":        {"{\"summary\": `one \"two\"`, \"recommendations\": []}", "answer\nsummary: one \"two\""},
		"dots":              {`{"summary": "s1", "recommendations": [{"description": "d1"}, ...]}`, "answer\nsummary: s1\n- general medium: AI Recommendation / d1"},
		"a bracket lost":    {`{"summary": "s1", "recommendations": [{"description": "d1", "actions": ["ps"}, {"description": "d2"}]}`, "answer\nsummary: s1\n- general medium: AI Recommendation / d1 / do ps\n- general medium: AI Recommendation / d2"},
		"a list lost":       {`{"summary": "s1", "recommendations": [{"description": "d1"}}`, "answer\nsummary: s1\n- general medium: AI Recommendation / d1"},
		"brackets too many": {`{"summary": "s1", "recommendations": [{"description": "d1"}}]}}}]`, "answer\nsummary: s1\n- general medium: AI Recommendation / d1"},
		"the end lost":      {`{"summary": "s1", "recommendations": [{"description": "d1"}, {"description": "d2"`, "answer\nsummary: s1\n- general medium: AI Recommendation / d1\n- general medium: AI Recommendation / d2"},
		"numbers":           {`{summary: "s1", confidence: .5, n: +1, m: 0x1F, o: 1_000, p: NaN, q: -Infinity}`, "answer\nsummary: s1\nconfidence: 0.5"},
		"a colon lost":      {`{"summary" "s1", "recommendations" [{"description": "d1"}]}`, "answer\nsummary: s1\n- general medium: AI Recommendation / d1"},
		"a value lost":      {`{"summary": "s1", "confidence": , "recommendations": [{"description": "d1"}]}`, "answer\nsummary: s1\n- general medium: AI Recommendation / d1"},
		"keys twice":        {`{"summary": "old", "summary": "new"}`, "answer\nsummary: new"},
		"wide blanks":       {"{\u00a0\"summary\":\u00a0\"s1\"\u200b}", "answer\nsummary: s1"},
		"bad bytes":         {"{\"summary\": \"a\xff\xfeb\"}", "answer\nsummary: a\ufffdb"},
	})
}

func TestCut(t *testing.T) {
	t.Parallel()
	in9 := strings.Index(whole1, item10)
	same(t, map[string]struct{ in, want string }{
		"in the second item":      {whole1[:in9+60] + "<CUT>", strings.Replace(wantHead, "answer", "answer, cut", 1) + wantItem9},
		"and nobody says so":      {whole1[:in9+60], strings.Replace(wantHead, "answer", "answer, cut", 1) + wantItem9},
		"before the second item":  {whole1[:in9] + "<CUT>", strings.Replace(wantHead, "answer", "answer, cut", 1) + wantItem9},
		"before the brackets":     {whole1[:len(whole1)-2] + "<CUT>", strings.Replace(wantWhole, "answer", "answer, cut", 1)},
		"in a fence":              {"```json\n" + whole1[:in9+60] + "<CUT>", strings.Replace(wantHead, "answer", "answer, cut", 1) + wantItem9},
		"a bracket of an item":    {whole1[:len(whole1)-3] + "<CUT>", strings.Replace(wantHead, "answer", "answer, cut", 1) + wantItem9},
		"in a list":               {"[" + item9 + "," + item10[:50] + "<CUT>", "answer, cut\n" + wantItem9},
		"in a line":               {item9 + "\n" + item10[:50] + "<CUT>", "answer, cut\n" + wantItem9},
		"in the first item":       {whole1[:strings.Index(whole1, "Worker")+3] + "<CUT>", "answer, cut\nsummary: The host swaps\ncause: a leak in worker 812\nconfidence: 0.6"},
		"in the cause":            {`{"summary": "The host swaps", "probable_cause": "a leak in<CUT>`, "answer, cut\nsummary: The host swaps"},
		"in a number":             {`{"summary": "The host swaps", "confidence": 0.<CUT>`, "answer, cut\nsummary: The host swaps"},
		"in a key":                {`{"summary": "The host swaps", "probabl<CUT>`, "answer, cut\nsummary: The host swaps"},
		"in an escape":            {`{"summary": "The host swaps", "probable_cause": "a\<CUT>`, "answer, cut\nsummary: The host swaps"},
		"in the summary":          {`{"summary": "The host swaps since<CUT>`, "answer, cut\nsummary: The host swaps since"},
		"in the only item":        {item9[:90] + "<CUT>", "nothing, cut"},
		"at the first bracket":    {"{<CUT>", "nothing, cut"},
		"in a string in a string": {escaped(whole1)[:len(escaped(whole1))-60] + "<CUT>", strings.Replace(wantHead, "answer", "answer, cut", 1) + wantItem9},
		"behind the answer":       {whole1 + "\nI hope that<CUT>", strings.Replace(wantWhole, "answer", "answer, cut", 1)},
		"of a text":               {"The host swaps because worker 812 leaks mem<CUT>", "text, cut\n- general medium: AI Analysis / The host swaps because worker 812 leaks mem / do Review the analysis, and check what it says before acting on it"},
		"single quotes":           {`{'summary': 'The host swaps', 'recommendations': [{'description': 'd1'}, {'description': 'd<CUT>`, "answer, cut\nsummary: The host swaps\n- general medium: AI Recommendation / d1"},
		"behind a draft":          {"```json\n{\"summary\": \"draft\", \"recommendations\": []}\n```\nBetter:\n```json\n" + whole1[:in9+60] + "<CUT>", strings.Replace(wantHead, "answer", "answer, cut", 1) + wantItem9},
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	const review = " / do Review the analysis, and check what it says before acting on it"
	same(t, map[string]struct{ in, want string }{
		"a sentence":       {"The worker 812 leaks memory; restart it.", "text\n- general medium: AI Analysis / The worker 812 leaks memory; restart it." + review},
		"19 letters":       {"abcdefghij klmnopqrs 123456 !!!", "nothing"},
		"20 letters":       {"abcdefghij klmnopqrst", "text\n- general medium: AI Analysis / abcdefghij klmnopqrst" + review},
		"another alphabet": {"Диск на web-3 переполнен почтой", "text\n- general medium: AI Analysis / Диск на web-3 переполнен почтой" + review},
		"500 characters":   {strings.Repeat("ä", 700), "text\n- general medium: AI Analysis / " + strings.Repeat("ä", 500) + review},
		"behind a thought": {"<think>what could it be, I do not know at all</think>The worker 812 leaks memory.", "text\n- general medium: AI Analysis / The worker 812 leaks memory." + review},
		"shell in it":      {"Look with `awk '{print $1}'` at the worker first, [then] restart.", "text\n- general medium: AI Analysis / Look with `awk '{print $1}'` at the worker first, [then] restart." + review},
		"a string":         {`"The worker 812 leaks memory; restart it."`, "text\n- general medium: AI Analysis / The worker 812 leaks memory; restart it." + review},
		"no":               {"I'm sorry, but I can't help with that request.", "nothing"},
		"No":               {"I cannot assist with this.", "nothing"},
		"never":            {"I’m sorry, I won’t be able to help with analyzing this data.", "nothing"},
		"unable":           {"Unfortunately, I am unable to assist with incident data of this kind.", "nothing"},
		"not known":        {"I cannot determine the cause from what the checks say.", "text\n- general medium: AI Analysis / I cannot determine the cause from what the checks say." + review},
		"sorry about it":   {"Sorry for the disk: it is full, because the relay stopped.", "text\n- general medium: AI Analysis / Sorry for the disk: it is full, because the relay stopped." + review},
		"YAML":             {"summary: The worker leaks\nrecommendations:\n  - type: memory", "text\n- general medium: AI Analysis / summary: The worker leaks\nrecommendations:\n  - type: memory" + review},
	})
}
