//go:build peers

package netlogs

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// started is a server that others wrote, on a port of the loopback.
type started struct {
	t    *testing.T
	name string
	port string
	cmd  *exec.Cmd
	done chan error
}

// start runs a server until stop and waits until its port is taken.
func start(t *testing.T, name, port, network, out string, args ...string) *started {
	t.Helper()
	s := &started{t: t, name: name, port: port, done: make(chan error, 1)}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), peertest.Which(t, args[0]), args[1:]...)
	if out != "" {
		file, err := os.Create(out)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		s.cmd.Stdout, s.cmd.Stderr = file, file
	}
	s.cmd.SysProcAttr = peertest.DieWithParent()
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(s.stop)
	for range 300 {
		if network == "tcp" {
			if c, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", "127.0.0.1:"+port); err == nil {
				c.Close()
				return s
			}
		} else if ask(t, port, "ready.example.org") {
			return s
		}
		time.Sleep(100 * time.Millisecond)
	}
	raw, err := os.ReadFile(out)
	t.Fatalf("%s does not answer\n%s %v", name, raw, err)
	return nil
}

// stop ends the server, so that its log is whole.
func (s *started) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // gone already is as good
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	s.cmd = nil
}

// port is one that nobody listens on, neither by TCP nor by UDP.
func port(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// ask looks a name up, and reports whether the server answered anything.
func ask(t *testing.T, port, name string) bool {
	t.Helper()
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", "127.0.0.1:"+port)
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := r.LookupIP(ctx, "ip4", name+".")
	if err == nil {
		return true
	}
	return !strings.Contains(err.Error(), "refused") && !strings.Contains(err.Error(), "timeout")
}

// asked are the names that every server is asked for, and what is to be on
// record of them.
var asked = []string{"www.example.org", "api.openai.com", "API.Anthropic.COM", "chatgpt.com", "api.openai.com.evil.example", "api.openai.com"}

// fromNames checks what was read of a name server's log.
func fromNames(t *testing.T, server string, f *folder, more map[string]any) {
	t.Helper()
	log := f.log("names", "log*")
	for k, v := range more {
		log[k] = v
	}
	rec, cov := collect(t, f.config(map[string]any{"logs": []any{log}}), nil)
	got := map[string]int64{}
	for _, r := range rec.Records() {
		p := connectortest.Payload(t, r)
		got[fmt.Sprint(p["channel"], " ", p["rules"], " ", p["actors"])] += number64(p["requests"])
	}
	want := map[string]int64{"dns [openai/hosts] 1": 2, "dns [openai/web] 1": 1, "dns [anthropic/hosts] 1": 1}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %s: %d, want %d; %v %v", server, k, got[k], n, got, rec.Gaps())
		}
	}
	if len(got) != len(want) || len(rec.Gaps()) != 0 || cov.Status != connector.Complete {
		t.Errorf("%s: %v, gaps %v, %+v", server, got, rec.Gaps(), cov)
	}
	connectortest.Peer(t, server, rec.Kinds())
}

func TestRealNameServers(t *testing.T) {
	user := "root"
	if os.Geteuid() != 0 {
		user = ""
	}
	for server, run := range map[string]func(t *testing.T, f *folder, port string) (*started, map[string]any){
		"unbound": func(t *testing.T, f *folder, port string) (*started, map[string]any) {
			f.add("conf", "server:\n interface: 127.0.0.1@"+port+"\n do-daemonize: no\n use-syslog: no\n logfile: "+f.path("log")+"\n log-queries: yes\n log-replies: yes\n"+
				" username: \"\"\n chroot: \"\"\n pidfile: "+f.path("pid")+"\n directory: "+f.dir+"\n local-zone: \".\" redirect\n local-data: \". A 127.0.0.1\"\nremote-control:\n control-enable: no\n")
			return start(t, "unbound", port, "udp", "", "unbound", "-d", "-c", f.path("conf")), nil
		},
		"dnsmasq": func(t *testing.T, f *folder, port string) (*started, map[string]any) {
			args := []string{"dnsmasq", "-k", "-p", port, "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--address=/#/127.0.0.1",
				"--log-queries", "--log-facility=" + f.path("log"), "--pid-file=", "--conf-file=/dev/null"}
			if user != "" {
				args = append(args, "--user="+user)
			}
			return start(t, "dnsmasq", port, "udp", "", args...), localTime()
		},
		"dnsmasq with extra": func(t *testing.T, f *folder, port string) (*started, map[string]any) {
			args := []string{"dnsmasq", "-k", "-p", port, "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--address=/#/127.0.0.1",
				"--log-queries=extra", "--log-facility=" + f.path("log"), "--pid-file=", "--conf-file=/dev/null"}
			if user != "" {
				args = append(args, "--user="+user)
			}
			return start(t, "dnsmasq", port, "udp", "", args...), localTime()
		},
		"BIND 9": func(t *testing.T, f *folder, port string) (*started, map[string]any) {
			f.add("zone", "$TTL 60\n@ SOA ns. root. 1 60 60 60 60\n@ NS ns.\n* A 127.0.0.1\n")
			f.add("named.conf", `options { querylog yes; directory "`+f.dir+`"; listen-on port `+port+` { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none; session-keyfile none; };
controls { };
zone "." { type primary; file "`+f.path("zone")+`"; };
logging { channel q { file "`+f.path("log")+`"; print-time yes; print-category yes; print-severity yes; }; category queries { q; }; };
`)
			return start(t, "named", port, "udp", "", "named", "-f", "-c", f.path("named.conf")), localTime()
		},
		"CoreDNS 1.12.4": func(t *testing.T, f *folder, port string) (*started, map[string]any) {
			f.add("Corefile", ".:"+port+" {\n bind 127.0.0.1\n log\n template IN A {\n  answer \"{{ .Name }} 60 IN A 127.0.0.1\"\n }\n}\n")
			return start(t, "CoreDNS", port, "udp", f.path("log"), peertest.Path(t, "coredns", "coredns"), "-conf", f.path("Corefile")), map[string]any{"undated": "file_time"}
		},
	} {
		t.Run(server, func(t *testing.T) {
			f, port := newFolder(t), port(t)
			s, more := run(t, f, port)
			for _, name := range asked {
				ask(t, port, name)
			}
			time.Sleep(200 * time.Millisecond)
			s.stop()
			fromNames(t, strings.TrimSuffix(server, " with extra"), f, more)
		})
	}
}

// localTime is for logs that are written in the machine's own zone.
func localTime() map[string]any {
	if name := time.Local.String(); name != "Local" {
		return map[string]any{"time_zone": name}
	}
	if to, err := os.Readlink("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(to, "/zoneinfo/"); ok {
			return map[string]any{"time_zone": strings.TrimPrefix(name, "Etc/")}
		}
	}
	return nil
}

func TestRealSquid(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer origin.Close()
	at := origin.Listener.Addr().(*net.TCPAddr).Port
	f, port := newFolder(t), port(t)
	f.check(os.Chmod(f.dir, 0o777)) // it runs as another user
	f.check(os.Chmod(filepath.Dir(f.dir), 0o755))
	f.add("hosts", "127.0.0.1 api.openai.com chatgpt.com www.example.org\n")
	const custom = `%tl %>a "%rm %ru" %Ss/%03>Hs %>st "%{User-Agent}>h" %[un`
	f.add("squid.conf", "http_port 127.0.0.1:"+port+"\nhosts_file "+f.path("hosts")+"\nacl bad dstdomain claude.ai\nhttp_access deny bad\nhttp_access allow all\ncache deny all\n"+
		"pid_filename "+f.path("pid")+"\ncache_log "+f.path("cache.log")+"\nlogformat long "+custom+"\naccess_log stdio:"+f.path("native")+" squid\naccess_log stdio:"+f.path("combined")+
		" combined\naccess_log stdio:"+f.path("custom")+" long\ncoredump_dir "+f.dir+"\nshutdown_lifetime 1 seconds\npinger_enable off\n"+
		map[bool]string{true: "cache_effective_user proxy\n", false: ""}[os.Geteuid() == 0])
	s := start(t, "squid", port, "tcp", f.path("out"), "squid", "-N", "-n", "exhibit"+port, "-f", f.path("squid.conf"))
	proxy := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port}), DisableKeepAlives: true}}
	for _, host := range []string{"www.example.org", "api.openai.com", "chatgpt.com", "claude.ai", "api.openai.com"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://%s:%d/v1/x", host, at), strings.NewReader("0123456789"))
		f.check(err)
		req.Header.Set("User-Agent", "OpenAI/Python 1.99.1")
		resp, err := proxy.Do(req)
		f.check(err)
		resp.Body.Close()
	}
	s.stop()
	for name, log := range map[string]map[string]any{"native": {}, "combined": {}, "custom": {"format": "logformat", "logformat": custom}} {
		log["name"], log["paths"] = name, []string{f.path(name)}
		rec, cov := collect(t, f.config(map[string]any{"logs": []any{log}}), nil)
		got := map[string]string{}
		for _, r := range rec.Records() {
			p := connectortest.Payload(t, r)
			got[p["provider"].(string)+" "+p["place"].(string)] = fmt.Sprint(p["requests"], " ", p["blocked"], " ", p["bytes_out"] != nil, " ", len(p["rules"].([]any)))
		}
		agent := map[string]string{"native": "1", "combined": "2", "custom": "2"}[name]
		size := fmt.Sprint(name == "custom")
		for k, want := range map[string]string{
			"openai all": "2 0 " + size + " " + agent, "openai people/all": "1 0 " + size + " " + agent, "anthropic people/all": "1 1 " + size + " " + agent,
		} {
			if got[k] != want {
				t.Errorf("%s: %s: %q, want %q", name, k, got[k], want)
			}
		}
		if len(got) != 3 || len(rec.Gaps()) != 0 || cov.Status != connector.Complete {
			t.Errorf("%s: %v, gaps %v, %+v", name, got, rec.Gaps(), cov)
		}
		connectortest.Peer(t, "squid", rec.Kinds())
	}
}
