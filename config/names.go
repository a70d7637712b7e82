package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/viper"
)

const (
	envPrefix = "FERRY_"
	envConfig = "FERRY_CONFIG"
)

// envOthers are FERRY_ variables that are no keys.
var envOthers = []string{envConfig, "FERRY_TEMPORAL_CLI"}

// envChild prefixes what a program passes to its own child processes.
const envChild = "FERRY_CHILD"

// vars is what the environment says.
type vars struct {
	file   string
	values map[string]string // key → text
}

// readEnv finds the keys in an environment. A FERRY_ variable that is no key
// is a problem: a misspelt one would silently do nothing. An empty variable
// is an unset one. What Kubernetes makes of Services whose names begin with
// ferry is passed over.
func readEnv(env []string) (vars, []error) {
	byEnv := map[string]string{}
	for _, k := range keys() {
		byEnv[k.env()] = k.name
	}
	found := vars{values: map[string]string{}}
	var problems []error
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, envChild):
		case name == envConfig:
			found.file = value
		case slices.Contains(envOthers, name):
		case byEnv[name] == "" && ofService(name, value):
		case byEnv[name] == "":
			problems = append(problems, fmt.Errorf("%s: no such setting%s", name, suggest(name, envNames())))
		case value != "":
			found.values[byEnv[name]] = value
		}
	}
	return found, problems
}

func envNames() []string {
	names := slices.Clone(envOthers)
	for _, k := range keys() {
		names = append(names, k.env())
	}
	return names
}

// unknownKeys names what a file has that no key is.
func unknownKeys(v *viper.Viper, file string) []error {
	var known []string
	for _, k := range keys() {
		known = append(known, k.name)
	}
	var problems []error
	for _, name := range v.AllKeys() {
		if !slices.Contains(known, name) {
			problems = append(problems, fmt.Errorf("%s: unknown key %s%s", file, name, suggest(name, known)))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return problems
}

// nested turns a.b.c into maps, as a file would give it.
func nested(name, value string) map[string]any {
	head, rest, more := strings.Cut(name, ".")
	if !more {
		return map[string]any{head: value}
	}
	return map[string]any{head: nested(rest, value)}
}

// suggest names the nearest known name if it is near.
func suggest(name string, known []string) string {
	best, distance := "", 4
	for _, k := range known {
		if d := editDistance(name, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// text writes a default as a file or a flag would.
func text(value any) string {
	if d, ok := value.(time.Duration); ok {
		return shortDuration(d)
	}
	return fmt.Sprint(value)
}

// shortDuration drops the zero units that time.Duration prints: 15m, not
// 15m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
