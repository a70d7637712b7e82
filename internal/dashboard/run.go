package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/ferryworker"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
)

const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
	// stopTimeout is what requests under way get to finish.
	stopTimeout = 5 * time.Second
)

// RunOptions are what a program hands to Run.
type RunOptions struct {
	Config    *config.Config
	Env       temporalconn.Env // for Temporal's own settings; nil: the process's
	DefaultBy string           // proposed as who asks, where nobody signs in
	Log       *slog.Logger
	Ready     func(address string) // called once it listens; may be nil
}

// Run serves the dashboard until ctx ends, which is no error. The error says
// what is missing or unreachable, with its remedy.
func Run(ctx context.Context, o RunOptions) error {
	c := o.Config
	if err := c.ValidateDashboard(); err != nil {
		return err
	}
	access, err := accessOf(c.Dashboard)
	if err != nil {
		return err
	}
	store, err := objectstore.New(ctx, ferryworker.StoreOptions(c.S3))
	if err != nil {
		return err
	}
	temporal, err := temporalconn.Dial(ctx, c.Temporal, o.Env, o.Log)
	if err != nil {
		return err
	}
	defer temporal.Close()
	connection, err := temporalconn.Options(c.Temporal, o.Env)
	if err != nil {
		return err
	}
	server, err := New(ctx, Options{
		Engine: operator.New(temporal, c.Temporal), Store: store, Access: access,
		PublicURL: c.Dashboard.PublicURL, TemporalUI: c.Dashboard.TemporalUI, Namespace: connection.Namespace,
		DefaultBy: o.DefaultBy, MaxUpload: int64(c.Dashboard.MaxUploadMB) << 20, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("dashboard: %w", err)
	}
	defer server.Close()
	return serve(ctx, server, o)
}

// accessOf reads who may use the dashboard.
func accessOf(d config.Dashboard) (Access, error) {
	proxies, err := d.Proxies()
	if err != nil {
		return Access{}, fmt.Errorf("dashboard.trusted_proxies: %w", err)
	}
	access := Access{UserHeader: d.UserHeader, Proxies: proxies}
	if d.UsersFile == "" {
		return access, nil
	}
	access.UsersFile = d.UsersFile
	access.Users, access.usersSum, err = readUsersFile(d.UsersFile)
	return access, err
}

func serve(ctx context.Context, server *Server, o RunOptions) error {
	d := o.Config.Dashboard
	listener, err := net.Listen("tcp", d.Address)
	if err != nil {
		return fmt.Errorf("dashboard.address: %w", err)
	}
	if !d.Loopback() && d.TLSCertFile == "" && d.AllowHTTP {
		o.Log.Warn("Passwords may cross the network unencrypted, as dashboard.allow_http says.")
	}
	web := &http.Server{
		Handler: server.Handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() {
		if d.TLSCertFile != "" {
			ended <- web.ServeTLS(listener, d.TLSCertFile, d.TLSKeyFile)
			return
		}
		ended <- web.Serve(listener)
	}()
	o.Log.Info("The dashboard is listening.", "address", listener.Addr().String())
	if o.Ready != nil {
		o.Ready(listener.Addr().String())
	}
	select {
	case err := <-ended:
		return fmt.Errorf("dashboard: %w", err)
	case <-ctx.Done():
	}
	server.Close() // ends the event streams, which Shutdown would wait for
	down, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := web.Shutdown(down); errors.Is(err, context.DeadlineExceeded) {
		return web.Close()
	} else if err != nil {
		return err
	}
	return nil
}
