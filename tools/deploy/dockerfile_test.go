package deploy

import (
	"bytes"
	"debug/elf"
	"go/version"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/stretchr/testify/require"
)

func TestImageHoldsStaticProgramsAndNoShell(t *testing.T) {
	t.Parallel()
	i := buildImage(t)
	require.Len(t, i.programs, 4)
	for name, path := range i.programs {
		file, err := elf.Open(path)
		require.NoError(t, err, name)
		libraries, err := file.ImportedLibraries()
		require.NoError(t, err, name)
		require.Empty(t, libraries, "%s needs nothing beside itself", name)
		require.Nil(t, file.Section(".symtab"), "%s is stripped", name)
		require.NoError(t, file.Close())
	}
	require.Contains(t, i.programs, i.command[0], "what the image starts")
	i.takes(t, i.command)
	stages, err := readDockerfile()
	require.NoError(t, err)
	require.Equal(t, "scratch", stages[len(stages)-1].BaseName)
}

// A worker's version is what the build was told: the image has no Git history
// to ask.
func TestWorkerKnowsItsBuild(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile(buildImage(t).programs["/worker"])
	require.NoError(t, err)
	require.True(t, bytes.Contains(program, []byte(versionMark)), "-X names a variable of the worker")
}

func TestImageIsNotRoot(t *testing.T) {
	t.Parallel()
	// Kubernetes can't tell whether a name is root.
	require.Regexp(t, `^[1-9][0-9]*:[1-9][0-9]*$`, buildImage(t).user)
}

func TestImageIsBuiltFromWhatIsThere(t *testing.T) {
	t.Parallel()
	stages, err := readDockerfile()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, stage := range stages {
		names[stage.Name] = true
		if stage.BaseName != "scratch" {
			requireExactTag(t, stage.BaseName)
		}
		for _, c := range find[*instructions.CopyCommand](&stage) {
			if c.From != "" {
				require.True(t, names[c.From], "%s comes before %s", c.From, c)
				continue
			}
			for _, source := range c.SourcePaths {
				require.FileExists(t, repo("go.mod"))
				_, err := os.Stat(repo(source))
				require.NoError(t, err, c.String())
			}
		}
	}
	require.True(t, names["build"])
}

// What the build image's Go is too old for fails in every container build.
func TestImageIsBuiltWithTheModulesGo(t *testing.T) {
	t.Parallel()
	stages, err := readDockerfile()
	require.NoError(t, err)
	_, tag, _ := strings.Cut(stages[0].BaseName, ":")
	builder, _, _ := strings.Cut(tag, "-")
	text, err := os.ReadFile(repo("go.mod"))
	require.NoError(t, err)
	wanted := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(text)
	require.NotNil(t, wanted)
	require.GreaterOrEqual(t, version.Compare("go"+builder, "go"+string(wanted[1])), 0, "%s for go %s", tag, wanted[1])
}

// The context leaves out no folder that the programs are made of.
func TestBuildContextHoldsTheSource(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(repo(".dockerignore"))
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}/{{end}}{{end}}",
		"./worker", "./starter", "./dashboard", "./sandbox")
	cmd.Dir = repository
	said, err := cmd.Output()
	require.NoError(t, err)
	folders := strings.Fields(string(said))
	require.Greater(t, len(folders), 20)
	for _, folder := range folders {
		for pattern := range strings.FieldsSeq(string(text)) {
			require.NotContains(t, folder, "/"+pattern+"/", "%s is left out", pattern)
		}
	}
}

var exactTag = regexp.MustCompile(`^[^:@]+:(v?[0-9]+\.[0-9]+(\.[0-9]+)?[a-z0-9.-]*|local)$`)

// requireExactTag holds an image to one version.
func requireExactTag(t *testing.T, image string) {
	t.Helper()
	require.Regexp(t, exactTag, image, "an image has an exact tag")
}
