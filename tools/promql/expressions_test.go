package promql_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// setup reads a file of deploy/observability.
func setup(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "deploy", "observability", name))
	require.NoError(t, err)
	return body
}

// bounded are the labels that an expression may speak of: those that a metric
// of a worker has, and those that a scrape adds.
var bounded = regexp.MustCompile(`^(__name__|job|instance|le|answer|call|code|outcome|reason|result|route|rule|step|build|` +
	`activity_type|failure_reason|operation|poller_type|status_code|worker_type|workflow_type)$`)

// check parses an expression and looks at the labels it speaks of.
func check(t *testing.T, name, expr string) {
	t.Helper()
	parsed, err := parser.ParseExpr(expr)
	require.NoError(t, err, "%s: %s", name, expr)
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			for _, m := range n.LabelMatchers {
				require.Regexp(t, bounded, m.Name, "%s: %s", name, expr)
			}
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				require.Regexp(t, bounded, label, "%s: %s", name, expr)
			}
		}
		return nil
	})
}

func TestAlertsParse(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(setup(t, "alerts.yaml"), &rules))
	n := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			check(t, r.Alert, r.Expr)
			n++
		}
	}
	require.Greater(t, n, 10)
}

func TestBoardParses(t *testing.T) {
	t.Parallel()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(setup(t, "dashboard.json"), &board))
	n := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			check(t, p.Title, strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
			n++
		}
	}
	require.Greater(t, n, 20)
}
