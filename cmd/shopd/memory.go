package main

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// memoryShare is what of the cgroup's memory the Go runtime may use, in per cent: the rest is
// for the binary and what the kernel counts as ours.
const memoryShare = 90

// cgroupMemory is how many bytes the process may have by its cgroup and those above it, 0 for any
// number. root is the root of the file system; both versions of cgroups are read.
func cgroupMemory(root fs.FS) (most int64) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, file := "sys/fs/cgroup", "memory.max"
		switch controllers := strings.Split(parts[1], ","); {
		case slices.Contains(controllers, "memory"):
			base, file = base+"/memory", "memory.limit_in_bytes"
		case parts[1] != "":
			continue
		}
		// In a container the path may be that of the host: then only the root is there.
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			text, _ := fs.ReadFile(root, path.Join(base, at, file))
			n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err == nil && n > 0 && n < 1<<60 && (most == 0 || n < most) { // the first version writes a huge number for none
				most = n
			}
			if at == "/" {
				break
			}
		}
	}
	return most
}
