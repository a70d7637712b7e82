// Package observability holds alert rules and a board for Ferry's workers. Its
// tests read them as Prometheus and Grafana would; that each metric is there is
// shown by a real run, in internal/integration.
package observability

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// rules is a Prometheus rule file; unknown keys are refused.
type rules struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

func readRules(t *testing.T) rules {
	t.Helper()
	f, err := os.Open("alerts.yaml")
	require.NoError(t, err)
	defer f.Close()
	decoder := yaml.NewDecoder(f)
	decoder.KnownFields(true)
	var r rules
	require.NoError(t, decoder.Decode(&r))
	return r
}

const runbook = "https://github.com/f0a90b9a/ferry/blob/main/docs/operations.md#"

func TestEachAlertLeadsToAPage(t *testing.T) {
	t.Parallel()
	there := anchors(t, "../../docs/operations.md")
	seen := map[string]bool{}
	for _, group := range readRules(t).Groups {
		require.NotEmpty(t, group.Name)
		for _, r := range group.Rules {
			require.Regexp(t, `^Ferry[A-Za-z]+$`, r.Alert)
			require.False(t, seen[r.Alert], "%s is there twice", r.Alert)
			seen[r.Alert] = true
			require.NotEmpty(t, strings.TrimSpace(r.Expr), r.Alert)
			if r.For != "" {
				_, err := time.ParseDuration(r.For)
				require.NoError(t, err, r.Alert)
			}
			require.Contains(t, []string{"page", "ticket"}, r.Labels["severity"], r.Alert)
			require.NotEmpty(t, r.Annotations["summary"], r.Alert)
			require.NotEmpty(t, r.Annotations["description"], r.Alert)
			anchor, ok := strings.CutPrefix(r.Annotations["runbook_url"], runbook)
			require.True(t, ok, r.Alert)
			require.Contains(t, there, anchor, r.Alert)
		}
	}
	require.Greater(t, len(seen), 10)
}

// anchors are those that a Markdown page has for its headings.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var out []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ +(.*)$`).FindAllStringSubmatch(string(text), -1) {
		out = append(out, anchor(heading[1]))
	}
	for _, id := range regexp.MustCompile(`<a (?:id|name)="([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		out = append(out, id[1])
	}
	return out
}

func anchor(heading string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.ToLower(heading))
	return kept
}

// board is the part of a Grafana board that the tests look at.
type board struct {
	Title  string `json:"title"`
	UID    string `json:"uid"`
	Panels []struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		GridPos     struct{ H, W, X, Y int }
		FieldConfig struct {
			Defaults struct {
				Unit string `json:"unit"`
			} `json:"defaults"`
		} `json:"fieldConfig"`
		Targets []struct {
			RefID      string `json:"refId"`
			Expr       string `json:"expr"`
			Datasource struct {
				UID string `json:"uid"`
			} `json:"datasource"`
		} `json:"targets"`
	} `json:"panels"`
	Templating struct {
		List []struct{ Name, Type string } `json:"list"`
	} `json:"templating"`
}

func TestBoardFitsTogether(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var b board
	require.NoError(t, json.Unmarshal(body, &b))
	require.NotEmpty(t, b.Title)
	require.NotEmpty(t, b.UID)
	require.Equal(t, "datasource", b.Templating.List[0].Name)
	require.Greater(t, len(b.Panels), 10)
	var ids []int
	taken := map[[2]int]string{}
	for _, p := range b.Panels {
		require.NotContains(t, ids, p.ID, p.Title)
		ids = append(ids, p.ID)
		require.NotEmpty(t, p.Title)
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			require.Less(t, x, 24, p.Title)
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Empty(t, taken[[2]int{x, y}], "%s lies over another panel", p.Title)
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		require.NotEmpty(t, p.Description, p.Title)
		require.NotEmpty(t, p.FieldConfig.Defaults.Unit, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		var refs []string
		for _, target := range p.Targets {
			require.NotContains(t, refs, target.RefID, p.Title)
			refs = append(refs, target.RefID)
			require.NotEmpty(t, target.Expr, p.Title)
			require.Equal(t, "${datasource}", target.Datasource.UID, p.Title)
		}
	}
	require.True(t, slices.IsSorted(ids))
}
