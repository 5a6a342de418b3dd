package documents

import (
	"strings"
	"testing"
)

// A branch can be named as anything; what goes on record is no credential.
func TestBranchIsNoCredential(t *testing.T) {
	secret := strings.Repeat("aB3", 17) + "x"
	r := &repository{called: "app", branch: "fix/gs" + "k_" + secret}
	if got := r.describe(); strings.Contains(got, secret) || !strings.Contains(got, "branch fix/[credential] at") {
		t.Error(got)
	}
	if strings.Contains(r.state(), secret) {
		t.Error(r.state())
	}
	r.branch = "feature/a-name-that-is-long-and-says-what-it-is"
	if got := r.describe(); !strings.Contains(got, r.branch) {
		t.Error(got)
	}
}
