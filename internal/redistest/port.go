package redistest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
)

// The ports lie below the range of ports for connections and for listeners on port 0
// (Linux: from 32768). So nobody else gets one before its process listens.
const (
	firstPort = 15_000
	lastPort  = 32_000
)

var nextPort atomic.Int64

func init() { nextPort.Store(rand.Int64N(lastPort - firstPort)) } // test processes run side by side

// FreePorts returns n free ports of loopback. It returns each port only once.
func FreePorts(t testing.TB, n int) []string {
	t.Helper()
	var ports []string
	var lc net.ListenConfig
	for range lastPort - firstPort {
		if len(ports) == n {
			return ports
		}
		port := strconv.FormatInt(firstPort+nextPort.Add(1)%(lastPort-firstPort), 10)
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		_ = l.Close()
		ports = append(ports, port)
	}
	t.Fatalf("found %d free ports, not %d", len(ports), n)
	return nil
}
