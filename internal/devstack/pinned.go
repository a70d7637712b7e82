package devstack

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the tool module
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

//go:generate cp ../../tools/go.mod pinned/go.mod.txt
//go:generate cp ../../tools/go.sum pinned/go.sum.txt

// The tool module tools/go.mod, copied: a module's files can't be embedded in
// another.
var (
	//go:embed pinned/go.mod.txt
	pinnedMod []byte
	//go:embed pinned/go.sum.txt
	pinnedSum []byte
)

var cliRequirement = regexp.MustCompile(`(?m)^(?:require)?\s*` + regexp.QuoteMeta(cliModule) + `\s+v(\d+\.\d+\.\d+)\b`)

// pinnedModule is what the CLI is built from, every dependency with its hash.
type pinnedModule struct {
	mod, sum []byte // go.mod and go.sum
	version  string // of the CLI that it pins
}

// embeddedModule is the one that this program carries.
func embeddedModule() pinnedModule {
	m := pinnedModule{mod: pinnedMod, sum: pinnedSum}
	if match := cliRequirement.FindSubmatch(pinnedMod); match != nil {
		m.version = string(match[1])
	}
	return m
}

// hash names the module: whatever changes what is built changes it.
func (m pinnedModule) hash() string {
	sum := sha256.Sum256(bytes.Join([][]byte{m.mod, m.sum}, []byte{0}))
	return hex.EncodeToString(sum[:])
}

// writeTo puts the module into a folder of its own.
func (m pinnedModule) writeTo(dir string) error {
	for name, text := range map[string][]byte{"go.mod": m.mod, "go.sum": m.sum} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("pinned module: %w", err)
		}
	}
	return nil
}
