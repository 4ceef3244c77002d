package build

import (
	"runtime/debug"
	"testing"
)

func TestOfRepository(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "11f90f7"}
	for _, tt := range []struct {
		name     string
		settings []debug.BuildSetting
		want     string
	}{
		{"no repository", []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}, ""},
		{"as committed", []debug.BuildSetting{{Key: "vcs.modified", Value: "false"}, revision}, "11f90f7"},
		{"with changes", []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, revision}, "11f90f7+dirty"},
	} {
		if got := ofRepository(tt.settings); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The linker's word wins: there it was said on purpose.
func TestRead(t *testing.T) {
	if got := Read(); got.Version == "" || got.Commit == "" || got.Go == "" {
		t.Errorf("got %+v, want something of each", got)
	}
	defer func() { version, commit = "", "" }()
	version, commit = "v1.2.3", "abc"
	if got := Read(); got.Version != "v1.2.3" || got.Commit != "abc" {
		t.Errorf("got %+v", got)
	}
}
