package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// maxConnections is how many connections the shop's listener keeps: some 40 KiB of memory and a
// file each (docs/performance.md).
const maxConnections = 4096

// connections bounds the connections of a server. When there are too many, the one that has been
// silent for longest is closed; where none is silent, the newest. So clients that only hold
// connections keep nobody out.
type connections struct {
	most int

	mu     sync.Mutex
	open   map[net.Conn]*list.Element // nil: a request is being read or served
	silent *list.List                 // of net.Conn, the one that has been silent for longest first
}

func newConnections(most int) *connections {
	return &connections{most: most, open: map[net.Conn]*list.Element{}, silent: list.New()}
}

// follow is an http.Server's ConnState.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	if victim := c.note(conn, state); victim != nil {
		_ = victim.Close() // its state becomes closed, which is noted then
	}
}

func (c *connections) note(conn net.Conn, state http.ConnState) (victim net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place := c.open[conn]; place != nil {
		c.silent.Remove(place)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.open[conn] = c.silent.PushBack(conn)
	case http.StateActive:
		c.open[conn] = nil
	default:
		delete(c.open, conn)
	}
	if state != http.StateNew || len(c.open) <= c.most {
		return nil
	}
	victim, _ = c.silent.Remove(c.silent.Front()).(net.Conn) // conn itself, where it is the only one
	c.open[victim] = nil
	return victim
}
