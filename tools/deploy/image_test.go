package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"
)

const (
	buildLimit = 15 * time.Minute // the first one compiles everything
	runLimit   = time.Minute
	// versionMark names the programs that the tests build.
	versionMark = "9.8.7-deploy-test"
)

// repository is the root of the checkout.
const repository = "../.."

func repo(path ...string) string { return filepath.Join(append([]string{repository}, path...)...) }

// readDockerfile gives the stages of the Dockerfile, the image's last.
func readDockerfile() ([]instructions.Stage, error) {
	file, err := os.Open(repo("Dockerfile"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	return stages, err
}

// find gives the commands of one kind in a stage.
func find[C instructions.Command](stage *instructions.Stage) (found []C) {
	for _, command := range stage.Commands {
		if c, is := command.(C); is {
			found = append(found, c)
		}
	}
	return found
}

// image is what the Dockerfile makes, on this machine.
type image struct {
	programs map[string]string // path in the image → path here
	command  []string
	user     string
}

var built struct {
	sync.Mutex
	image *image
	err   error
	dir   string
}

// buildImage runs the Dockerfile's own build commands here, once for all
// tests.
func buildImage(t *testing.T) *image {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.image == nil && built.err == nil {
		built.image, built.err = runDockerfile(t.Context())
	}
	require.NoError(t, built.err)
	return built.image
}

func runDockerfile(ctx context.Context) (*image, error) {
	stages, err := readDockerfile()
	if err != nil {
		return nil, err
	}
	if built.dir, err = os.MkdirTemp("", "ferry-deploy-"); err != nil {
		return nil, err
	}
	script, err := buildScript(&stages[0], built.dir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "VERSION="+versionMark)
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the Dockerfile's build: %w: %s", err, output)
	}
	last := &stages[len(stages)-1]
	i := &image{programs: map[string]string{}}
	files, err := os.ReadDir(filepath.Join(built.dir, "out"))
	for _, file := range files {
		i.programs["/"+file.Name()] = filepath.Join(built.dir, "out", file.Name())
	}
	for _, c := range find[*instructions.CmdCommand](last) {
		i.command = c.CmdLine
	}
	for _, u := range find[*instructions.UserCommand](last) {
		i.user = u.User
	}
	return i, err
}

// buildScript is the command that builds, with the folders that it writes to
// in dir.
func buildScript(stage *instructions.Stage, dir string) (string, error) {
	for _, run := range find[*instructions.RunCommand](stage) {
		if script := strings.Join(run.CmdLine, " "); strings.Contains(script, "go build") {
			return strings.NewReplacer(" /out/", " "+dir+"/out/", " /data", " "+dir+"/data").Replace(script), nil
		}
	}
	return "", errors.New("the Dockerfile builds nothing")
}

// answer is how a program ended.
type answer struct {
	code   int
	output string
}

// run runs a program of the image with an environment of its own.
func (i *image) run(t *testing.T, env []string, command ...string) answer {
	t.Helper()
	path := i.programs[command[0]]
	require.NotEmpty(t, path, "%s is not in the image, which has %v", command[0], slices.Sorted(maps.Keys(i.programs)))
	ctx, cancel := context.WithTimeout(t.Context(), runLimit)
	defer cancel()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, path, command[1:]...)
	cmd.Env = append([]string{"HOME=" + t.TempDir()}, env...)
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	require.NoError(t, ctx.Err(), "%v: %s", command, output.String())
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(t, err)
	}
	return answer{code: cmd.ProcessState.ExitCode(), output: output.String()}
}

// takes holds a command line to its program: that there is one, and that it
// knows the flags.
func (i *image) takes(t *testing.T, command []string) {
	t.Helper()
	got := i.run(t, nil, append(slices.Clone(command), "--help")...)
	require.Zero(t, got.code, "%v: %s", command, got.output)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}
