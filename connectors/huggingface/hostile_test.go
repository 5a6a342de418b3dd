package huggingface

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// A name that now leads to another's repository gives no evidence of what was
// named.
func TestRepositoryOfAnotherName(t *testing.T) {
	f := newFake(t)
	f.fill()
	f.repos["models/meta/base"].row["id"] = "mallory/base"
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: f.config(obj{"repositories": []string{"meta/base"}})}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rec.Records() {
		if strings.Contains(r.Subject.ID, "mallory") {
			t.Errorf("%s of %s", r.Kind, r.Subject.ID)
		}
	}
	if c := cov[records.KindModel]; c.Status != connector.Partial || len(rec.Gaps()) == 0 || !strings.Contains(rec.Gaps()[0].Detail, "mallory/base") {
		t.Errorf("coverage %+v, gaps %+v", c, rec.Gaps())
	}
}

// A card of comments alone takes no longer than another.
func TestManyComments(t *testing.T) {
	begun := time.Now()
	if got := said(strings.Repeat("<!---->", 1<<20) + "a<!-- b"); got != "a" {
		t.Errorf("said %q", got)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// A heading in a comment is nothing that the card says.
func TestHeadingInComment(t *testing.T) {
	got := sectionMap(sections([]byte("# A\n\nx <!-- y\n\n## Limits\nnone\n--> z\n\n```\n<!--\n```\n## Uses\nu\n")))
	if len(got) != 2 || string(got["Uses"]) != `"u"` || !strings.Contains(string(got["A"]), "z") {
		t.Errorf("sections %s", got)
	}
}
