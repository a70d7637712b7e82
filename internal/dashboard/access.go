package dashboard

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Role is what a user may do on the routes that are theirs.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // look, and download what holds no personal data
	Operator Role = "operator" // also start, steer, and download everything
)

// User is one who may use the dashboard.
type User struct {
	Name   string // empty: nobody has signed in, which is for loopback alone
	Role   Role
	Routes []string // nil: all
	hash   []byte   // bcrypt; empty: may come through a trusted proxy only
}

// Sees reports whether the user may know anything of a route. A migration
// whose route isn't known is for those who see all.
func (u *User) Sees(route string) bool {
	return u.all() || route != "" && slices.Contains(u.Routes, route)
}

func (u *User) all() bool { return u.Routes == nil }

// same reports whether two entries of a name give the same rights to the same
// password.
func (u *User) same(other *User) bool {
	return u.Role == other.Role && u.all() == other.all() && slices.Equal(u.Routes, other.Routes) && bytes.Equal(u.hash, other.hash)
}

// Steers reports whether the user may start and change migrations.
func (u *User) Steers() bool { return u.Role == Operator }

// Access says who may use the dashboard.
type Access struct {
	// Users by their names; none: whoever reaches the address is an operator of
	// all routes, so it must be loopback.
	Users []User
	// UserHeader is where a proxy in Proxies names the user. It is not looked at
	// in a request that comes from elsewhere.
	UserHeader string
	Proxies    []netip.Prefix
	// UsersFile is where Users come from. It is read again when it has changed.
	// Empty: the users never change.
	UsersFile string
	usersSum  [sha256.Size]byte // of the file as Users were read from it; else it is read again at once
}

var (
	userName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$`)
	routeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
)

const (
	maxUsers = 10_000
	// maxCost bounds how long one check of a password takes, to about a second. A
	// hash of cost 31 takes days, and one such user would hold up everybody.
	maxCost = 14
	// maxUsersFile bounds a users file, in bytes.
	maxUsersFile = 4 << 20
)

// readUsersFile reads the users, unless others can read or change the file:
// who has a hash can guess its password in peace. sum names what was read.
func readUsersFile(name string) (users []User, sum [sha256.Size]byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, sum, fmt.Errorf("dashboard.users_file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, sum, fmt.Errorf("dashboard.users_file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 && runtime.GOOS != "windows" {
		return nil, sum, fmt.Errorf("dashboard.users_file: %s may be read or changed by others (mode %04o), and it holds password hashes: chmod 600 it", name, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxUsersFile+1))
	if err == nil && len(text) > maxUsersFile {
		err = fmt.Errorf("it is larger than %d bytes", maxUsersFile)
	}
	sum = sha256.Sum256(text)
	if err == nil {
		users, err = ReadUsers(bytes.NewReader(text))
	}
	if err != nil {
		return nil, sum, fmt.Errorf("dashboard.users_file: %s: %w", name, err)
	}
	return users, sum, nil
}

// ReadUsers reads one user a line: name:bcrypt hash:role:routes, where routes
// are separated by commas or * for all. Empty lines and lines that begin with #
// are skipped. The error names the line and never shows a hash.
func ReadUsers(r io.Reader) ([]User, error) {
	var users []User
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		u, err := parseUser(line)
		if err == nil && seen[u.Name] {
			err = fmt.Errorf("user %s is there twice", u.Name)
		}
		if err == nil && len(users) == maxUsers {
			err = fmt.Errorf("there are more than %d users", maxUsers)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		seen[u.Name] = true
		users = append(users, u)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(users) == 0 {
		return nil, fmt.Errorf("there is no user (write name:bcrypt hash:role:routes)")
	}
	return users, nil
}

func parseUser(line string) (User, error) {
	parts := strings.Split(line, ":")
	if len(parts) != 4 {
		return User{}, fmt.Errorf("there are %d parts, not name:bcrypt hash:role:routes", len(parts))
	}
	u := User{Name: parts[0], hash: []byte(parts[1]), Role: Role(parts[2])}
	if !userName.MatchString(u.Name) {
		return u, fmt.Errorf("the name must match %s", userName)
	}
	if len(u.hash) > 0 {
		cost, err := bcrypt.Cost(u.hash)
		if err != nil {
			return u, fmt.Errorf("user %s: the hash is not one of bcrypt (make one with `htpasswd -nB %s`)", u.Name, u.Name)
		}
		if cost > maxCost {
			return u, fmt.Errorf("user %s: the hash has cost %d, and every sign-in would take that long; the most is %d (make one with `htpasswd -nB -C 12 %s`)",
				u.Name, cost, maxCost, u.Name)
		}
	}
	if u.Role != Viewer && u.Role != Operator {
		return u, fmt.Errorf("user %s: the role is neither %s nor %s", u.Name, Viewer, Operator)
	}
	if parts[3] == "*" {
		return u, nil
	}
	u.Routes = strings.Split(parts[3], ",")
	for _, route := range u.Routes {
		if !routeName.MatchString(route) {
			return u, fmt.Errorf("user %s: %q is not a route (separate routes by commas; * stands for all)", u.Name, route)
		}
	}
	return u, nil
}
