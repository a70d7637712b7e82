package dashboard

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
)

// manualClock goes on when it is told.
type manualClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *manualClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *manualClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// line is a user of the tests as the users file has them.
func line(u User) string {
	routes := "*"
	if !u.all() {
		routes = strings.Join(u.Routes, ",")
	}
	return fmt.Sprintf("%s:%s:%s:%s\n", u.Name, u.hash, u.Role, routes)
}

// setupFile serves a dashboard whose users are in a file.
func setupFile(t *testing.T, users ...User) (*bundle, *manualClock, func(text string)) {
	t.Helper()
	clock := &manualClock{at: began}
	file := filepath.Join(t.TempDir(), "users")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	var text strings.Builder
	for _, u := range users {
		text.WriteString(line(u))
	}
	write(text.String())
	access, err := accessOf(config.Dashboard{UsersFile: file})
	require.NoError(t, err)
	b := setupWith(t, Options{Access: access, Now: clock.now})
	return b, clock, write
}

func TestUsersFileThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(file, []byte(line(olga)), 0o600))
	for mode, fine := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o440: true, 0o640: true,
		0o644: false, 0o604: false, 0o444: false, 0o660: false, 0o602: false, 0o601: false,
	} {
		require.NoError(t, os.Chmod(file, mode))
		_, _, err := readUsersFile(file)
		if fine {
			require.NoError(t, err, mode)
			continue
		}
		require.ErrorContains(t, err, "may be read or changed by others", mode)
		require.ErrorContains(t, err, "chmod 600")
	}
}

// A hash of cost 31 takes days to check, also for users that there aren't.
func TestPasswordHashesThatTakeTooLongAreRefused(t *testing.T) {
	t.Parallel()
	for _, cost := range []string{"31", "15"} {
		slow := strings.Replace(string(olga.hash), "$04$", "$"+cost+"$", 1)
		_, err := ReadUsers(strings.NewReader("olga:" + slow + ":operator:*\n"))
		require.ErrorContains(t, err, "line 1: user olga: the hash has cost "+cost)
		require.ErrorContains(t, err, "the most is 14")
		require.NotContains(t, err.Error(), slow)
	}
}

func TestUserWhoIsRemovedLosesAccessAtOnce(t *testing.T) {
	t.Parallel()
	b, clock, write := setupFile(t, olga, vera, pia)
	b.running("run-1", "acme-nova")
	require.Equal(t, http.StatusOK, b.get("/", "vera").status)
	require.Equal(t, http.StatusOK, b.get("/start", "pia").status)

	demoted := pia
	demoted.Role = Viewer
	write(line(olga) + line(demoted) + line(otto))
	clock.advance(lookEvery)
	require.Equal(t, http.StatusUnauthorized, b.get("/", "vera").status, "her sign-in was remembered")
	require.Equal(t, http.StatusForbidden, b.get("/start", "pia").status)
	require.Equal(t, http.StatusOK, b.get("/", "otto").status, "who was added may come in")

	changed := pia
	changed.hash = olga.hash
	write(line(olga) + line(changed))
	clock.advance(lookEvery)
	require.Equal(t, http.StatusUnauthorized, b.get("/", "pia").status, "the old password was remembered")
}

func TestStreamsOfAUserWhoIsRemovedEnd(t *testing.T) {
	t.Parallel()
	b, clock, write := setupFile(t, olga, vera)
	b.running("run-1", "acme-nova")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.web.URL+"/migrations/run-1/events", http.NoBody)
	require.NoError(t, err)
	r.SetBasicAuth("vera", "vera")
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	write(line(olga))
	clock.advance(lookEvery)
	require.Contains(t, readAll(t, res.Body), "retry:", "it is read to its end")
}

func TestUsersFileWithAMistakeKeepsTheLastGoodOne(t *testing.T) {
	t.Parallel()
	b, clock, write := setupFile(t, olga, vera)
	for _, bad := range []string{"", "olga\n", line(olga) + "vera:plain:viewer:*\n"} {
		write(bad)
		clock.advance(lookEvery)
		require.Equal(t, http.StatusOK, b.get("/", "olga").status)
		require.Equal(t, http.StatusOK, b.get("/", "vera").status)
	}
	require.Contains(t, b.log.String(), "The users file can't be used")
	require.Contains(t, b.log.String(), "line 1: there are 1 parts")
	require.NotContains(t, b.log.String(), "plain")
	said := strings.Count(b.log.String(), "can't be used")
	clock.advance(lookEvery)
	b.get("/", "olga")
	require.Equal(t, said, strings.Count(b.log.String(), "can't be used"), "once for each mistake")

	write(line(olga))
	clock.advance(lookEvery)
	require.Equal(t, http.StatusUnauthorized, b.get("/", "vera").status)
	require.Contains(t, b.log.String(), "was read again")
}

func TestWrongPasswordsHaveToWait(t *testing.T) {
	t.Parallel()
	clock := &manualClock{at: began}
	b := setupWith(t, Options{Access: Access{Users: []User{olga, vera}}, Now: clock.now})
	try := func(name, password string) answer {
		return b.ask(http.MethodGet, "/", "", http.NoBody, func(r *http.Request) { r.SetBasicAuth(name, password) })
	}
	for range triesPerUser {
		require.Equal(t, http.StatusUnauthorized, try("olga", "guess").status)
	}
	a := try("olga", "guess")
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Equal(t, "6", a.header.Get("Retry-After"))
	require.Contains(t, a.body, "Try again in 6 seconds")
	require.Equal(t, http.StatusTooManyRequests, try("olga", "olga").status, "what is right can't be found out either")
	require.Equal(t, http.StatusOK, try("vera", "vera").status, "another user from there is let in")

	clock.advance(userEvery)
	require.Equal(t, http.StatusOK, try("olga", "olga").status)
	for range triesPerUser {
		try("olga", "guess")
	}
	require.Equal(t, http.StatusTooManyRequests, try("olga", "guess").status)
	require.Equal(t, http.StatusOK, try("olga", "olga").status, "who has signed in stays so")

	// Names that there aren't have to wait as those that there are.
	for i := range triesPerAddress {
		try(fmt.Sprintf("nobody-%d", i), "guess")
	}
	a = try("someone-else", "guess")
	require.Equal(t, http.StatusTooManyRequests, a.status, "the address has had its tries")
	require.NotEmpty(t, a.header.Get("Retry-After"))
}

func TestRightPasswordsCostNothing(t *testing.T) {
	t.Parallel()
	clock := &manualClock{at: began}
	b := setupWith(t, Options{Access: Access{Users: []User{olga}}, Now: clock.now})
	for range 2 * triesPerAddress {
		clock.advance(signInLasts) // so that it is checked anew, in more time than a try takes back
		require.Equal(t, http.StatusOK, b.get("/", "olga").status)
	}
}

func TestSignInsExpireAndAreBounded(t *testing.T) {
	t.Parallel()
	clock := &manualClock{at: began}
	s, err := newSignIns(clock.now)
	require.NoError(t, err)
	first := s.sum("olga", olga.hash, "olga")
	s.remember(first)
	require.True(t, s.known(first))
	require.False(t, s.known(s.sum("olga", vera.hash, "olga")))
	require.NotEqual(t, s.sum("a", []byte("bc"), "d"), s.sum("ab", []byte("c"), "d"))
	clock.advance(signInLasts)
	require.False(t, s.known(first))
	for i := range 3 * maxSignIns {
		clock.advance(time.Millisecond)
		latest := s.sum("olga", nil, fmt.Sprint(i))
		s.remember(latest)
		require.True(t, s.known(latest))
		require.LessOrEqual(t, len(s.until), maxSignIns)
	}
}

func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	clock := &manualClock{at: began}
	l := newTries(2, time.Second, clock.now)
	l.count("guesser")
	l.count("guesser")
	for i := range 5 * maxTried {
		l.count(fmt.Sprint(i))
		if i%maxTried == 0 {
			require.Equal(t, time.Second, l.wait("guesser"), "who goes on trying is not forgotten")
		}
	}
	require.LessOrEqual(t, len(l.of), maxTried)
	require.LessOrEqual(t, len(l.before), maxTried)
	require.Equal(t, time.Duration(0), l.wait("0"))
}

func TestAddressOfARequest(t *testing.T) {
	t.Parallel()
	d := &doorkeeper{access: Access{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	for _, c := range []struct{ remote, forwarded, from string }{
		{"192.0.2.7:1000", "198.51.100.1", "192.0.2.7"},
		{"10.0.0.1:1000", "", "10.0.0.1:1000"},
		{"10.0.0.1:1000", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"},
		{"10.0.0.1:1000", "forged, 198.51.100.1", "198.51.100.1"},
		{"[2001:db8:1:2:3::4]:1000", "", "2001:db8:1:2::/64"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		require.Equal(t, c.from, d.addressOf(r), c)
	}
}

func TestHostIsCheckedWhereThereIsAPublicURL(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{Access: Access{Users: []User{olga}}, PublicURL: "https://ferry.example.com"})
	for host, status := range map[string]int{
		"ferry.example.com": http.StatusOK, "FERRY.example.com:443": http.StatusOK, "127.0.0.1:8088": http.StatusOK,
		"evil.example": http.StatusForbidden, "ferry.example.com:8443": http.StatusForbidden, "ferry.example.com.evil.example": http.StatusForbidden,
	} {
		a := b.ask(http.MethodGet, "/", "olga", http.NoBody, func(r *http.Request) { r.Host = host })
		require.Equal(t, status, a.status, host)
	}
}

func TestPublicURLWithoutUsersIsRefused(t *testing.T) {
	t.Parallel()
	_, err := New(t.Context(), Options{PublicURL: "https://ferry.example.com", Log: testLog()})
	require.ErrorContains(t, err, "without users")
}

// Whether another route's migration exists, is looked at by somebody or can be
// asked at all makes no difference to what is asked before a refusal.
func TestRefusalsDoNotTellWhatThereIs(t *testing.T) {
	t.Parallel()
	b := setup(t, olga, otto)
	b.running("run-1", "acme-nova")
	b.finished("old-1", "acme-nova", "COMPLETED")
	require.Equal(t, http.StatusOK, b.get("/migrations/run-1", "olga").status, "its feed is at work")
	b.engine.mu.Lock()
	b.engine.stuck = map[string]bool{"run-1": true, "old-1": true}
	b.engine.mu.Unlock()
	for _, id := range []string{"none", "run-1", "old-1"} {
		described, read := b.engine.count("describe"), b.store.readCount()
		b.server.clock = clock{now: func() time.Time { return began }, wait: b.server.clock.wait}
		a := b.get("/migrations/"+id, "otto")
		require.Equal(t, http.StatusNotFound, a.status)
		if id != "run-1" { // whose feed goes on for olga
			require.Equal(t, 1, b.engine.count("describe")-described, id)
		}
		require.LessOrEqual(t, b.store.readCount()-read, 1, id)
		b.server.hub.mu.Lock()
		_, polled := b.server.hub.feeds[id]
		b.server.hub.mu.Unlock()
		require.Equal(t, id == "run-1", polled, "a refusal makes nobody poll")
	}
	b.engine.mu.Lock()
	b.engine.away = errAway
	b.engine.mu.Unlock()
	for _, id := range []string{"none", "run-1", "old-1"} {
		require.Equal(t, http.StatusServiceUnavailable, b.get("/migrations/"+id, "otto").status)
	}
}

func TestUntilStep(t *testing.T) {
	t.Parallel()
	require.Equal(t, time.Second, untilStep(0, time.Second))
	require.Equal(t, time.Millisecond, untilStep(999*time.Millisecond, time.Second))
	require.Equal(t, 500*time.Millisecond, untilStep(2500*time.Millisecond, time.Second))
}
