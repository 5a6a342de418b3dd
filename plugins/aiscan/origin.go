package aiscan

import (
	"net/url"
	"strings"
)

// Origin is the owner/name of the repository that a clone came from, as the
// address of its remote origin has it; empty if there is none. Of an address
// with more parts, as GitLab's groups make them, all of them are given.
func Origin(dir string) string {
	s, err := openGit(dir)
	if err != nil {
		return ""
	}
	defer func() { _ = s.Close() }() // only read
	cfg, err := s.Config()
	if err != nil {
		return ""
	}
	remote := cfg.Remotes["origin"]
	if remote == nil || len(remote.URLs) == 0 {
		return ""
	}
	return nameOf(remote.URLs[0])
}

// nameOf takes the path of an address: of https://host/owner/name.git, or of
// git@host:owner/name. A path on this machine names nothing.
func nameOf(address string) string {
	path := ""
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		path = u.Path
	} else if host, rest, ok := strings.Cut(address, ":"); ok && !strings.HasPrefix(rest, "//") && !strings.ContainsAny(host, `/\`) && len(host) > 1 {
		path = rest
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	if !strings.Contains(path, "/") {
		return ""
	}
	return cleanText(path, 200)
}
