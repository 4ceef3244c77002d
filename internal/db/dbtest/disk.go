package dbtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk is the size of the disk of StartSmall, in bytes: a new server takes half.
const smallDisk = 100 << 20

// StartSmall is StartServer on a disk of its own, which Fill fills. Who may not mount
// one gets a server whose files Fill forbids to grow.
func StartSmall(t testing.TB) *Server {
	t.Helper()
	need(t)
	return startServer(&Server{t: t, small: true}, []string{"min_wal_size=2MB", "max_wal_size=4MB"})
}

// mount makes the folder of the data a disk of its own, if that is allowed.
func (s *Server) mount() {
	s.t.Helper()
	data := filepath.Join(s.dir, "data")
	must(s.t, os.Mkdir(data, 0o700))
	err := syscall.Mount("tmpfs", data, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", smallDisk))
	if err != nil {
		s.t.Logf("a full disk is a limit for files: mount: %v", err)
	}
	_, err = Command(data, "initdb") // gives the folder away
	must(s.t, err)
}

func (s *Server) unmount() {
	_ = syscall.Unmount(filepath.Join(s.dir, "data"), 0) // nothing may be mounted
}

// mounted reports whether the data has a disk of its own.
func (s *Server) mounted() bool {
	var there, above syscall.Stat_t
	must(s.t, errors.Join(syscall.Stat(s.dir+"/data", &there), syscall.Stat(s.dir, &above)))
	return there.Dev != above.Dev
}

// Fill fills the disk until room, which also starts the server where it has ended.
func (s *Server) Fill() (room func()) {
	s.t.Helper()
	if s.mounted() {
		ballast := filepath.Join(s.dir, "data", "ballast")
		if err := os.WriteFile(ballast, make([]byte, smallDisk), 0o600); !errors.Is(err, syscall.ENOSPC) {
			s.t.Fatalf("the disk is not full: %v", err)
		}
		return func() {
			must(s.t, os.Remove(ballast))
			s.revive()
		}
	}
	s.limit("65536")
	return func() {
		s.limit("unlimited")
		s.revive()
	}
}

// limit is the size up to which the files of the server can grow.
func (s *Server) limit(bytes string) {
	s.t.Helper()
	pid := s.cmd.Process.Pid
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid)) // none where it has ended
	for _, each := range append([]string{fmt.Sprint(pid)}, strings.Fields(string(children))...) {
		_ = s.command("prlimit", "--pid", each, "--fsize="+bytes+":unlimited").Run() // one may have ended
	}
}

func (s *Server) revive() {
	s.t.Helper()
	select {
	case <-s.done:
		s.Restart()
	default:
		s.await()
	}
}
