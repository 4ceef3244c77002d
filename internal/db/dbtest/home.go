package dbtest

import (
	"os"
	"os/exec"
	"sync"
)

// home is where the servers of a test process have their folders.
type home struct {
	dir string
	// lifeline is never closed by this process. It is kept, so that the file is not
	// collected as garbage, which would close it.
	lifeline *os.File
}

var folder = sync.OnceValues(makeFolder)

const pidName = "pid"

// watch waits until the test process has ended, then ends its servers and removes
// their folders. $0 is the folder of folders. SIGQUIT leaves no shared memory behind.
const watch = `trap '' INT TERM HUP QUIT
cat
for f in "$0"/*/` + pidName + `; do
	read -r pid <"$f" && kill -QUIT "$pid" && for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.2; done
done 2>/dev/null
rm -rf "$0"`

// makeFolder also starts the process that watches over this one. Tests have no
// common end, and a killed one has none at all, but its end of the pipe is closed
// then by the system.
func makeFolder() (home, error) {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return home{}, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // another user runs the servers
		return home{}, err
	}
	cmd := exec.Command("sh", "-c", watch, dir) // outlives every test
	r, w, err := os.Pipe()
	if err != nil {
		return home{}, err
	}
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return home{}, err
	}
	_ = r.Close()
	return home{dir, w}, nil
}
