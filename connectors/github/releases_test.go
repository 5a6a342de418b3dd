package github_test

import (
	"fmt"
	"testing"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func readReleases(h *host, f *fakeGitHub) connector.Coverage {
	h.t.Helper()
	return h.mustCollect(f, everything(), onlyKinds(github.KindRelease))
}

// A tag that moves after its release shows, although the release did not
// change. Downloads are no change.
func TestReleaseTagMoves(t *testing.T) {
	f, h := newInventory(t)
	readReleases(h, f)
	f.set("/repos/acme/app/tags", []any{obj{"name": "v1.1", "commit": obj{"sha": sha("moved")}}, obj{"name": "v1.0", "commit": obj{"sha": sha("root")}},
		obj{"name": "unrelated", "commit": obj{"sha": sha("x")}}})
	if readReleases(h, f); h.revisions != 1 || h.payloads(github.KindRelease)["901"]["sha"] != sha("moved") {
		t.Errorf("%d revisions, %v", h.revisions, h.payloads(github.KindRelease)["901"])
	}
	if readReleases(h, f); counted(h) != 0 || h.revisions != 0 {
		t.Errorf("again: %d counted calls, %d revisions", counted(h), h.revisions)
	}
	f.set("/repos/acme/app/releases", []any{releaseJSON(901, "v1.1", day(11)), releaseJSON(900, "v1.0", day(3), "assets", []any{
		obj{"name": "model.bin", "size": 10, "digest": "sha256:aa", "content_type": "application/octet-stream", "created_at": day(3), "download_count": 8}})})
	if readReleases(h, f); counted(h) != 1 || h.revisions != 0 {
		t.Errorf("a download: %d counted calls, %d revisions", counted(h), h.revisions)
	}
}

func TestReleasesOddities(t *testing.T) {
	f, h := newInventory(t)
	f.set("/repos/acme/app/releases", []any{
		releaseJSON(1, "untagged-abc", day(1), "draft", true, "published_at", nil, "author", nil),
		releaseJSON(2, "gone", day(2), "prerelease", true, "immutable", nil),
		releaseJSON(3, "v\u0000\nx", day(3), "name", "a\u202eb", "html_url", "javascript:alert(1)"),
		releaseJSON(4, "old", "2020-01-01T00:00:00Z"),
		releaseJSON(5, "soon", "2999-01-01T00:00:00Z"),
	})
	cov := readReleases(h, f)
	got := h.payloads(github.KindRelease)
	if len(got) != 3 || got["1"]["draft"] != true || got["1"]["author"] != "ghost" || got["2"]["sha"] != nil || got["2"]["immutable"] != nil || got["3"]["name"] != "a b" {
		t.Errorf("%v", got)
	}
	if h.records[github.KindRelease+" 1"].EventTime.Format("2006-01-02T15:04:05Z07:00") != day(1) || h.records[github.KindRelease+" 3"].URL != "" {
		t.Errorf("%+v", h.records)
	}
	if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Malformed || cov[github.KindRelease].Status != connector.Partial {
		t.Errorf("one of the future: gaps %+v", h.gaps)
	}
}

// Without releases nobody asks for tags; with more tags than are listed, those
// of releases are looked up, annotated ones too.
func TestReleaseTagsLookedUp(t *testing.T) {
	f, h := newInventory(t)
	f.set("/repos/acme/app/releases", []any{})
	f.took()
	readReleases(h, f)
	for _, a := range f.took() {
		if a == "/repos/acme/app/tags?page=1&per_page=100" {
			t.Error("asked for tags without a release")
		}
	}
	tags := make([]any, 0, 2100)
	for i := range 2100 {
		tags = append(tags, obj{"name": fmt.Sprintf("nightly-%04d", i), "commit": obj{"sha": sha("n")}})
	}
	const ref = "/repos/acme/app/git/ref/tags/"
	f.set("/repos/acme/app/tags", tags, "/repos/acme/app/releases", []any{releaseJSON(1, "rel/a", day(1)), releaseJSON(2, "b", day(2)), releaseJSON(3, "c", day(3)),
		releaseJSON(4, "nightly-0001", day(4))},
		ref+"rel/a", obj{"object": obj{"type": "commit", "sha": sha("a")}},
		ref+"b", obj{"object": obj{"type": "tag", "sha": sha("annotated")}}, "/repos/acme/app/git/tags/"+sha("annotated"), obj{"object": obj{"type": "commit", "sha": sha("b")}})
	readReleases(h, f)
	got := h.payloads(github.KindRelease)
	if got["1"]["sha"] != sha("a") || got["2"]["sha"] != sha("b") || got["3"]["sha"] != nil || got["4"]["sha"] != sha("n") || len(h.gaps) > 0 {
		t.Errorf("%v, gaps %+v", got, h.gaps)
	}
}

// An earlier start than last time brings the older releases.
func TestReleasesFurtherBack(t *testing.T) {
	f, h := newInventory(t)
	h.mustCollect(f, everything("since", "2026-03-10"), onlyKinds(github.KindRelease))
	if got := h.keys(github.KindRelease); len(got) != 1 {
		t.Errorf("%v", got)
	}
	cov := readReleases(h, f)
	if got := h.keys(github.KindRelease); len(got) != 2 || cov[github.KindRelease].Since.Format("2006-01-02") != "2026-01-01" {
		t.Errorf("%v, %+v", got, cov)
	}
}
