package objectstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// Over https the SDK signs and checks bodies in other ways than over http.
func TestEverythingWorksOverTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	secure, err := devstack.StartS3(t.Context(), devstack.S3Options{Dir: t.TempDir(), CertFile: cert, KeyFile: key})
	require.NoError(t, err)
	t.Cleanup(secure.Stop)
	o := optionsOf(t, secure)
	o.CAFile = cert
	s := open(t, o)

	require.NoError(t, s.CheckConditionalPut(t.Context()))
	require.NoError(t, s.Put(t.Context(), s.Work("small"), []byte("small"), "text/plain"))
	part, err := s.ReadRange(t.Context(), s.Work("small"), 1, 3)
	require.NoError(t, err)
	require.Equal(t, "mal", string(part))
	content := random(t, 2*partSize+7)
	w := s.Create(t.Context(), s.Work("large"), "text/plain")
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	requireContent(t, s, w.Object(), content)
	requireOneWinner(t, s, s.Work("claim"))

	o.CAFile, o.attempts = "", 1
	_, err = newStore(t, o).Head(t.Context(), s.Work("small"))
	requireFault(t, err, fault.CodeStoreFault, fault.Retryable)
	require.ErrorContains(t, err, "certificate signed by unknown authority")
}

func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", private)
}
