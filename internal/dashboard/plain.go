package dashboard

import (
	"fmt"
	"html/template"
	"net/url"
	"reflect"
	"text/template/parse"

	"github.com/f0a90b9a/ferry/internal/redact"
)

// printPlainly has every text that a template prints go through plain: ids,
// names and reasons are others', and may hold what turns a line around.
func printPlainly(t *template.Template) {
	for _, one := range t.Templates() {
		if one.Tree != nil {
			printListPlainly(one.Tree.Root)
		}
	}
}

func printListPlainly(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
					NodeType: parse.NodeCommand, Pos: n.Pos,
					Args: []parse.Node{parse.NewIdentifier("plain").SetPos(n.Pos)},
				})
			}
		case *parse.IfNode:
			printListPlainly(n.List)
			printListPlainly(n.ElseList)
		case *parse.RangeNode:
			printListPlainly(n.List)
			printListPlainly(n.ElseList)
		case *parse.WithNode:
			printListPlainly(n.List)
			printListPlainly(n.ElseList)
		}
	}
}

// plain shows of a text what can't be seen as an escape. Parts of a page and
// addresses stay as they are, and so does what is no text.
func plain(value any) any {
	switch v := value.(type) {
	case nil, template.HTML, template.URL:
		return value
	case string:
		return redact.Visible(v)
	case fmt.Stringer:
		return redact.Visible(v.String())
	case error:
		return redact.Visible(v.Error())
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.String {
		return redact.Visible(v.String())
	}
	return value
}

// queryPart is a value of an address's query, byte for byte.
func queryPart(value string) template.URL {
	return template.URL(url.QueryEscape(value)) //nolint:gosec // nothing of it is left unescaped
}
