// Package build says which shopd this is.
package build

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// version and commit are set by the linker (-X) where there is no repository to ask, as in the build of the image.
var version, commit string

// Info says which shopd this is.
type Info struct {
	Version string // such as v1.0.0; "(devel)" where nothing tells
	Commit  string // of the repository, 40 digits, with "+dirty" where files differed; "unknown" where nothing tells
	Go      string // the version of Go
}

// Read returns what linker and toolchain have told.
func Read() Info {
	i := Info{Version: version, Commit: commit, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		i.Version = cmp.Or(i.Version, info.Main.Version)
		i.Commit = cmp.Or(i.Commit, ofRepository(info.Settings))
	}
	i.Version, i.Commit = cmp.Or(i.Version, "(devel)"), cmp.Or(i.Commit, "unknown")
	return i
}

// ofRepository is the commit that the toolchain has noted; "" for none.
func ofRepository(settings []debug.BuildSetting) string {
	var revision, dirty string
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}
