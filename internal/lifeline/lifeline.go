// Package lifeline ends the servers of a test process when the process ends, even when it
// is killed. Tests have no common end that could stop them.
package lifeline

import (
	"os"
	"os/exec"
)

// PIDFile is the file in a server's folder that has its process number.
const PIDFile = "pid"

// Folder is the parent of the servers' folders of a test process.
type Folder struct {
	Dir string
	// pipe is never closed by this process. The field keeps the garbage collector from closing
	// it.
	pipe *os.File
}

// watch waits for the end of the test process. Then it ends the servers and removes their
// folders. $0 is the parent folder, $1 the signal.
const watch = `trap '' INT TERM HUP QUIT
cat
for f in "$0"/*/` + PIDFile + `; do
	pid=$(cat "$f") && kill "-$1" "$pid" && for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.2; done
done 2>/dev/null
rm -rf "$0"`

// New makes the folder and starts the watching process. When this process ends, the system
// closes its end of the pipe, and the watcher sees that. signal ends a server, such as
// "KILL".
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
