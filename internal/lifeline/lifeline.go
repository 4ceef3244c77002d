// Package lifeline ends the servers that a test process has started when the process
// itself ends. Tests have no common end, and a killed process has none at all.
package lifeline

import (
	"os"
	"os/exec"
)

// PIDFile is the name of the file, in a server's folder, with the number of its process.
const PIDFile = "pid"

// Folder is where the servers of a test process have their folders.
type Folder struct {
	Dir string
	// pipe is never closed by this process. It is kept, so that the file is not
	// collected as garbage, which would close it.
	pipe *os.File
}

// watch waits until the test process has ended, then ends its servers and removes
// their folders: $0 is the folder of folders, $1 the signal.
const watch = `trap '' INT TERM HUP QUIT
cat
for f in "$0"/*/` + PIDFile + `; do
	pid=$(cat "$f") && kill "-$1" "$pid" && for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.2; done
done 2>/dev/null
rm -rf "$0"`

// New makes the folder, and starts the process that watches over this one: its end
// of a pipe is closed by the system when this one is gone. signal is the name of
// that which ends a server, such as "KILL".
func New(prefix, signal string) (Folder, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return Folder{}, err
	}
	cmd := exec.Command("sh", "-c", watch, dir, signal) // outlives every test
	r, w, err := os.Pipe()
	if err != nil {
		return Folder{}, err
	}
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return Folder{}, err
	}
	_ = r.Close()
	return Folder{dir, w}, nil
}
