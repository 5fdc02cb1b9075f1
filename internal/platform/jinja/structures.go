package jinja

import (
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// structures are the tags of the language, and all of them: there is no include, import, extends, block, macro, call or do.
type structures struct{}

// Get implements parser.ControlStructureGetter.
func (structures) Get(name string) (parser.ControlStructureParser, bool) {
	p, ok := map[string]parser.ControlStructureParser{
		"if": parseIf, "for": parseFor, "set": parseSet, "with": parseWith, "filter": parseFilter, "raw": parseRaw,
	}[name]
	return p, ok
}

// tag is what all parsed structures share; gonja asks for it and never uses it.
type tag struct{}

func (tag) Position() *tokens.Token { return nil }
func (tag) String() string          { return "tag" }

type branch struct {
	when nodes.Expression // nil: else
	body *nodes.Wrapper
}

type ifTag struct {
	tag
	branches []branch
}

type forTag struct {
	tag
	names     []string
	in        nodes.Expression
	when      nodes.Expression
	body      *nodes.Wrapper
	otherwise *nodes.Wrapper
}

type setTag struct {
	tag
	name                   string
	value, when, otherwise nodes.Expression
	body                   *nodes.Wrapper
}

type withTag struct {
	tag
	names  []string
	values []nodes.Expression
	body   *nodes.Wrapper
}

type filterTag struct {
	tag
	calls []*nodes.FilterCall
	body  *nodes.Wrapper
}

type rawTag struct {
	tag
	body *nodes.Wrapper
}

func parseIf(p, args *parser.Parser) (nodes.ControlStructure, error) {
	t := &ifTag{}
	when, err := expression(args)
	if err != nil {
		return nil, err
	}
	for {
		body, more, err := p.WrapUntil("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		t.branches = append(t.branches, branch{when, body})
		if body.EndTag == "endif" {
			return t, ended(more)
		}
		if when == nil {
			return nil, failed(line(body.Location), "only endif may come after else")
		}
		if body.EndTag == "else" {
			when = nil
			if err := ended(more); err != nil {
				return nil, err
			}
			continue
		}
		if when, err = expression(more); err != nil {
			return nil, err
		}
	}
}

func parseFor(p, args *parser.Parser) (nodes.ControlStructure, error) {
	t := &forTag{}
	for {
		name := args.Match(tokens.Name)
		if name == nil || len(t.names) == 2 {
			return nil, failed(line(args.Current()), "for takes one name, or two with a comma between them")
		}
		t.names = append(t.names, name.Val)
		if args.Match(tokens.Comma) == nil {
			break
		}
	}
	if args.Match(tokens.In) == nil {
		return nil, failed(line(args.Current()), "for needs the word in")
	}
	var err error
	if t.in, err = args.ParseExpression(); err != nil {
		return nil, err
	}
	if args.MatchName("if") != nil {
		if t.when, err = args.ParseExpression(); err != nil {
			return nil, err
		}
	}
	if args.CurrentName("recursive") != nil {
		return nil, failed(line(args.Current()), "recursive loops are not available")
	}
	if err = ended(args); err != nil {
		return nil, err
	}
	body, more, err := p.WrapUntil("else", "endfor")
	if err != nil {
		return nil, err
	}
	t.body = body
	if body.EndTag == "else" {
		if err = ended(more); err != nil {
			return nil, err
		}
		if t.otherwise, more, err = p.WrapUntil("endfor"); err != nil {
			return nil, err
		}
	}
	return t, ended(more)
}

func parseSet(p, args *parser.Parser) (nodes.ControlStructure, error) {
	name := args.Match(tokens.Name)
	if name == nil || args.Current(tokens.Dot, tokens.LeftBracket) != nil {
		return nil, failed(line(args.Current()), "set takes a plain name")
	}
	t := &setTag{name: name.Val}
	var err error
	if args.Match(tokens.Assign) != nil {
		if t.value, err = args.ParseExpression(); err != nil {
			return nil, err
		}
		if t.when, t.otherwise, err = args.ParseCondition(); err != nil {
			return nil, err
		}
		return t, ended(args)
	}
	t.body, err = block(p, args, "endset")
	return t, err
}

func parseWith(p, args *parser.Parser) (nodes.ControlStructure, error) {
	t := &withTag{}
	for !args.End() {
		name := args.Match(tokens.Name)
		if name == nil || args.Match(tokens.Assign) == nil {
			return nil, failed(line(args.Current()), "with takes name=value, with commas between them")
		}
		value, err := args.ParseExpression()
		if err != nil {
			return nil, err
		}
		t.names, t.values = append(t.names, name.Val), append(t.values, value)
		if args.Match(tokens.Comma) == nil {
			break
		}
	}
	var err error
	t.body, err = block(p, args, "endwith")
	return t, err
}

func parseFilter(p, args *parser.Parser) (nodes.ControlStructure, error) {
	t := &filterTag{}
	for {
		call, err := args.ParseFilter()
		if err != nil {
			return nil, err
		}
		t.calls = append(t.calls, call)
		if args.Match(tokens.Pipe) == nil {
			break
		}
	}
	var err error
	t.body, err = block(p, args, "endfilter")
	return t, err
}

func parseRaw(p, args *parser.Parser) (nodes.ControlStructure, error) {
	body, err := block(p, args, "endraw")
	return &rawTag{body: body}, err
}

// block reads what stands between a tag, of which nothing may be left, and the one that ends it.
func block(p, args *parser.Parser, end string) (*nodes.Wrapper, error) {
	if err := ended(args); err != nil {
		return nil, err
	}
	body, more, err := p.WrapUntil(end)
	if err != nil {
		return nil, err
	}
	return body, ended(more)
}

func expression(args *parser.Parser) (nodes.Expression, error) {
	e, err := args.ParseExpression()
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, failed(line(args.Current()), "a value is missing")
	}
	return e, ended(args)
}

// ended complains about whatever is left in a tag.
func ended(args *parser.Parser) error {
	if args.End() {
		return nil
	}
	t := args.Current()
	return failed(line(t), "%q is out of place in this tag", short(t.Val))
}

func line(t *tokens.Token) int {
	if t == nil {
		return 0
	}
	return t.Line
}
