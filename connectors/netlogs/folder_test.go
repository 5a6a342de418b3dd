package netlogs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// folder is a folder of logs.
type folder struct {
	t   testing.TB
	dir string
}

func newFolder(t testing.TB) *folder { return &folder{t, t.TempDir()} }

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) check(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// add appends to a file.
func (f *folder) add(name, text string) {
	f.t.Helper()
	f.check(os.MkdirAll(filepath.Dir(f.path(name)), 0o755))
	file, err := os.OpenFile(f.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	f.check(err)
	_, err = file.WriteString(text)
	f.check(err)
	f.check(file.Close())
}

func (f *folder) move(from, to string) {
	f.t.Helper()
	f.check(os.Rename(f.path(from), f.path(to)))
}

// pack replaces a file by its compressed form.
func (f *folder) pack(name string) {
	f.t.Helper()
	raw, err := os.ReadFile(f.path(name))
	f.check(err)
	f.check(os.WriteFile(f.path(name+".gz"), gzipped(f.t, raw), 0o644))
	f.check(os.Remove(f.path(name)))
}

func gzipped(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// old makes a file look as if nobody had written to it for a while.
func (f *folder) old(name string, age time.Duration) {
	f.t.Helper()
	at := time.Now().Add(-age)
	f.check(os.Chtimes(f.path(name), at, at))
}

func (f *folder) log(name, sub string) map[string]any {
	return map[string]any{"name": name, "paths": []string{f.path(sub)}}
}

func (f *folder) config(settings map[string]any) connector.Config {
	f.t.Helper()
	raw, err := json.Marshal(settings)
	f.check(err)
	return connector.Config{Settings: raw, Secrets: map[string]string{secretSalt: testSalt}}
}

// collect runs the connector once.
func collect(t testing.TB, c connector.Config, prev *connectortest.Recorder) (*connectortest.Recorder, connector.KindCoverage) {
	t.Helper()
	return collectAs(t, connector.Request{Config: c}, prev)
}

func collectAs(t testing.TB, req connector.Request, prev *connectortest.Recorder) (*connectortest.Recorder, connector.KindCoverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, &Connector{signatures: loaded}, req, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov[records.KindActivity]
}

// store is what a host has on record: the last content of every key.
type store map[string]string

func (s store) take(rec *connectortest.Recorder) {
	for _, r := range rec.Records() {
		s[r.Key] = r.EventTime.String() + string(r.Payload)
	}
}

func squidLine(at time.Time, client, method, url string) string {
	return fmt.Sprintf("%d.123    345 %s TCP_TUNNEL/200 4321 %s %s ann HIER_DIRECT/192.0.2.1 -\n", at.Unix(), client, method, url)
}

func dnsmasqLine(at time.Time, client, name string) string {
	return fmt.Sprintf("%s dnsmasq[12]: query[A] %s from %s\n", at.UTC().Format(time.Stamp), name, client)
}

func signatures(t testing.TB) *aisign.Set {
	t.Helper()
	set, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// loaded is the signatures, read once for all tests.
var loaded = sync.OnceValues(aisign.Load)
