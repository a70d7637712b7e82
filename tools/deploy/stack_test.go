package deploy

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// stack is docker-compose.yml with a process for each container. What differs
// from the containers are the addresses, the folders and PostgreSQL's version.
type stack struct {
	t       *testing.T
	dir     string
	image   *image
	project *types.Project
	cli     string
	ports   map[string]string
	here    *strings.Replacer // an address or folder of the containers → ours
	pg      string            // folder of PostgreSQL's programs
	running map[string]*process
}

// The ports that the stack takes.
const (
	portPostgres = "postgres"
	portTemporal = "temporal"
	portS3       = "s3"
	portSandbox  = "sandbox"
	portWorker   = "worker"
	portBoard    = "dashboard"
)

// setup starts everything, in the order of the containers.
func setup(t *testing.T) *stack {
	t.Helper()
	s := &stack{
		t: t, image: buildImage(t), project: composeFile(t), cli: temporalCLI(t),
		ports: map[string]string{}, pg: postgresFolder(), running: map[string]*process{},
	}
	require.NotEmpty(t, s.pg, "PostgreSQL is not installed (Debian: apt-get install postgresql)")
	s.dir = t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(s.dir), 0o755)) // PostgreSQL runs as somebody else
	s.translate()
	s.startPostgres()
	s.startTemporal()
	s.startS3()
	for _, name := range []string{"sandbox", "worker", "dashboard"} {
		s.startOurs(name)
	}
	return s
}

// translate makes the table of what containers call their neighbours.
func (s *stack) translate() {
	names := []string{portPostgres, portTemporal, portS3, portSandbox, portWorker, portBoard}
	for i, port := range freePorts(s.t, len(names)) {
		s.ports[names[i]] = port
	}
	address := func(name string) string { return "127.0.0.1:" + s.ports[name] }
	users := filepath.Join(s.dir, "users")
	require.NoError(s.t, os.WriteFile(users, []byte(s.project.Configs["users"].Content), 0o600))
	s.here = strings.NewReplacer(
		"temporal:7233", address(portTemporal),
		"http://s3:7070", "http://"+address(portS3), "http://127.0.0.1:7070", "http://"+address(portS3),
		"http://sandbox:8089", "http://"+address(portSandbox),
		"0.0.0.0:8089", address(portSandbox), "127.0.0.1:8089", address(portSandbox),
		"0.0.0.0:8088", address(portBoard), "127.0.0.1:8088", address(portBoard),
		"127.0.0.1:8081", address(portWorker), ":7070", address(portS3),
		"/data", s.dir, "/users", users,
	)
}

// ourTexts are arguments or an environment as they are on this machine.
func (s *stack) ourTexts(texts []string) []string {
	found := slices.Clone(texts)
	for i := range found {
		found[i] = s.here.Replace(found[i])
	}
	return found
}

// command gives a command line of the image, as it is on this machine.
func (s *stack) command(line []string) []string {
	found := s.ourTexts(line)
	found[0] = s.image.programs[line[0]]
	return found
}

// env is what a service's programs see.
func (s *stack) env(service string) []string {
	env := s.ourTexts(environmentOf(s.project.Services[service]))
	if service == "worker" {
		env = append(env, "FERRY_WORKER_HEALTH_ADDRESS=127.0.0.1:"+s.ports[portWorker])
	}
	return env
}

// startOurs starts a service of the image, and asks for its health as Docker
// would.
func (s *stack) startOurs(name string) {
	s.t.Helper()
	service := s.project.Services[name]
	p := start(s.t, s.dir, launch{name: name, command: s.command(commandOf(s.image, service)), env: s.env(name)})
	p.until("healthy", nil, s.command(service.HealthCheck.Test[1:])...)
	s.running[name] = p
}

func (s *stack) startPostgres() {
	s.t.Helper()
	service := s.project.Services["postgresql"]
	as := plainUser(s.t)
	home := filepath.Join(s.dir, "pg")
	require.NoError(s.t, os.Mkdir(home, 0o700))
	if as != nil {
		require.NoError(s.t, os.Chown(home, int(as.Uid), int(as.Gid)))
	}
	data, password := filepath.Join(home, "data"), filepath.Join(s.dir, "password")
	require.NoError(s.t, os.WriteFile(password, []byte(*service.Environment["POSTGRES_PASSWORD"]), 0o644))
	made := start(s.t, s.dir, launch{name: "initdb", as: as, command: []string{
		filepath.Join(s.pg, "initdb"), "--pgdata", data, "--username", *service.Environment["POSTGRES_USER"],
		"--pwfile", password, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8",
	}})
	<-made.done
	require.Zero(s.t, made.cmd.ProcessState.ExitCode(), "initdb: %s", made.said())
	p := start(s.t, s.dir, launch{name: "postgresql", as: as, stop: syscall.SIGINT, command: []string{
		filepath.Join(s.pg, "postgres"), "-D", data, "-p", s.ports[portPostgres], "-k", home, "-c", "listen_addresses=127.0.0.1",
	}})
	ready := slices.Concat([]string{filepath.Join(s.pg, "pg_isready")}, service.HealthCheck.Test[2:],
		[]string{"--host", "127.0.0.1", "--port", s.ports[portPostgres]})
	p.until("ready", nil, ready...)
}

// startTemporal does what the image temporalio/auto-setup does: databases,
// schemas, the server with the configuration that it comes with, and a
// namespace.
func (s *stack) startTemporal() {
	s.t.Helper()
	service := s.project.Services["temporal"]
	env := environmentOf(service)
	sql := []string{
		"SQL_HOST=127.0.0.1", "SQL_PORT=" + s.ports[portPostgres], "SQL_PLUGIN=" + *service.Environment["DB"],
		"SQL_USER=" + *service.Environment["POSTGRES_USER"], "SQL_PASSWORD=" + *service.Environment["POSTGRES_PWD"],
	}
	for database, schema := range map[string]string{"temporal": "temporal", "temporal_visibility": "visibility"} {
		one := append(slices.Clone(sql), "SQL_DATABASE="+database)
		program := sqlTool.path(s.t)
		must(s.t, one, program, "create-database")
		must(s.t, one, program, "setup-schema", "--version", "0.0")
		must(s.t, one, program, "update-schema", "--schema-name", "postgresql/v12/"+schema)
	}
	rest := freePorts(s.t, 9)
	for i, name := range []string{
		"FRONTEND_HTTP_PORT", "FRONTEND_MEMBERSHIP_PORT", "MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT", "HISTORY_GRPC_PORT",
		"HISTORY_MEMBERSHIP_PORT", "WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT",
	} {
		env = append(env, name+"="+rest[i])
	}
	dynamic := filepath.Join(s.dir, "dynamic.yaml")
	require.NoError(s.t, os.WriteFile(dynamic, nil, 0o600))
	env = append(replaced(env, "POSTGRES_SEEDS=postgresql", "POSTGRES_SEEDS=127.0.0.1"),
		"DB_PORT="+s.ports[portPostgres], "VISIBILITY_DB_PORT="+s.ports[portPostgres], "FRONTEND_GRPC_PORT="+s.ports[portTemporal],
		"BIND_ON_IP=127.0.0.1", "TEMPORAL_BROADCAST_ADDRESS=127.0.0.1", "DYNAMIC_CONFIG_FILE_PATH="+dynamic, "LOG_LEVEL=warn")
	p := start(s.t, s.dir, launch{name: "temporal", env: env, command: []string{
		serverTool.path(s.t), "--root", serverTool.folder(s.t), "--env", "docker", "--allow-no-auth", "start",
	}})
	p.until("there", nil, s.temporal("operator", "cluster", "health")...)
	p.until("taking a namespace", nil, s.temporal("operator", "namespace", "create", "--namespace", "default", "--retention", "24h")...)
	p.until("healthy", nil, append([]string{s.cli}, s.ourTexts(service.HealthCheck.Test[2:])...)...)
	p.until("listing workflows", nil, s.temporal("workflow", "list")...)
	attributes := s.project.Services["search-attributes"]
	p.until("taking search attributes", nil, append([]string{s.cli}, s.ourTexts(commandOf(s.image, attributes)[1:])...)...)
}

// temporal is a command line of the Temporal CLI.
func (s *stack) temporal(command ...string) []string {
	return slices.Concat([]string{s.cli}, command, []string{"--address", "127.0.0.1:" + s.ports[portTemporal], "--disable-config-file", "--disable-config-env"})
}

func (s *stack) startS3() {
	s.t.Helper()
	must(s.t, nil, s.ourTexts(s.project.Services["buckets"].Entrypoint)...)
	service := s.project.Services["s3"]
	p := start(s.t, s.dir, launch{
		name: "s3", env: environmentOf(service),
		command: append([]string{s3Tool.path(s.t)}, s.ourTexts(service.Command)...),
	})
	test := s.ourTexts(service.HealthCheck.Test)
	// The container asks with wget, which needs not be here.
	p.until("healthy", nil, s.command([]string{"/ferry", "probe", test[len(test)-1]})...)
}

// books are what the sandbox has counted.
type books struct {
	Calls, Effective     map[string]int
	Replayed             int
	DuplicateExternalIDs int `json:"duplicateExternalIds"`
	Entitlements         map[string]int
}

func (s *stack) books() (b books) {
	s.t.Helper()
	env := s.project.Services["worker"].Environment
	request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+s.ports[portSandbox]+"/_sandbox/stats", http.NoBody)
	require.NoError(s.t, err)
	request.SetBasicAuth(*env["FERRY_TARGET_USERNAME"], *env["FERRY_TARGET_PASSWORD"])
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(body, &b), string(body))
	return b
}
